"""YAML with places and limits.  Law: the only importer of ruamel.yaml; bytes in, nodes and findings out; no files.

mlcc.yaml comes from strangers, so the document is walked event by event, and depth, size, aliases and tags are judged
before anything is built (parsers' own constructors raise what they like, and expand bombs).  Scalars are resolved here
by a core that is smaller than any YAML version's: what YAML 1.1 and 1.2 read differently is a finding, not a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from mlcc import scalars
from mlcc.diagnostics import Finding, printable, quoted
from mlcc.guard import CONFIG_LIMITS, Limits, Stop, decode, problem_at
from mlcc.values import Item, Mark, Node, Path, format_path


@dataclass
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


@dataclass(frozen=True)
class _Built:
    """A finished node with what an alias to it would cost."""

    node: Node
    size: int
    chars: int
    height: int
    ambiguous: bool = False


@dataclass(frozen=True)
class Loaded:
    """A read document: its root (None when it could not be read) and every finding about its text."""

    root: Node | None
    findings: tuple[Finding, ...]


def load(data: bytes, file: str, limits: Limits = CONFIG_LIMITS) -> Loaded:
    """Reads one YAML document.

    data: the file's bytes; file: its name in messages.  Never raises for a bad document: all that is wrong comes
    back as findings MLCC002 to MLCC012, and `root` is None when there is nothing usable.
    """
    findings: list[Finding] = []
    try:
        text = decode(data, file, limits)
        builder = _Builder(file, limits, findings)
        return Loaded(builder.build(text), tuple(findings))
    except Stop as stop:
        return Loaded(None, (*findings, stop.finding))


class _Builder:
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

    def build(self, text: str) -> Node | None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        parser = YAML(typ="safe", pure=True)
        self.last_line = text.count("\n") if text.endswith("\n") else text.count("\n") + 1
        try:
            for event in parser.parse(BytesIO(text.encode("utf-8"))):
                self.event(event)
        except MarkedYAMLError as problem:
            raise Stop(self._syntax(problem)) from None
        except YAMLError as problem:
            text = printable(str(problem).partition("\n")[0], 100)
            raise Stop(problem_at("MLCC005", f"not YAML: {text}", Mark(self.file, 1, 1))) from None
        except (ValueError, IndexError, KeyError, AttributeError, TypeError, OverflowError):
            # the parser's own slips on malformed input (for example a Unicode escape beyond U+10FFFF)
            mark = self.stack[-1].mark if self.stack else Mark(self.file, 1, 1)
            raise Stop(problem_at("MLCC005", "not YAML: the text near here cannot be read", mark)) from None
        if self.root is None or self.root.value is None:
            message = "the file is empty"
            raise Stop(problem_at("MLCC005", message, Mark(self.file, 1, 1), "the smallest mlcc.yaml: see `mlcc init`"))
        return self.root

    def _syntax(self, problem: Any) -> Finding:
        # Only the parser's own words: its snippets quote the file, which may hold a secret.
        # what is never closed is shown where it begins, not at the end of the file
        at_end = problem.problem_mark is not None and problem.problem_mark.line >= self.last_line
        mark = (at_end and problem.context_mark) or problem.problem_mark or problem.context_mark
        place = Mark(self.file, mark.line + 1, mark.column + 1) if mark else Mark(self.file, 1, 1)
        if at_end and self.stack and self.stack[-1].style == "flow" and "quoted" not in (problem.context or ""):
            place = self.stack[-1].mark
        words = re.sub(r"'[^']{3,}'|\"[^\"]{3,}\"", "...", problem.problem or problem.context or "syntax error")
        return problem_at("MLCC005", f"not YAML: {printable(words, 100)}", place)

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
        return Mark(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Stop(problem_at("MLCC009", "a second document in the file", self._mark(event), "keep one document"))
        if event.version is not None or event.tags:
            raise Stop(problem_at("MLCC005", "a % directive in the file", Mark(self.file, 1, 1), "remove the line"))

    def _tag(self, event: Any) -> None:
        # `tag` is a str or a Tag object; an absent one is None
        tag = str(event.tag) if event.tag is not None else ""
        if tag and tag != "None":
            message = f"the tag {quoted(tag)} is not allowed"
            self.findings.append(
                problem_at("MLCC007", message, self._mark(event), "write the plain value", self._here())
            )

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
        self._tag(event)
        mark, text = self._mark(event), event.value
        plain = event.style in (None, "")
        value, ambiguous = scalars.resolve(text) if plain else (text, False)
        is_key = bool(self.stack) and self.stack[-1].is_map and self.stack[-1].key is None
        self._text(text, mark, ambiguous and not is_key)
        self._count(1, len(text), mark)
        end = (event.end_mark.line + 1, event.end_mark.column + 1) if event.style not in ("|", ">") else (0, 0)
        node = Node(value, mark, text=text, end=end)
        self._add(_Built(node, 1, len(text), 0, ambiguous), mark, event.anchor, plain)

    def _text(self, text: str, mark: Mark, ambiguous: bool) -> None:
        if ambiguous:
            message = f"{quoted(text, 40)} is read differently by different YAML readers"
            hint = f'write it in quotes: "{printable(text, 40)}" (or true / false for a switch)'
            self.findings.append(problem_at("MLCC010", message, mark, hint, self._here()))
        if "\x00" in text or _LONE.search(text):
            name = "NUL" if "\x00" in text else "lone surrogate"
            message = f"a {name} character cannot be carried by a shell or a container"
            self.findings.append(problem_at("MLCC004", message, mark, "remove it", self._here()))

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
            self._key(frame, built, mark, plain)
            return
        frame.size += built.size
        frame.chars += built.chars
        frame.height = max(frame.height, built.height + 1)
        if not frame.is_map:
            frame.items.append(built.node)
            return
        assert frame.key is not None
        assert frame.key_mark is not None
        if frame.key in frame.mapping:
            first = frame.keys[frame.key]
            message = f"the key {quoted(frame.key)} stands twice (first in line {first.line})"
            self.findings.append(problem_at("MLCC006", message, frame.key_mark, "keep one", self._here()))
        else:
            frame.mapping[frame.key] = built.node
            frame.keys[frame.key] = frame.key_mark
        frame.key = frame.key_mark = None

    def _key(self, frame: _Frame, built: _Built, mark: Mark, plain: bool) -> None:
        text = built.node.text if isinstance(built.node.value, (str, int, float, bool, type(None))) else ""
        if plain and text == "<<":
            raise Stop(
                problem_at("MLCC008", "merge keys (<<) are not allowed", mark, "write the keys out", self._here())
            )
        if not isinstance(built.node.value, str) or built.ambiguous:
            hint = f'write it in quotes: "{printable(text, 40)}"' if text else "give it a name"
            message = f"the key {quoted(text, 40)} is not read as text"
            self.findings.append(problem_at("MLCC011", message, mark, hint, self._here()))
        frame.size += 1
        frame.key, frame.key_mark = text, mark


def _last(value: Any) -> tuple[int, int]:
    """Where a block collection ends: behind its last element; (0, 0) when one of them has no known end."""
    ends = [n.end for n in (value.values() if isinstance(value, dict) else value)]
    return max(ends) if ends and (0, 0) not in ends else (0, 0)


_LONE = re.compile("[\ud800-\udfff]")


# ---------------------------------------------------------------- editing
def edit_round_trip(text: str, path: Path, value: Any) -> str:
    """Sets (or, with value None, removes) one path by ruamel's round trip: comments stay, layout may move.

    Named list elements are found by their `name` and appended when absent.  `mlcc.edit` tries a smaller change first.
    """
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    node = root
    for segment, following in zip(path, (*path[1:], None), strict=True):
        last = following is None
        if isinstance(segment, Item) and last:
            del node[next(i for i, e in enumerate(node) if e.get("name") == segment.name)]
        elif isinstance(segment, Item):
            index = next((i for i, e in enumerate(node) if e.get("name") == segment.name), None)
            if index is None:
                node.append({"name": segment.name})
                index = len(node) - 1
            node = node[index]
        elif last and value is None:
            node.pop(segment, None)
        elif last:
            node[segment] = value
        else:
            if node.get(segment) is None:
                node[segment] = [] if isinstance(following, Item) else {}
            node = node[segment]
    out = StringIO()
    yaml.dump(root, out)
    return out.getvalue()
