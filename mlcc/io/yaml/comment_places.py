"""Which part of a document a comment belongs to.  Law: every comment and blank line gets one place.

A comment behind something on its line belongs to that.  One on a line of its own belongs to the entry below it, unless
it is indented deeper than that entry (then it ends the collection above it), or stands directly below the entry above
and is parted from the one below by a blank line (then it follows the upper one).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from mlcc.io.yaml.source_parts import LIST, MAP, Comment, Entry, Part

# Lines for editors and linters: they stay at the top of a file, whatever follows.
MODELINE = re.compile(r"#+[ \t]*(?:!|yaml-language-server:|yamllint |vim?:|-\*-)")


def open_commented(part: Part, places: list[int]) -> None:
    """Marks the flow collections that have comments inside."""
    if part.style == "flow" and part.kind in (MAP, LIST):
        part.opened = bisect_right(places, part.start) < bisect_right(places, part.end - 1)
    for entry in part.entries:
        open_commented(entry.value, places)


def put_behind(entries: Sequence[Entry], comments: Iterable[Comment], header: list[str]) -> None:
    """Gives each comment to the last entry that has a part of its line; without one to the entry above.

    header: takes those of a document without entries.
    """
    begins = [entry.line for entry in entries]
    covering = {line: entry for entry in entries for line in range(entry.line, entry.last + 1)}
    for comment in comments:
        entry = covering.get(comment.line)
        if entry is not None and not entry.comment:
            entry.comment = comment.gap + comment.text
        elif entries:
            entries[max(bisect_right(begins, comment.line) - 1, 0)].after.append(comment.text)
        else:
            header.append(comment.text)


Chain = tuple[tuple[Part, Entry], ...]
"""Where an entry stands: the collections around it, from the outermost, each with its entry there."""


def holders_below(root: Part) -> dict[int, Chain]:
    """Where each entry stands, by the identity of the entry."""
    found: dict[int, Chain] = {}

    def walk(part: Part, above: Chain) -> None:
        for entry in part.entries if part.is_open else ():
            chain = (*above, (part, entry))
            found[id(entry)] = chain
            walk(entry.value, chain)

    walk(root, ())
    return found


def header_of(lines: list[str]) -> tuple[list[str], list[str]]:
    """The comments at the top of a document that belong to the whole of it, and those of the first entry."""
    blank = max((number for number, line in enumerate(lines) if not line), default=-1)
    header, rest = lines[: blank + 1], lines[blank + 1 :]
    while rest and MODELINE.match(rest[0]):
        header.append(rest.pop(0))
    return header, rest


def share(previous: Entry, entry: Entry | None, lines: list[Comment | None], holders: dict[int, Chain]) -> None:
    """Gives the comments and blank lines between two entries to the one, the other, or a collection that ends there."""
    chain = holders[id(previous)]
    depth = len(holders[id(entry)]) - 1 if entry is not None else 0
    upper = 0 if depth == len(chain) else _above(lines, entry)
    blank = False
    for comment in lines[:upper]:
        if comment is None:
            blank = True
            continue
        around = [part for part, held in chain[depth + 1 :] if held.column <= comment.column]
        if around and comment.column > (entry.column if entry is not None else 0):
            target = around[-1].tail
        elif entry is None and (blank or chain[0][0].tail):
            target = chain[0][0].tail
        else:
            target = chain[depth][1].after
        target += ["", comment.text] if blank else [comment.text]
        blank = False
    if entry is not None:
        entry.leading = [comment.text if comment is not None else "" for comment in lines[upper:]]


def _above(lines: list[Comment | None], entry: Entry | None) -> int:
    """How many of the lines before an entry belong to what is above it."""
    if entry is None:
        return len(lines)
    upper = 0
    for number, comment in enumerate(lines):
        if comment is not None and comment.column <= entry.column:
            break
        upper = number + 1 if comment is not None else upper
    blank = next((number for number, comment in enumerate(lines) if comment is None), 0)
    return max(upper, blank)
