"""Durations as people write them: `30m`, `8h`, `7d`.  Law: stdlib only; a text that is none is an answer."""

from __future__ import annotations

import re

_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])\Z")
_UNITS_S = {"m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int | None:
    """The seconds of a duration, or None for a text that is none.

    >>> seconds("8h")
    28800
    """
    found = _DURATION.match(text)
    return int(found[1]) * _UNITS_S[found[2]] if found else None
