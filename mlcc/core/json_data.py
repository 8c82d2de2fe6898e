"""JSON from outside.  Law: stdlib only; whatever is wrong with a text is a ValueError."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text.  Raises ValueError, for a text that is nested too deeply too."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
