"""Checks of projects with a Triton server.  Each module has a code and a function `check`."""

from __future__ import annotations
