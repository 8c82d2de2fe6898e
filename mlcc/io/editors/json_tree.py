"""JSON with comments and trailing commas, as a tree that knows where each part stands.  Law: reads; changes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from mlcc.io.editors.mappings import Unmergeable

MAX_DEPTH = 64
_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*[\s\S]*?\*/)+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")


@dataclass
class Part:
    """A value: where it stands, and what is in it.

    members: of an object, each with its name; inside: of a list, in order; comma: there is one behind the last.
    """

    start: int
    end: int = 0
    kind: str = ""
    members: list[tuple[str, Part]] = field(default_factory=list)
    inside: list[Part] = field(default_factory=list)
    comma: bool = False

    def named(self, name: str) -> list[Part]:
        """The members of one name: more than one where it is there twice."""
        return [part for key, part in self.members if key == name]


def parse(text: str) -> Part:
    """The tree of a text.  Raises Unmergeable for what is no JSON, with the line."""
    reader = _Reader(text)
    found = reader.value(0)
    reader.space()
    if reader.at < len(text):
        raise reader.wrong("more than one value")
    return found


def value_of(text: str, part: Part) -> object:
    """The value of a part, as JSON has it."""
    if part.kind == "object":
        return {name: value_of(text, member) for name, member in part.members}
    if part.kind == "list":
        return [value_of(text, one) for one in part.inside]
    try:
        return json.loads(text[part.start : part.end])
    except ValueError:
        raise Unmergeable("is not JSON", text.count("\n", 0, part.start) + 1) from None


def has_comment(text: str, part: Part) -> bool:
    """Whether a comment stands in a part."""
    without = _STRING.sub('""', text[part.start : part.end])
    return "//" in without or "/*" in without


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 1 if text.startswith("\ufeff") else 0

    def wrong(self, why: str) -> Unmergeable:
        return Unmergeable(why, self.text.count("\n", 0, self.at) + 1)

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def next(self) -> str:
        self.space()
        return self.text[self.at : self.at + 1]

    def value(self, depth: int) -> Part:
        sign = self.next()
        part = Part(self.at)
        if depth > MAX_DEPTH:
            raise self.wrong("is nested too deep")
        if sign == "{":
            self._object(part, depth)
        elif sign == "[":
            self._list(part, depth)
        else:
            self._scalar(part)
        part.end = self.at
        return part

    def _scalar(self, part: Part) -> None:
        found = (_STRING if self.text[self.at : self.at + 1] == '"' else _WORD).match(self.text, self.at)
        if found is None:
            raise self.wrong("is not JSON")
        part.kind, self.at = "scalar", found.end()

    def _object(self, part: Part, depth: int) -> None:
        part.kind, self.at = "object", self.at + 1
        while self.next() != "}":
            self._separated(part, bool(part.members))
            name = self._name()
            if self.next() != ":":
                raise self.wrong("is not JSON: a colon is missing")
            self.at += 1
            part.members.append((name, self.value(depth + 1)))
            self._comma(part)
        self.at += 1

    def _name(self) -> str:
        found = _STRING.match(self.text, self.at)
        try:
            name = str(json.loads(found[0])) if found is not None else None
        except ValueError:
            name = None
        if found is None or name is None:
            raise self.wrong("is not JSON: a name in quotes is missing")
        self.at = found.end()
        return name

    def _list(self, part: Part, depth: int) -> None:
        part.kind, self.at = "list", self.at + 1
        while self.next() != "]":
            self._separated(part, bool(part.inside))
            part.inside.append(self.value(depth + 1))
            self._comma(part)
        self.at += 1

    def _separated(self, part: Part, needed: bool) -> None:
        if needed and not part.comma:
            raise self.wrong("is not JSON: a comma is missing")
        part.comma = False

    def _comma(self, part: Part) -> None:
        part.comma = self.next() == ","
        self.at += part.comma
