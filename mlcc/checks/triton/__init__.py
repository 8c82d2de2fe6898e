"""Checks of projects that Triton serves.  Each module has a code and a function `check`."""

from __future__ import annotations
