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
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?\Z"
)


def resolve(text: str) -> tuple[Any, bool]:
    """A plain scalar's value, and whether YAML readers disagree about it."""
    if text in _WORDS:
        return _WORDS[text], False
    if _INT.match(text):
        return (int(text) if len(text) < 300 else text), False
    if _FLOAT.match(text):
        number = float(text)
        return (number if abs(number) != float("inf") else text), False
    if text[0] in "-+.0123456789":
        return text, bool(re.match(_AMBIGUOUS, text, re.IGNORECASE))
    return text, text.lower() in _AMBIGUOUS_WORDS


# ---------------------------------------------------------------- lists on a command line
# One element of A,B: a name with extras in brackets and versions, in which a comma stands only before a comparison.
_ELEMENT = re.compile(r"[A-Za-z0-9./:_@-](?:[A-Za-z0-9./:_@=~!<>*+-]|\[[A-Za-z0-9._,-]*\]|,(?=[=~!<>]))*")
_LISTED = re.compile(rf"{_ELEMENT.pattern}(?:,{_ELEMENT.pattern})*\Z")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


def listed(text: str, numbers: bool) -> list[str | int] | None:
    """The elements of a list written A,B, or None for any other text.  numbers: whole numbers are not text."""
    if not _LISTED.match(text):
        return None
    return [int(t) if numbers and _WHOLE.match(t) else t for t in _ELEMENT.findall(text)]
