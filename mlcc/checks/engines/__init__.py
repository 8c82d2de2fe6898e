"""Checks of projects with a serving engine.  Each module has a code and a function `check`."""

from __future__ import annotations
