"""What a plain YAML scalar means.  Law: a core smaller than any YAML version's; where versions differ, say so.

`no` is false and `1:30` is ninety in YAML 1.1, and both are text in 1.2; `0755` is a number to one reader and text to
another.  Such scalars are text here and reported as ambiguous, so that the author puts quotes around them.
"""

from __future__ import annotations

import re
from typing import Any

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# What some YAML reader takes for a boolean, a number of another kind or notation, infinity or a date.
_AMBIGUOUS_WORDS = ("yes", "no", "on", "off", "=")
_AMBIGUOUS = (
    r"[-+]?\.(?:inf|nan)\Z"
    r"|[-+]?(?:[0-9][0-9_]*\.?|\.[0-9])[0-9_]*(?:e[-+]?[0-9]+)?\Z|[-+]?0[xob][0-9a-f_]+\Z"
    r"|[-+]?\.[0-9_]+(?:e[-+]?[0-9]+)?\Z|[-+][0-9_]+\Z"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?\Z"
)


def resolve(text: str) -> tuple[Any, bool]:
    """A plain scalar's value, and whether YAML readers disagree about it."""
    if text in _WORDS:
        return _WORDS[text], False
    if text[0] not in "-+.0123456789":
        # `[a:]` is a mapping by the specification, and a text to some readers
        return text, text.lower() in _AMBIGUOUS_WORDS or text.endswith(":")
    if _INT.match(text):
        return (int(text) if len(text) < 300 else text), False
    if _FLOAT.match(text):
        number = float(text)
        return (number if abs(number) != float("inf") else text), False
    return text, text.endswith(":") or bool(re.match(_AMBIGUOUS, text, re.IGNORECASE))
