"""Texts and tables by the columns that they take on a terminal.  Law: stdlib only; colours take no column.

Wide characters (Chinese, Japanese, Korean, emoji) take two columns, combining marks none.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PIECES = re.compile(r"\x1b\[[0-9;]*m|.", re.DOTALL)
_CHUNKS = re.compile(r" +|[^ ]+")
# Behind these a long word is parted first: they stand between the parts of paths, ARNs and lists.
_SEPARATORS = "/:,;=&-_"
GAP = 2


def columns(text: str) -> int:
    """How many columns one line of text takes."""
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return len(text) if text.isascii() else sum(map(_of_character, text))


@functools.cache
def _of_character(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> tuple[str, str]:
    """A text as what fits in `width` columns, at least one character, and the rest."""
    taken, end = 0, 0
    for piece in _PIECES.finditer(text):
        size = 0 if piece[0].startswith("\x1b") else _of_character(piece[0])
        if taken + size > width and taken:
            break
        taken, end = taken + size, piece.end()
    return text[:end], text[end:]


def _parted(word: str, width: int) -> tuple[str, str]:
    """A word that is too long as two, behind a separator where one stands in the second half of the line."""
    head, rest = cut(word, width)
    last = max(map(head.rfind, _SEPARATORS)) + 1
    return (word[:last], word[last:]) if rest and last > len(head) // 2 else (head, rest)


def wrapped(text: str, width: int, further: str | None = None) -> list[str]:
    """A line as several of at most `width` columns: between words, and within a word that is longer than a line.

    further: what the lines after the first begin with; as much space as the first and four more where it is not given.

    >>> wrapped("  a word-and-more", 12)
    ['  a', '      word-', '      and-', '      more']
    """
    if columns(text) <= width:
        return [text]
    if further is None:
        further = " " * (len(text) - len(text.lstrip(" ")) + 4)
    further = further if len(further) < width // 2 else ""
    lines, line = [], ""
    for chunk in _CHUNKS.findall(text):
        blank = chunk[0] == " "
        if columns(line + chunk) > width and line.strip():
            lines.append(line.rstrip(" "))
            line = further
            chunk = "" if blank else chunk
        while not blank and columns(line + chunk) > width:
            head, chunk = _parted(chunk, max(width - columns(line), 1))
            lines.append(line + head)
            line = further
        line += chunk
    return [*lines, line.rstrip(" ")] if line.strip() else lines


def beside(left: str, right: str, room: int | None) -> str:
    """A text, and another at the right margin: on one line where both fit, else on two.

    room: the columns of the terminal; None: a program reads line by line, and both are on one.
    """
    if room is None:
        return f"{left}  {right}"
    gap = room - columns(left) - columns(right)
    return f"{left}{' ' * gap}{right}" if gap >= GAP else f"{left}\n{' ' * (room - columns(right))}{right}"


def widths(table: Sequence[Sequence[str]], total: int | None, words: Sequence[int]) -> list[int]:
    """How wide each column of a table is, so that a line takes at most `total` columns; None: no limit.

    The widest give way first.  words: of how many columns a word is kept together, best first: the first with which the
    table fits; where none does, words are parted as far as it must be.
    """
    sides = [*zip(*table, strict=True)]
    wanted = [max(map(columns, side)) for side in sides]
    if total is None:
        return wanted
    room = total - GAP * (len(sides) - 1)
    longest = [max((columns(word) for text in side for word in text.split()), default=1) for side in sides]
    kept = next((most for most in words if sum(min(width, most) for width in longest) <= room), 1)
    least = [min(width, kept) for width in longest]
    while sum(wanted) > room:
        loose = [number for number, width in enumerate(wanted) if width > max(least[number], 2)]
        if not loose:
            break
        wanted[max(loose, key=lambda number: wanted[number])] -= 1
    return wanted


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]], sizes: Sequence[int]) -> str:
    """A table with a rule below its heads; a text that is wider than its column takes several lines."""
    lines = [*_row(heads, sizes), _joined(["-" * size for size in sizes], sizes)]
    for row in rows:
        lines += _row(row, sizes)
    return "\n".join(lines)


def _row(cells: Sequence[str], sizes: Sequence[int]) -> list[str]:
    parts = [wrapped(text, size, "") for text, size in zip(cells, sizes, strict=True)]
    height = max(map(len, parts))
    return [_joined([part[at] if at < len(part) else "" for part in parts], sizes) for at in range(height)]


def _joined(texts: Sequence[str], sizes: Sequence[int]) -> str:
    padded = [text + " " * (size - columns(text)) for text, size in zip(texts, sizes, strict=True)]
    return (" " * GAP).join(padded).rstrip(" ")
