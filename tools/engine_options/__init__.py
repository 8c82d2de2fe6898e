"""Reads the command line options of inference engines out of their published packages, as text only."""
