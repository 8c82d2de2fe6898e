"""A YAML document as it is written: collections, scalars as their text stands, comments and blank lines.

Law: no value is resolved here, and no parser is imported; each comment belongs to one entry or to the end of one
collection.

A comment behind something on its line belongs to that.  One on a line of its own belongs to the entry below it, unless
it is indented deeper than that entry (then it ends the collection above it), or stands directly below the entry above
and is parted from the one below by a blank line (then it follows the upper one).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlcc.core.records import NamedTuple

MAP, LIST, SCALAR, ALIAS = "map", "list", "scalar", "alias"
BLOCK_SCALARS = ("|", ">")
# Lines for editors and linters: they stay at the top of a file, whatever follows.
MODELINE = re.compile(r"#+[ \t]*(?:!|yaml-language-server:|yamllint |vim?:|-\*-)")


@dataclass
class Part:
    """A value or a key.

    style: `block` or `flow`; of a scalar `plain`, or the sign that it begins with; text: a scalar's value, an alias's
    name; raw: a scalar as it is written, of a block scalar its header; body: the lines of a block scalar; opened: a
    flow collection with comments inside.
    """

    kind: str
    style: str
    start: int
    end: int
    text: str = ""
    raw: str = ""
    anchor: str = ""
    body: tuple[str, ...] = ()
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    opened: bool = False

    @property
    def is_open(self) -> bool:
        """True for a collection whose entries have lines of their own."""
        return self.kind in (MAP, LIST) and (self.style == "block" or self.opened)


@dataclass
class Entry:
    """A key with its value, or an element of a list, with the comments that belong to it (an empty text: a blank line).

    line, column: where it begins, from 0; last: its last line, without those of entries in it.
    """

    key: Part | None
    value: Part
    line: int = 0
    column: int = 0
    last: int = 0
    leading: list[str] = field(default_factory=list)
    comment: str = ""
    after: list[str] = field(default_factory=list)


class Source(NamedTuple):
    """A document: its root, and the comments at its top that belong to the whole of it."""

    root: Part
    header: list[str]


class _Comment(NamedTuple):
    """A comment; gap: the white space before it on its line; own: nothing else stands there."""

    line: int
    column: int
    text: str
    gap: str
    own: bool


def read(text: str, events: Iterable[Any]) -> Source:
    """A valid document.  text: with line feeds alone at the ends of lines; events: a parser's, of this text."""
    return _Reader(text).read(events)


class _Reader:
    """What is known of a text while its comments are given to its entries."""

    def __init__(self, text: str) -> None:
        self.text, self.lines = text, text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.spans: list[tuple[int, int]] = []

    def read(self, events: Iterable[Any]) -> Source:
        root = self._tree(events)
        comments = list(self._comments())
        inside = [(comment, self.starts[comment.line] + comment.column) for comment in comments]
        _open(root, [place for _, place in inside])
        entries = list(self._placed(root))
        for comment in comments:
            if not comment.own:
                _behind(entries, comment)
        header = self._between(root, entries, {c.line: c for c in comments if c.own})
        return Source(root, header)

    def line_of(self, index: int) -> int:
        """The line of a character."""
        return bisect_right(self.starts, index) - 1

    # -------------------------------------------------- collections and scalars
    def _tree(self, events: Iterable[Any]) -> Part:
        stack: list[Part] = []
        root: Part | None = None
        for event in events:
            kind = type(event).__name__
            if kind in ("MappingEndEvent", "SequenceEndEvent"):
                done = stack.pop()
                done.end = event.end_mark.index if done.style == "flow" else event.start_mark.index
                continue
            part = self._part(event, kind)
            if part is None:
                continue
            if not stack:
                root = part
            else:
                _add(stack[-1], part)
            if part.kind in (MAP, LIST):
                stack.append(part)
        assert root is not None, "the caller read the document before"
        return root

    def _part(self, event: Any, kind: str) -> Part | None:
        start, end = event.start_mark.index, event.end_mark.index
        anchor = getattr(event, "anchor", None) or ""
        if kind == "AliasEvent":
            return Part(ALIAS, "plain", start, end, anchor)
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            style = "flow" if event.flow_style else "block"
            return Part(MAP if kind.startswith("Map") else LIST, style, start, end, anchor=anchor)
        if kind != "ScalarEvent":
            return None
        raw = self.text[start:end]
        if anchor and raw.startswith(f"&{anchor}"):
            raw = raw[len(anchor) + 1 :].lstrip()
        start = end - len(raw)
        if event.style in BLOCK_SCALARS:
            return self._block_scalar(event, start, anchor)
        self.spans.append((start, end))
        return Part(SCALAR, event.style or "plain", start, end, event.value, raw, anchor)

    def _block_scalar(self, event: Any, start: int, anchor: str) -> Part:
        """Its header, and its lines: those that are blank or indented as far as the first one of them."""
        line = self.line_of(start)
        header = self.text[start : self.starts[line + 1] - 1].split()[0]
        last_line = self.line_of(max(event.end_mark.index - 1, start))
        below = self.lines[line + 1 : last_line + 1]
        if "+" not in header:
            while below and not below[-1].strip():
                below.pop()
        digits = re.search(r"[1-9]", header)
        first = next((text for text in below if text.strip()), "")
        indent = _spaces(first) - _spaces(event.value.lstrip("\n"))
        body = tuple(text[indent:] if first else "" for text in below)
        begin = self.starts[line + 1]
        end = self.starts[line + 1 + len(below)]
        self.spans.append((begin, end))
        lead = "2" if digits or (body and body[0].startswith(" ")) else ""
        header = event.style + lead + "".join(sign for sign in "+-" if sign in header)
        return Part(SCALAR, event.style, start, max(end, start + 1), event.value, header, anchor, body)

    # -------------------------------------------------- comments
    def _comments(self) -> Iterator[_Comment]:
        spans = sorted(self.spans)
        begins = [begin for begin, _ in spans]
        for number, line in enumerate(self.lines):
            at = line.find("#")
            while at >= 0:
                place = self.starts[number] + at
                before = bisect_right(begins, place) - 1
                within = before >= 0 and place < spans[before][1]
                if not within and (at == 0 or line[at - 1] in " \t"):
                    head = line[:at]
                    gap = head[len(head.rstrip()) :]
                    yield _Comment(number, at, line[at:].rstrip(), gap, not head.strip())
                    break
                at = line.find("#", at + 1)

    def _placed(self, part: Part) -> Iterator[Entry]:
        """Every entry that has lines of its own, in the order of the text, with its place."""
        for entry in part.entries if part.is_open else ():
            start = entry.key.start if entry.key is not None else self._dash(entry.value, part)
            entry.line = self.line_of(start)
            entry.column = start - self.starts[entry.line]
            inner = entry.value.is_open
            ends = (entry.key.end - 1 if entry.key is not None else start) if inner else max(entry.value.end - 1, start)
            entry.last = max(self.line_of(ends), entry.line)
            yield entry
            yield from self._placed(entry.value)

    def _dash(self, value: Part, parent: Part) -> int:
        """Where the sign of a list's element stands; in a flow list the element itself."""
        if parent.style == "flow":
            return value.start
        found = self.text.rfind("-", 0, max(value.start, 1))
        return found if found >= 0 else value.start

    def _between(self, root: Part, entries: list[Entry], own: dict[int, _Comment]) -> list[str]:
        """Gives the lines between entries to them; returns the comments of the whole document."""
        holders = _holders(root)
        header: list[str] = []
        previous: Entry | None = None
        for entry in [*entries, None]:
            first = previous.last + 1 if previous is not None else 0
            last = entry.line if entry is not None else len(self.lines)
            lines = [own.get(number) for number in range(first, last) if self._free(number, own)]
            if previous is None:
                header, rest = _header([c.text if c is not None else "" for c in lines])
                if entry is not None:
                    entry.leading = rest
            else:
                _share(previous, entry, lines, holders)
            previous = entry
        return header

    def _free(self, number: int, own: dict[int, _Comment]) -> bool:
        return number in own or not self.lines[number].strip()


def _spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _add(parent: Part, part: Part) -> None:
    if parent.kind == LIST:
        parent.entries.append(Entry(None, part))
    elif parent.entries and parent.entries[-1].value.kind == "":
        parent.entries[-1].value = part
    else:
        parent.entries.append(Entry(part, Part("", "", part.end, part.end)))


def _open(part: Part, places: list[int]) -> None:
    """Marks the flow collections that have comments inside."""
    if part.style == "flow" and part.kind in (MAP, LIST):
        part.opened = bisect_right(places, part.start) < bisect_right(places, part.end - 1)
    for entry in part.entries:
        _open(entry.value, places)


def _behind(entries: list[Entry], comment: _Comment) -> None:
    """Gives a comment to the last entry that has a part of its line."""
    number = bisect_right([entry.line for entry in entries], comment.line) - 1
    while number > 0 and entries[number].last < comment.line:
        number -= 1
    entry = entries[max(number, 0)]
    if entry.line <= comment.line <= entry.last and not entry.comment:
        entry.comment = comment.gap + comment.text
    else:
        entries[max(bisect_right([e.line for e in entries], comment.line) - 1, 0)].after.append(comment.text)


Chain = tuple[tuple[Part, Entry], ...]
"""Where an entry stands: the collections around it, from the outermost, each with its entry there."""


def _holders(root: Part) -> dict[int, Chain]:
    found: dict[int, Chain] = {}

    def walk(part: Part, above: Chain) -> None:
        for entry in part.entries if part.is_open else ():
            chain = (*above, (part, entry))
            found[id(entry)] = chain
            walk(entry.value, chain)

    walk(root, ())
    return found


def _header(lines: list[str]) -> tuple[list[str], list[str]]:
    """The comments at the top of a document that belong to the whole of it, and those of the first entry."""
    blank = max((number for number, line in enumerate(lines) if not line), default=-1)
    header, rest = lines[: blank + 1], lines[blank + 1 :]
    while rest and MODELINE.match(rest[0]):
        header.append(rest.pop(0))
    return header, rest


def _share(previous: Entry, entry: Entry | None, lines: list[_Comment | None], holders: dict[int, Chain]) -> None:
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


def _above(lines: list[_Comment | None], entry: Entry | None) -> int:
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
