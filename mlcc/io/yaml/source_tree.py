"""A YAML document as it is written: collections, scalars as their text stands, comments and blank lines.

Law: no value is resolved here, and no parser is imported; each comment belongs to one entry or to the end of one
collection.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from mlcc.io.yaml.comment_places import header_of, holders_below, open_commented, put_behind, share
from mlcc.io.yaml.source_parts import ALIAS, BLOCK_SCALARS, LIST, MAP, SCALAR, Comment, Entry, Part, Source


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
        open_commented(root, [place for _, place in inside])
        root.opened = root.style == "flow"
        entries = list(self._placed(root))
        behind: list[str] = []
        put_behind(entries, [comment for comment in comments if not comment.own], behind)
        header = self._between(root, entries, {c.line: c for c in comments if c.own})
        return Source(root, header if entries else [line for line in (*header, *behind) if line])

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
    def _comments(self) -> Iterator[Comment]:
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
                    yield Comment(number, at, line[at:].rstrip(), gap, not head.strip())
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

    def _between(self, root: Part, entries: list[Entry], own: dict[int, Comment]) -> list[str]:
        """Gives the lines between entries to them; returns the comments of the whole document."""
        holders = holders_below(root)
        header: list[str] = []
        previous: Entry | None = None
        for entry in [*entries, None]:
            first = previous.last + 1 if previous is not None else 0
            last = entry.line if entry is not None else len(self.lines)
            lines = [own.get(number) for number in range(first, last) if self._free(number, own)]
            if previous is None:
                header, rest = header_of([c.text if c is not None else "" for c in lines])
                if entry is not None:
                    entry.leading = rest
            else:
                share(previous, entry, lines, holders)
            previous = entry
        return header

    def _free(self, number: int, own: dict[int, Comment]) -> bool:
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
