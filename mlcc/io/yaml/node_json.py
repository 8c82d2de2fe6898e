"""Node trees as JSON and back.  Law: what comes back equals what was given, places included."""

from __future__ import annotations

import json
from typing import Any

from mlcc.core.nodes import Mark, Node

MAP, LIST = 0, 1


def dump(root: Node) -> bytes:
    """A tree as JSON; the file's name is left out."""
    return json.dumps(_packed(root), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _packed(node: Node) -> list[Any]:
    place = [node.mark.line, node.mark.column, *node.end]
    if isinstance(node.value, dict):
        items = [[k, *_place(node.keys.get(k)), _packed(v)] for k, v in node.value.items()]
        return [*place, node.style, MAP, items]
    if isinstance(node.value, tuple):
        return [*place, node.style, LIST, [_packed(v) for v in node.value]]
    # most texts are their value
    return [*place, node.value] if node.text == node.value else [*place, node.value, node.text]


def _place(mark: Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark is not None else (0, 0)


def load(data: bytes, file: str) -> Node:
    """The tree of `dump`, its marks in `file`.  Raises ValueError (or its like) for anything else."""
    return _unpacked(json.loads(data.decode("utf-8", "surrogatepass")), file)


def _unpacked(packed: list[Any], file: str) -> Node:
    line, column, end_line, end_column = packed[:4]
    mark, end = Mark(file, line, column), (end_line, end_column)
    if len(packed) < 7:
        return Node(packed[4], mark, packed[-1], end=end)
    style, kind, items = packed[4:]
    if kind == LIST:
        return Node(tuple(_unpacked(v, file) for v in items), mark, end=end, style=style)
    keys = {k: Mark(file, key_line, key_column) for k, key_line, key_column, _ in items}
    return Node({k: _unpacked(v, file) for k, _, _, v in items}, mark, keys=keys, end=end, style=style)
