"""How an engine spells its options."""

from __future__ import annotations
