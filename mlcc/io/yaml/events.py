"""Parser events as nodes, within limits.  Law: no parser is imported here; an event is known by its name.

The document is checked event by event: depth, size, aliases and tags, before anything is built (parsers' own
constructors raise what they like, and expand bombs).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import format_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.yaml import scalars
from mlcc.io.yaml.limits import Limits, Stop, problem_at

# Of one document; as many as its schema finds, too.
MAX_FINDINGS = 200


@dataclass(slots=True)
class _Frame:
    """A collection under construction."""

    mark: Mark
    anchor: str | None
    is_map: bool
    style: str
    items: list[Node] = field(default_factory=list)
    mapping: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None
    key_mark: Mark | None = None
    size: int = 1
    chars: int = 0
    height: int = 1


class _Built(NamedTuple):
    """A finished node with what an alias to it would cost."""

    node: Node
    size: int
    chars: int
    height: int
    ambiguous: bool = False


class Builder:
    """Builds nodes from parser events without recursion."""

    def __init__(self, file: str, limits: Limits, findings: list[Finding]) -> None:
        self.file, self.limits, self.findings = file, limits, findings
        self.stack: list[_Frame] = []
        self.anchors: dict[str, _Built | None] = {}
        self.aliases = 0
        self.nodes = 0
        self.chars = 0
        self.root: Node | None = None
        self.documents = 0
        self.last_line = 0

    # -------------------------------------------------- events
    def event(self, event: Any) -> None:
        """Takes one parser event."""
        kind = type(event).__name__
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self._open(event, kind == "MappingStartEvent")
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._close(event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self._document(event)

    def _mark(self, event: Any) -> Mark:
        start = event.start_mark
        return Mark(self.file, start.line + 1, start.column + 1)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Stop(problem_at("MLCC009", "a second document in the file", self._mark(event), "keep one document"))
        if event.version is not None or event.tags:
            raise Stop(problem_at("MLCC005", "a % directive in the file", Mark(self.file, 1, 1), "remove the line"))

    def _tag(self, event: Any) -> None:
        # `tag` is a str or a Tag object; an absent one is None
        if event.tag is not None and (tag := str(event.tag)) not in ("", "None"):
            message = f"the tag {quoted(tag)} is not allowed"
            self._wrong("MLCC007", message, self._mark(event), "write the plain value")

    def _wrong(self, code: str, message: str, mark: Mark, hint: str) -> None:
        """Keeps a mistake in the value that is being read.  Raises Stop with the last one that is listed."""
        problem = problem_at(code, message, mark, hint, self._here())
        if len(self.findings) >= MAX_FINDINGS - 1:
            raise Stop(problem)
        self.findings.append(problem)

    def _here(self) -> str:
        """The path of the value that is being read, for messages."""
        path: list[str | int] = []
        for frame in self.stack:
            if frame.is_map and frame.key is not None:
                path.append(printable(frame.key, 60))
            elif not frame.is_map:
                path.append(len(frame.items))
        return format_path(tuple(path))

    def _scalar(self, event: Any) -> None:
        """Called for most events: what is rare is asked for first and done elsewhere."""
        if event.tag is not None:
            self._tag(event)
        mark, text, style = self._mark(event), event.value, event.style
        frame = self.stack[-1] if self.stack else None
        is_key = frame is not None and frame.is_map and frame.key is None
        plain = style is None or style == ""
        if not text.isascii():
            text = joined(text)
        value, ambiguous = scalars.resolve(text) if plain else (text, False)
        if ambiguous or "\x00" in text or not text.isascii():
            self._text(text, mark, ambiguous and not is_key)
        self._count(1, len(text), mark)
        if frame is not None and is_key and not event.anchor:
            self._key(frame, value, text, ambiguous, mark, plain)
            return
        last = event.end_mark
        end = (0, 0) if style == "|" or style == ">" else (last.line + 1, last.column + 1)
        node = Node(value, mark, text=text, end=end)
        self._add(_Built(node, 1, len(text), 0, ambiguous), mark, event.anchor, plain)

    def _text(self, text: str, mark: Mark, ambiguous: bool) -> None:
        if ambiguous:
            message = f"{quoted(text, 40)} is read differently by different YAML readers"
            hint = (
                f'text: write it in quotes, "{printable(text, 40)}"; a switch: true or false; a number: decimal digits'
            )
            self._wrong("MLCC010", message, mark, hint)
        if "\x00" in text or (not text.isascii() and _LONE.search(text)):
            name = "NUL" if "\x00" in text else "lone surrogate"
            message = f"a {name} character cannot be carried by a shell or a container"
            self._wrong("MLCC004", message, mark, "remove it")

    def _open(self, event: Any, is_map: bool) -> None:
        self._tag(event)
        mark = self._mark(event)
        if len(self.stack) >= self.limits.max_depth:
            message = f"nested deeper than {self.limits.max_depth} levels"
            raise Stop(problem_at("MLCC008", message, mark, path=self._here()))
        self._bad_key_collection(mark)
        self._count(1, 0, mark)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame(mark, event.anchor, is_map, "flow" if event.flow_style else "block"))

    def _bad_key_collection(self, mark: Mark) -> None:
        if self.stack and self.stack[-1].is_map and self.stack[-1].key is None:
            raise Stop(problem_at("MLCC011", "a list or a mapping cannot be a key", mark, path=self._here()))

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        value: Any = frame.mapping if frame.is_map else tuple(frame.items)
        end = (event.end_mark.line + 1, event.end_mark.column + 1) if frame.style == "flow" else _last(value)
        node = Node(value, frame.mark, keys=frame.keys, end=end, style=frame.style)
        self._add(_Built(node, frame.size, frame.chars, frame.height), frame.mark, frame.anchor, False)

    def _alias(self, event: Any) -> None:
        mark = self._mark(event)
        self.aliases += 1
        if self.aliases > self.limits.max_aliases:
            raise Stop(problem_at("MLCC008", f"more than {self.limits.max_aliases} aliases", mark))
        built = self.anchors.get(event.anchor)
        if built is None:
            known = event.anchor in self.anchors
            message = "a value cannot contain itself" if known else "the alias has no anchor"
            raise Stop(problem_at("MLCC008" if known else "MLCC005", message, mark, path=self._here()))
        if len(self.stack) + built.height > self.limits.max_depth:
            message = f"nested deeper than {self.limits.max_depth} levels"
            raise Stop(problem_at("MLCC008", message, mark, path=self._here()))
        self._count(built.size, built.chars, mark)
        self._add(built, mark, None, True)

    def _count(self, nodes: int, chars: int, mark: Mark) -> None:
        self.nodes += nodes
        self.chars += chars
        if self.nodes > self.limits.max_nodes or self.chars > self.limits.max_chars:
            message = f"the file holds more than {self.limits.max_nodes:,} values once aliases are expanded"
            raise Stop(problem_at("MLCC008", message, mark, path=self._here()))

    def _add(self, built: _Built, mark: Mark, anchor: str | None, plain: bool) -> None:
        if anchor:
            self.anchors[anchor] = built
        if not self.stack:
            self.root = built.node
            return
        frame = self.stack[-1]
        if frame.is_map and frame.key is None:
            value = built.node.value
            text = built.node.text if isinstance(value, (str, int, float, bool, type(None))) else ""
            self._key(frame, value, text, built.ambiguous, mark, plain)
            return
        frame.size += built.size
        frame.chars += built.chars
        if frame.height <= built.height:
            frame.height = built.height + 1
        if not frame.is_map:
            frame.items.append(built.node)
            return
        assert frame.key is not None
        assert frame.key_mark is not None
        if frame.key in frame.mapping:
            first = frame.keys[frame.key]
            message = f"the key {quoted(frame.key)} stands twice (first in line {first.line})"
            self._wrong("MLCC006", message, frame.key_mark, "keep one")
        else:
            frame.mapping[frame.key] = built.node
            frame.keys[frame.key] = frame.key_mark
        frame.key = frame.key_mark = None

    def _key(self, frame: _Frame, value: Any, text: str, ambiguous: bool, mark: Mark, plain: bool) -> None:
        if plain and text == "<<":
            raise Stop(
                problem_at("MLCC008", "merge keys (<<) are not allowed", mark, "write the keys out", self._here())
            )
        if not isinstance(value, str) or ambiguous:
            hint = f'write it in quotes: "{printable(text, 40)}"' if text else "give it a name"
            message = f"the key {quoted(text, 40)} is not read as text"
            self._wrong("MLCC011", message, mark, hint)
        frame.size += 1
        frame.key, frame.key_mark = text, mark


def _last(value: Any) -> tuple[int, int]:
    """Where a block collection ends: behind its last element; (0, 0) when one of them has no known end."""
    ends = [n.end for n in (value.values() if isinstance(value, dict) else value)]
    return max(ends) if ends and (0, 0) not in ends else (0, 0)


_LONE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def joined(text: str) -> str:
    """Text whose surrogate pairs are single characters: programs that write JSON write a character beyond U+FFFF so."""
    if text.isascii():
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
