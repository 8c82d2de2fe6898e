"""One change to the text of mlcc.yaml.  Law: every byte that the change is not about stays as it is.

A scalar is replaced where it stands, a new key goes behind its last sibling with that sibling's indentation, and a
removed key goes with its own lines; a comment above it stays, for nobody can know whether it is about that key alone.
What these cannot do is left to ruamel's round trip.  Either way the result is read again and must be the old document
with just that change.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path, format_path
from mlcc.io.yaml import reader, round_trip, writer

BYTE_ORDER_MARK = "\ufeff"


def change(text: str, path: Path, value: Any) -> str:
    """The text with `path` set to `value`, or removed when it is None.

    text: a valid document (a byte order mark and line ends of either kind are kept); value: plain data.  Raises
    UserError when the change cannot be made in this document.
    """
    if text.startswith(BYTE_ORDER_MARK):
        return BYTE_ORDER_MARK + change(text[1:], path, value)
    root = _read(text)
    wanted = _changed(root.plain(), path, value)
    if wanted == root.plain():
        return text
    for attempt in (_precise, _round_trip):
        after = attempt(text, root, path, value)
        if after is not None and _same(after, wanted):
            return after
    raise _refused(path)


def comment_above(text: str, path: Path) -> int:
    """The line of the comment that stands directly above a key or a named element; 0 when none does."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    parent, rest = _deepest(_read(text), path)
    child = _step(parent, rest[0]) if len(rest) == 1 else None
    if child is None:
        return 0
    above = parent.keys.get(str(rest[0]), child.mark).line - 1
    return above if above and text.splitlines()[above - 1].lstrip().startswith("#") else 0


def _refused(path: Path) -> UserError:
    shown = format_path(path)
    return UserError([error("MLCC219", f"{shown} cannot be changed here by mlcc set", hint="edit the file by hand")])


def _read(text: str) -> Node:
    loaded = reader.load_yaml(text.encode(), "mlcc.yaml")
    assert loaded.root is not None, "the caller read the document before"
    return loaded.root


def _same(text: str, wanted: Any) -> bool:
    loaded = reader.load_yaml(text.encode(), "mlcc.yaml")
    return loaded.root is not None and not loaded.findings and loaded.root.plain() == wanted


def _changed(plain: Any, path: Path, value: Any) -> Any:
    """Plain data with the change made.  Raises UserError where the document has another shape than the path."""
    root = copy.deepcopy(plain)
    here = root
    for segment, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(segment, Item):
            if not isinstance(here, list) or (following is None and value is not None):
                raise _refused(path)
            here = _element(here, segment.name, following, value)
        elif not isinstance(here, dict) or not isinstance(segment, str):
            raise _refused(path)
        elif following is None and value is not None:
            here[segment] = value
        elif value is None:
            here = here.pop(segment, None) if following is None else here.get(segment)
        else:
            here = here.setdefault(segment, [] if isinstance(following, Item) else {})
        if here is None:
            break
    return root


def _element(items: list[Any], name: str, following: Any, value: Any) -> Any:
    """The named element of a list: made where it is absent and something is set below it, removed when it is last."""
    found = next((e for e in items if isinstance(e, dict) and e.get("name") == name), None)
    if value is None:
        if following is None and found is not None:
            items.remove(found)
        return found
    if found is None:
        found = {"name": name}
        items.append(found)
    return found


def _round_trip(text: str, root: Node, path: Path, value: Any) -> str | None:
    """ruamel's way, unless a comment would be lost on it."""
    line_end = _line_end(text)
    try:
        after = round_trip.edit_round_trip(text.replace("\r\n", "\n"), path, value).replace("\n", line_end)
    except ValueError:  # a number of more digits than Python reads
        return None
    own = _own_lines(root, path) if value is None else range(0)
    return after if not _lost(text, root, after, own) else None


def _lost(before: str, root: Node, after: str, own: range) -> bool:
    """True where a comment of the text before, but for those in lines of its own, is not in the one after."""
    read = reader.load_yaml(after.encode(), "mlcc.yaml").root
    return read is None or bool(Counter(_comments(before, root, own)) - Counter(_comments(after, read, range(0))))


def _own_lines(root: Node, path: Path) -> range:
    """Lines of what is changed: a comment there goes with it."""
    parent, rest = _deepest(root, path)
    child = _step(parent, rest[0]) if len(rest) == 1 else None
    if child is None or child.end == (0, 0):
        return range(0)
    start = parent.keys.get(str(rest[0]), child.mark).line
    return range(start, child.end[0] + 1)


_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


def _comments(text: str, root: Node, left_out: range) -> Iterator[str]:
    """Every comment of a document, those behind a value too; left_out: lines of which none is wanted."""
    values: dict[int, list[Node]] = {}
    for node in _scalars(root):
        for number in range(node.mark.line, node.end[0] + 1):
            values.setdefault(number, []).append(node)
    for number, line in enumerate(text.splitlines(), 1):
        for found in _COMMENT.finditer(line) if number not in left_out else ():
            place = (number, found.start() + 1)
            if not any((n.mark.line, n.mark.column) <= place < n.end for n in values.get(number, ())):
                yield found[0].strip()
                break


def _scalars(node: Node) -> Iterator[Node]:
    if node.is_map:
        for child in node.value.values():
            yield from _scalars(child)
    elif node.is_list:
        for child in node.value:
            yield from _scalars(child)
    else:
        yield node


def _line_end(text: str) -> str:
    """How the document ends its lines, as the first one does."""
    return "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"


def _precise(text: str, root: Node, path: Path, value: Any) -> str | None:
    """The smallest change, or None where the layout does not allow it."""
    if isinstance(path[-1], Item):
        return _without_element(text.splitlines(keepends=True), root, path)
    parent, rest = _deepest(root, path)
    key = rest[0]
    if not isinstance(key, str) or any(isinstance(s, Item) for s in rest) or not parent.is_map:
        return None
    child = parent.value.get(key)
    lines = text.splitlines(keepends=True)
    if child is not None and len(rest) == 1:
        if value is None:
            return _removed(lines, parent, key) or _emptied(lines, root, path)
        after = _replaced(lines, child, value)
        return after if after is not None and not _lost(text, root, after, range(0)) else None
    return None if child is not None or value is None else _inserted(lines, parent, rest, value)


def _deepest(root: Node, path: Path) -> tuple[Node, Path]:
    """The deepest mapping on the way that exists, and what is left of the path (at least its last segment)."""
    node, rest = root, path
    while len(rest) > 1:
        child = _step(node, rest[0])
        if child is None:
            break
        node, rest = child, rest[1:]
    return node, rest


def _step(node: Node, segment: Any) -> Node | None:
    if isinstance(segment, Item) and node.is_list:
        return next((e for e in node.value if e.is_map and e.plain().get("name") == segment.name), None)
    return node.get(segment) if isinstance(segment, str) else None


def _replaced(lines: list[str], child: Node, value: Any) -> str | None:
    """A scalar in a scalar's place, and anything in that of a flow collection, which it then is too."""
    flow = child.style == "flow"
    if child.end == (0, 0) or (not flow and (child.is_map or child.is_list or isinstance(value, (dict, list)))):
        return None
    (first, start), (last, end) = (child.mark.line, child.mark.column), child.end
    if first != last and not flow:
        return None
    before, after = lines[first - 1][: start - 1], lines[last - 1][end - 1 :]
    lines[first - 1 : last] = [before + writer.flow(value) + after]
    return "".join(lines)


def _inserted(lines: list[str], parent: Node, rest: Path, value: Any) -> str | None:
    if parent.style != "block" or parent.end == (0, 0) or not parent.keys:
        return None
    nested = value
    for segment in reversed(rest):
        nested = {segment: nested}
    indent = min(mark.column for mark in parent.keys.values()) - 1
    line_end = _line_end("".join(lines))
    new = [f"{' ' * indent}{line}{line_end}" for line in writer.emit(nested)]
    at = parent.end[0]
    if indent == 0:
        # a new section: at the end, not between a section and the comments that follow it
        at, new = len(lines), [line_end, *new]
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += line_end
    return "".join([*lines[:at], *new, *lines[at:]])


def _removed(lines: list[str], parent: Node, key: str) -> str | None:
    child, mark = parent.value[key], parent.keys[key]
    starts_line = not lines[mark.line - 1][: mark.column - 1].strip()
    if parent.style != "block" or child.end == (0, 0) or not starts_line or len(parent.keys) == 1:
        return None
    return "".join([*lines[: mark.line - 1], *lines[child.end[0] :]])


def _emptied(lines: list[str], root: Node, path: Path) -> str | None:
    """The lines without the only key of a block mapping, which is then written as an empty one."""
    if len(path) == 1:
        return None
    holder, rest = _deepest(root, path[:-1])
    parent = _step(holder, rest[0]) if len(rest) == 1 and holder.is_map else None
    if parent is None or parent.style != "block" or len(parent.keys) != 1:
        return None
    child, at = parent.value[str(path[-1])], holder.keys[str(rest[0])]
    head = lines[at.line - 1]
    colon = head.find(":", at.column - 1 + len(str(rest[0])))
    behind = head[colon + 1 :].lstrip(" \t")
    if child.end == (0, 0) or colon < 0 or parent.keys[str(path[-1])].line == at.line or behind[:1] not in "#\r\n":
        return None
    lines[at.line - 1] = f"{head[: colon + 1]} {{}}{head[colon + 1 :]}"
    first = parent.keys[str(path[-1])].line
    return "".join([*lines[: first - 1], *lines[child.end[0] :]])


def _without_element(lines: list[str], root: Node, path: Path) -> str | None:
    """The lines without a named element of a block list; a list that it leaves empty is written as one."""
    parent, rest = _deepest(root, path[:-1])
    key = rest[0]
    items = parent.value.get(key) if len(rest) == 1 and parent.is_map and isinstance(key, str) else None
    element = _step(items, path[-1]) if items is not None else None
    if items is None or element is None or items.style != "block" or element.end == (0, 0):
        return None
    first, last = element.mark.line, element.end[0]
    if not lines[first - 1].lstrip().startswith("- "):
        return None
    if len(items.value) == 1:
        at = parent.keys[str(key)].line - 1
        lines[at] = lines[at].rstrip("\r\n") + " []" + _line_end("".join(lines))
    return "".join([*lines[: first - 1], *lines[last:]])
