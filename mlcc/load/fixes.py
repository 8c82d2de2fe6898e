"""Mending the text of mlcc.yaml by what findings propose.  Law: exact or not at all; layout and comments stay.

A fix is made where its finding stands, and only while the key or value that it is about still stands there.  It is
kept when the document then is the old one with just that change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import RENAME, SET, UNSET, Finding, Fix
from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.io.yaml import reader, writer
from mlcc.load import edit

# A round mends one finding, and reads the document a few times: a long one gets fewer of them.
MAX_ROUNDS, MAX_WORK = 200, 2 << 20
# A value of another kind than its key has.
OTHER_KIND = "MLCC022"


class Mended(NamedTuple):
    """A document, each finding that was mended in it with what was done, and what is left."""

    data: bytes
    done: tuple[tuple[Finding, str], ...]
    left: tuple[Finding, ...]


def mend(data: bytes, file: str, findings_of: Callable[[bytes], Sequence[Finding]]) -> Mended:
    """A document with every fix made that its findings propose.

    file: its name in findings; findings_of: what is wrong with a document of these bytes.
    """
    done: list[tuple[Finding, str]] = []
    tried = set[_Key]()
    left = findings_of(data)
    for _ in range(min(MAX_ROUNDS, max(1, MAX_WORK // max(len(data), 1)))):
        chosen = next((f for f in left if f.fix is not None and f.file == file and _key(f) not in tried), None)
        if chosen is None:
            break
        tried.add(_key(chosen))
        after = mended(data, chosen)
        found = findings_of(after[0]) if after is not None else left
        if after is not None and _mends(chosen, found):
            data, left = after[0], found
            done.append((chosen, after[1]))
    return Mended(data, tuple(done), tuple(left))


_Key = tuple[str, str, int, int, "Fix | None"]


def _key(finding: Finding) -> _Key:
    return finding.code, finding.path, finding.line, finding.column, finding.fix


def _mends(finding: Finding, found: Sequence[Finding]) -> bool:
    """Whether a finding is gone, and a renamed key holds nothing that only a person can mend."""
    fix = finding.fix
    if fix is not None and fix.action == RENAME:
        now = finding.path.removesuffix(fix.was) + str(fix.value)
        if any(f.path == now and f.code == OTHER_KIND and f.fix is None for f in found):
            return False
    return _key(finding) not in {_key(f) for f in found}


def mended(data: bytes, finding: Finding) -> tuple[bytes, str] | None:
    """The bytes with one fix made, and what was done; None where it cannot be made exactly."""
    text, fix = data.decode("utf-8"), finding.fix
    mark = edit.BYTE_ORDER_MARK if text.startswith(edit.BYTE_ORDER_MARK) else ""
    text = text.removeprefix(edit.BYTE_ORDER_MARK)
    root = reader.load_yaml(text.encode(), finding.file).root
    if fix is None or root is None:
        return None
    place = (fix.line, fix.column) if fix.line else (finding.line, finding.column)
    for path, parent, key in _entries(root, ()):
        node = parent.value[key]
        at = parent.keys.get(str(key)) if parent.is_map else None
        if place not in {(m.line, m.column) for m in (node.mark, at) if m is not None}:
            continue
        after, words = _change(text, path, parent, key, fix)
        return ((mark + after).encode("utf-8"), words) if after else None
    return None


def _entries(node: Node, path: Path) -> Iterator[tuple[Path, Node, str | int]]:
    """Every value of a document, from the deepest, with its path and where it is held."""
    if node.is_map:
        for key, child in node.value.items():
            yield from _entries(child, (*path, key))
            yield (*path, key), node, key
    elif node.is_list:
        for number, child in enumerate(node.value):
            name = child.get("name")
            segment = Item(str(name.value)) if name is not None else number
            yield from _entries(child, (*path, segment))
            yield (*path, segment), node, number


def _change(text: str, path: Path, parent: Node, key: str | int, fix: Fix) -> tuple[str, str]:
    """The text with the change, empty where it cannot be made, and what it is in words."""
    node, shown = parent.value[key], format_path(path)
    if fix.action == RENAME and parent.is_map and key == fix.was and fix.value not in parent.value:
        return _renamed(text, parent, str(key), str(fix.value)), f"renamed {shown} to {fix.value}"
    if fix.action == SET and not node.is_map and not node.is_list and node.text == fix.was:
        return _set(text, node, path, fix), f"{shown} {_words(fix)}"
    if fix.action == UNSET and parent.is_map and node.text == fix.was:
        try:
            return edit.change(text, path, None), f"removed {shown}"
        except UserError:
            return "", ""
    return "", ""


def _words(fix: Fix) -> str:
    if fix.value == fix.was:
        return "written in quotes"
    return f"set to {fix.value}" if isinstance(fix.value, str) else "written without quotes"


def _renamed(text: str, parent: Node, key: str, new: str) -> str:
    """The text with another key in the place of one, bare or in the quotes that it has."""
    mark, lines = parent.keys[key], text.splitlines(keepends=True)
    line = lines[mark.line - 1]
    old = re.compile(rf"""(["']?){re.escape(key)}\1(?=[ \t]*:)""").match(line, mark.column - 1)
    if old is None:
        return ""
    lines[mark.line - 1] = line[: mark.column - 1] + old[1] + new + old[1] + line[old.end() :]
    after = "".join(lines)
    wanted = [(new if name == key else name, child) for name, child in parent.value.items()]
    return after if _is_now(text, after, parent, Node(dict(wanted), parent.mark)) else ""


def _set(text: str, node: Node, path: Path, fix: Fix) -> str:
    """The text with another scalar in the place of one, on one line."""
    (line, start), (last, end) = (node.mark.line, node.mark.column), node.end
    if (last, end) == (0, 0) or line != last:
        return ""
    lines = text.splitlines(keepends=True)
    old = lines[line - 1][start - 1 : end - 1]
    if old[:1] in ("&", "*"):
        return ""
    quoted = isinstance(fix.value, str) and (old[:1] in ('"', "'") or fix.value == fix.was)
    new = writer.quote(fix.value) if quoted else writer.scalar(fix.value)
    lines[line - 1] = lines[line - 1][: start - 1] + new + lines[line - 1][end - 1 :]
    after = "".join(lines)
    return after if _is_now(text, after, node, Node(fix.value, node.mark, text=str(fix.value))) else ""


def _is_now(before: str, after: str, old: Node, new: Node) -> bool:
    """Whether a text is another one with one node in the place of an old one, and nothing else."""
    file = old.mark.file
    roots = [reader.load_yaml(text.encode(), file).root for text in (before, after)]
    if roots[0] is None or roots[1] is None:
        return False
    return bool(_replaced(roots[0], old, new) == roots[1].plain())


def _replaced(node: Node, old: Node, new: Node) -> Any:
    """Plain data with `new` where the node of `old` stands."""
    if node.mark == old.mark and node.is_map == old.is_map and node.plain() == old.plain():
        return new.plain()
    if node.is_map:
        return {key: _replaced(child, old, new) for key, child in node.value.items()}
    return [_replaced(child, old, new) for child in node.value] if node.is_list else node.value
