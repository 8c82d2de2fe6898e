"""Checks of every project.  Each module has a code and a function `check`."""

from __future__ import annotations
