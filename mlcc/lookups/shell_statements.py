"""A shell file cut into statements.  Law: pure; where the cut is not certain, the statement says so.

A statement ends at a line's end or a semicolon outside quotes.  Inside a condition, a loop, a function or a group
nothing is certain, and so is nothing that stands behind text which has no end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.core.records import NamedTuple

MAX_NESTED = 50
# More than any file closes again.
MAX_LINES = 1_000_000
_OPENS = re.compile(
    r"(?:if|for|while|until|case|select|\{|\()(?=\s|$|\()|(?:function\s+)?[A-Za-z_][A-Za-z0-9_-]*\s*\(\)"
)
_CLOSES = re.compile(r"(?:fi|done|esac|\}|\))(?=\s|$)")
# Behind these nothing is certain: they end the file, or change what its words mean.
_ENDS = re.compile(r"(?:exit|return|exec|trap|alias|enable)(?=\s|$)")
_HERE = re.compile(r"(?<!<)<<(?!<)(-?)\s*(['\"\\]?)([A-Za-z_][A-Za-z0-9_]*)")


class Statement(NamedTuple):
    """Text of one statement.

    line: where it begins, 1-based; certain: it is carried out once, whatever happens; first: it is the first of those
    that are uncertain for one reason.
    """

    text: str
    line: int
    certain: bool = True
    first: bool = True


def statements(source: str) -> Iterator[Statement]:
    """The statements of a file, without comments."""
    at, line, nested = 0, 1, 0
    while at < len(source):
        end, text, whole = _end(source, at)
        stripped = text.strip()
        start = line + text[: len(text) - len(text.lstrip())].count("\n")
        opens, closes = _OPENS.match(stripped), _CLOSES.match(stripped)
        if stripped:
            certain = whole and not nested and not opens and not closes and not _ENDS.match(stripped)
            yield Statement(stripped, start, certain, not nested)
        nested = max(0, nested + bool(opens) - bool(closes) - _closed_inside(stripped, bool(opens)))
        nested += MAX_LINES if _ENDS.match(stripped) or not whole else 0
        line += source.count("\n", at, end)
        at = end
        here = _HERE.search(stripped) if stripped else None
        if here is not None and source[end - 1 : end] == "\n":
            at = _behind(source, end, here[3], bool(here[1]))
            nested += 0 if at else MAX_LINES
            at = at or end
            yield Statement(source[end:at], line, False, False)
            line += source.count("\n", end, at)


def _closed_inside(text: str, opens: bool) -> int:
    """1 where a group opens and closes within one statement."""
    return int(opens and re.search(r"(?:^|[\s;])(?:\}|\)|fi|done|esac)$", text) is not None)


def _behind(source: str, at: int, word: str, tabs: bool) -> int:
    """Where the lines behind a here-document begin; 0 where it does not end."""
    while at < len(source):
        head, _, _ = source[at:].partition("\n")
        at += len(head) + 1
        if (head.lstrip("\t") if tabs else head) == word:
            return min(at, len(source))
    return 0


def _end(source: str, at: int) -> tuple[int, str, bool]:
    """One statement: where the next begins, its text without a comment, and whether it is whole."""
    found: list[str] = []
    position = at
    while position < len(source):
        char = source[position]
        if char in "\n;":
            return position + 1, "".join(found), True
        if char == "#" and (position == at or source[position - 1] in " \t\n;"):
            stop = source.find("\n", position)
            position = len(source) if stop < 0 else stop
            continue
        stop = _span(source, position, 0)
        if stop < 0:
            return len(source), source[at:], False
        found.append(source[position:stop])
        position = stop
    return len(source), "".join(found), True


def _span(source: str, at: int, depth: int) -> int:
    """Where a character, an escape, a quoted text or a command that is put in ends; -1 where it does not."""
    if depth > MAX_NESTED:
        return -1
    char = source[at]
    if char == "\\":
        return min(at + 2, len(source))
    if char == "'":
        end = source.find("'", at + 1)
        return end + 1 if end >= 0 else -1
    if char == '"':
        return _until(source, at + 1, '"', depth + 1)
    if source.startswith(("$(", "${"), at):
        return _until(source, at + 2, ")" if source[at + 1] == "(" else "}", depth + 1)
    if char == "`":
        end = source.find("`", at + 1)
        return end + 1 if end >= 0 else -1
    return at + 1


def _until(source: str, at: int, end: str, depth: int) -> int:
    """Behind the character that ends what was opened."""
    while 0 <= at < len(source):
        if source[at] == end:
            return at + 1
        literal = end == '"' and source[at] == "'"
        at = at + 1 if literal else _span(source, at, depth)
    return -1
