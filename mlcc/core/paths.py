"""Paths of values: `inference_components[chat].copy_count` as text, as segments, and as nested documents."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Union

from mlcc.core.records import NamedTuple


@functools.cache
def dotted_path(dotted: str) -> Path:
    """A path from its text (kept: the same few are asked for all the time)."""
    return parse_path(dotted) or ()


def names(values: Iterable[Path], prefix: Path) -> tuple[str, ...]:
    """Names of the elements below a named list, in order of first appearance."""
    size = len(prefix)
    segments = [p[size] for p in values if len(p) > size and p[:size] == prefix]
    return tuple(dict.fromkeys(s.name for s in segments if isinstance(s, Item)))


def nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Plain values by path as a document in mlcc.yaml's shape; named elements become list items again."""
    root: dict[str, Any] = {}
    for path, value in values.items():
        here: Any = root
        for segment, following in itertools.pairwise(path):
            if isinstance(segment, Item):
                here = _element(here, segment.name)
            else:
                here = here.setdefault(segment, [] if isinstance(following, Item) else {})
        here[path[-1]] = list(value) if isinstance(value, tuple) else value
    return root


def _element(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for item in items:
        if item.get("name") == name:
            return item
    items.append({"name": name})
    return items[-1]


def leaves(value: Any, path: str = "", into_lists: bool = False) -> Iterator[tuple[str, Any]]:
    """Leaves of plain data by dotted text: `Specification.ModelName`, and with `into_lists` `Tags[0].Key`.

    An empty mapping is a leaf, and so is a list unless its items are asked for.
    """
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else str(name), into_lists)
    elif isinstance(value, list) and into_lists:
        for number, item in enumerate(value):
            yield from leaves(item, f"{path}[{number}]", into_lists)
    else:
        yield path, value


EMPTY: Mapping[Any, Any] = MappingProxyType({})


# ---------------------------------------------------------------- paths
class Item(NamedTuple):
    """An element of a list whose elements have names: `inference_components[chat]`."""

    name: str


Segment = Union[str, int, Item]
Path = tuple[Segment, ...]
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_TOKEN = re.compile(r'(?:^|(?<=.)\.)([A-Za-z_][A-Za-z0-9_-]*)|\[("(?:[^"\\]|\\.)*")\]|\[([^\[\]"]+)\]')


def format_path(path: Path) -> str:
    """`("env", "A")` -> `env.A`; named elements in brackets; awkward keys as a quoted string in brackets."""
    text = ""
    for segment in path:
        if isinstance(segment, Item):
            text += f"[{segment.name}]"
        elif isinstance(segment, int):
            text += f"[{segment}]"
        elif _PLAIN_KEY.match(segment):
            text += f".{segment}" if text else segment
        else:
            text += f"[{json.dumps(segment)}]" if text else segment
    return text


def parse_path(text: str) -> Path | None:
    """The inverse of `format_path` (brackets name an element); None when the text is not a path."""
    path: list[Segment] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            return None
        if match[1] is not None:
            path.append(match[1])
        elif match[2] is not None:
            try:
                path.append(str(json.loads(match[2])))
            except ValueError:
                return None
        else:
            path.append(Item(match[3]))
        position = match.end()
    return tuple(path) or None


def sections(path: Path) -> Iterator[Path]:
    """Every proper prefix of a path, longest first: where a scalar above would hide it."""
    for end in range(len(path) - 1, 0, -1):
        yield path[:end]
