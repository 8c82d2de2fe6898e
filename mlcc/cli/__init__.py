"""The command line.  Law: the only importer of click, rich and tabulate; no logic worth a unit test of its own."""

from __future__ import annotations
