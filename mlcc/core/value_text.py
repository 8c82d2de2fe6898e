"""Values as text, and the words for true and false.  Law: stdlib only; the one place where a value becomes a word."""

from __future__ import annotations

from typing import Any

TRUE_WORDS, FALSE_WORDS = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def scalar_text(value: Any) -> str:
    """A scalar as text: true and false as YAML, JSON and shells write them, numbers as Python does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def short_text(value: Any) -> str:
    """A scalar as people write it: whole numbers without a point (`2` for 2.0)."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else scalar_text(value)
