"""Checks of projects that a serving engine serves.  Each module has a code and a function `check`."""

from __future__ import annotations
