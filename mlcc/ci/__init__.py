"""Continuous integration of many projects over time.  Law: clients and the clock arrive as arguments."""
