"""JSON from outside.  Law: stdlib only; whatever is wrong with a text is a ValueError."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(text: str | bytes, *, finite: bool = False) -> Any:
    """The value of a JSON text.

    finite: no number may be NaN or infinite, as Python reads them (configurations of models hold Infinity).  Raises
    ValueError, for a text that is nested too deeply too.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite) if finite else json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number
