"""The outside world, one thing or library a module."""

from __future__ import annotations
