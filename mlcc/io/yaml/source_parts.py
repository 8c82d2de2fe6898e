"""The parts of a YAML document as it is written.  Law: data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlcc.core.records import NamedTuple

MAP, LIST, SCALAR, ALIAS = "map", "list", "scalar", "alias"
BLOCK_SCALARS = ("|", ">")


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


class Comment(NamedTuple):
    """A comment; gap: the white space before it on its line; own: nothing else stands there."""

    line: int
    column: int
    text: str
    gap: str
    own: bool
