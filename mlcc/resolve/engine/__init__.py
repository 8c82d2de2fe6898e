"""The options of a serving engine: as typed keys of `engine:`, and as variables of its container.  Law: pure."""

from __future__ import annotations
