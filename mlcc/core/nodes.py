"""A document as a tree of nodes, each with its place in the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple


# ---------------------------------------------------------------- documents
class Mark(NamedTuple):
    """A place in a file: 1-based line and column, 0 when the format has no positions."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Node(NamedTuple):
    """A value of a document with its place.

    value: a scalar, None (a YAML null), a dict of nodes or a tuple of nodes; text: a scalar exactly as written;
    keys: for a dict, where each key stands; end: line and column just behind it, (0, 0) when that is not known;
    style: `block`, `flow`, or empty (a scalar, or no text at all).
    """

    value: Any
    mark: Mark
    text: str = ""
    keys: Mapping[str, Mark] = EMPTY
    end: tuple[int, int] = (0, 0)
    style: str = ""

    @property
    def is_map(self) -> bool:
        """True for a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """True for a sequence."""
        return isinstance(self.value, tuple)

    def plain(self) -> Any:
        """The same value as plain Python data (dict, list, scalars)."""
        if isinstance(self.value, dict):
            return {k: v.plain() for k, v in self.value.items()}
        if isinstance(self.value, tuple):
            return [v.plain() for v in self.value]
        return self.value

    def get(self, *path: str | int) -> Node | None:
        """The node at a path of keys and indexes, or None."""
        node: Node | None = self
        for segment in path:
            value = node.value if node is not None else None
            if isinstance(value, dict) and isinstance(segment, str):
                node = value.get(segment)
            elif isinstance(value, tuple) and isinstance(segment, int) and 0 <= segment < len(value):
                node = value[segment]
            else:
                return None
        return node

    def mark_of(self, path: tuple[str | int, ...]) -> Mark:
        """Where a path stands: its key's mark if it is a key, else its value's; the nearest ancestor's otherwise."""
        node, mark = self, self.mark
        for segment in path:
            if isinstance(node.value, dict) and isinstance(segment, str) and segment in node.value:
                mark = node.keys.get(segment, node.value[segment].mark)
                node = node.value[segment]
            elif isinstance(node.value, tuple) and isinstance(segment, int) and segment < len(node.value):
                node = node.value[segment]
                mark = node.mark
            else:
                break
        return mark


def node_of(value: Any, mark: Mark) -> Node:
    """Plain data as nodes that all stand at one mark (a command line, an environment variable, a TOML file)."""
    if isinstance(value, Mapping):
        items = {str(k): node_of(v, mark) for k, v in value.items()}
        return Node(items, mark, keys=dict.fromkeys(items, mark))
    if isinstance(value, (list, tuple)):
        return Node(tuple(node_of(v, mark) for v in value), mark)
    text = value if isinstance(value, str) else json.dumps(value)
    return Node(value, mark, text=text)
