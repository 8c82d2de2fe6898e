"""InputFilter and OutputFilter: the JSONPath that batch jobs need.  Law: other paths are refused, not guessed.

`$`, `.name`, `['name']`, `[3]`, `[-1]`, `[1:4]`, `[0,2]` and `['a','b']`, one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlcc.core.text import quoted
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal

Step = Callable[[Any], Any]
_NAME, _NUMBER = r"'([^'\\]*)'", r"-?\d+"
_NAMES, _NUMBERS = _NAME.replace("(", "(?:"), rf"{_NUMBER}(?:\s*,\s*{_NUMBER})*"
_STEP = re.compile(
    rf"\.(?P<name>[A-Za-z_]\w*)|\[(?P<from>{_NUMBER})?:(?P<to>{_NUMBER})?\]"
    rf"|\[(?P<numbers>{_NUMBERS})\]|\[(?P<names>{_NAMES}(?:\s*,\s*{_NAMES})*)\]"
)


class Unfit(Exception):
    """A record does not have what a path names."""


def compiled(path: str) -> list[Step]:
    """The steps of a path.  Raises Refusal."""
    text, steps = path.strip(), list[Step]()
    at = 1
    while text.startswith("$") and at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            break
        steps.append(_step(found))
        at = found.end()
    if not text.startswith("$") or at < len(text):
        raise Refusal(f"this server does not know the path {quoted(path)}", *NOT_IMPLEMENTED)
    return steps


def _step(found: re.Match[str]) -> Step:
    if found["name"]:
        return _picking(found["name"])
    if found["names"]:
        return _several(re.findall(_NAME, found["names"]))
    if found["numbers"]:
        return _several([int(number) for number in found["numbers"].split(",")])
    start, end = (int(found[name]) if found[name] else None for name in ("from", "to"))
    return lambda value: value[start:end]


def _picking(key: Any) -> Step:
    return lambda value: value[key]


def _several(keys: list[Any]) -> Step:
    """One key gives its value, several give a list."""
    return _picking(keys[0]) if len(keys) == 1 else lambda value: [value[key] for key in keys]


def taken(steps: list[Step], value: Any) -> Any:
    """What a path takes of a record.  Raises Unfit."""
    try:
        for step in steps:
            value = step(value)
    except (KeyError, IndexError, TypeError):
        raise Unfit("a filter names what the record does not have") from None
    return value
