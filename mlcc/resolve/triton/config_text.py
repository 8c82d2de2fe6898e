"""A config.pbtxt of the user's own, read by the fields of NVIDIA's protobuf.

Law: pure; what Triton's own parser would refuse is a problem with its place, and all problems are found at once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mlcc.core import text_format
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, printable
from mlcc.core.text_format import Scalar
from mlcc.registries import triton_config
from mlcc.registries.triton_config import FLOATS, INTEGERS, ROOT, Field

MAX_PROBLEMS = 20
TRUE, FALSE = ("true", "True", "t", "1"), ("false", "False", "f", "0")


class Problem(NamedTuple):
    """What is wrong at a place of the text, and what to do."""

    message: str
    hint: str
    line: int
    column: int


class Document(NamedTuple):
    """The fields that are set, as plain data by their names in the protobuf, and what is wrong with the others."""

    fields: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


@functools.lru_cache(maxsize=256)
def read(text: bytes) -> Document:
    """The fields of a config.pbtxt."""
    try:
        written = text_format.parse(text)
    except text_format.Unreadable as problem:
        hint = "https://protobuf.dev/reference/protobuf/textformat-spec says how it is written"
        return Document({}, (Problem(str(problem), hint, problem.line, problem.column),))
    reader = _Reader()
    fields = reader.message(ROOT, written)
    return Document(fields, tuple(reader.problems[:MAX_PROBLEMS]))  # one value may have had several


class _Wrong(ValueError):
    """A value that its field cannot have; the text says what it can."""


class _Reader:
    """Collects the problems of one document."""

    def __init__(self) -> None:
        self.table = triton_config.table()
        self.problems: list[Problem] = []

    def wrong(self, place: Any, message: str, hint: str) -> None:
        self.problems.append(Problem(message, hint, place.line, place.column))

    def message(self, kind: str, written: tuple[text_format.Field, ...]) -> dict[str, Any]:
        """The plain data of a message."""
        found: dict[str, Any] = {}
        known = self.table.messages[kind]
        for item in written:
            field = known.get(item.name)
            if len(self.problems) >= MAX_PROBLEMS:
                break
            if field is None:
                near = nearest(item.name, known)
                hint = f"did you mean {near}?" if near else f"known: {allowed(known)}"
                self.wrong(item, f"{kind} has no field {printable(item.name, 60)}", hint)
            elif not field.repeated and not field.key and (item.name in found or len(item.values) != 1):
                self.wrong(item, f"{item.name} stands more than once, and is no list", "leave one")
            else:
                self.add(found, field, item)
        for group in self.table.choices.get(kind, ()):
            both = [item for item in written if item.name in group]
            if len({item.name for item in both}) > 1:
                self.wrong(both[-1], f"only one of {', '.join(group)} can be set", "leave one")
        return found

    def add(self, found: dict[str, Any], field: Field, item: text_format.Field) -> None:
        for written in item.values:
            try:
                if field.key:
                    key, value = self.entry(field, item, written)
                    found.setdefault(field.name, {})[key] = value
                elif field.repeated:
                    found.setdefault(field.name, []).append(self.value(field.type, item, written))
                else:
                    found[field.name] = self.value(field.type, item, written)
            except _Wrong as problem:
                place = written if isinstance(written, Scalar) else item
                self.wrong(place, f"{field.name}: {problem}", "write it as the field has it")
        if not item.values and field.repeated:
            found.setdefault(field.name, [])

    def entry(self, field: Field, item: text_format.Field, written: Any) -> tuple[Any, Any]:
        """The key and the value of one entry of a map."""
        if isinstance(written, Scalar):
            raise _Wrong("a message with key and value is expected")
        parts = {part.name: part for part in written}
        if set(parts) - {"key", "value"} or len(parts) != len(written):
            raise _Wrong("key and value are expected, each once")
        read = [
            self.value(kind, parts[name], parts[name].values[0]) if name in parts else self.absent(kind)
            for name, kind in (("key", field.key), ("value", field.type))
        ]
        return read[0], read[1]

    def absent(self, kind: str) -> Any:
        """What protobuf takes for a part of an entry that is not written."""
        return {} if kind in self.table.messages else "" if kind == "string" else 0

    def value(self, kind: str, item: text_format.Field, written: Any) -> Any:
        if kind in self.table.messages:
            if isinstance(written, Scalar):
                raise _Wrong(f"a message in braces is expected, not {printable(written.value, 60)}")
            return self.message(kind, written)
        if not isinstance(written, Scalar):
            raise _Wrong("a value is expected, not a message")
        if not item.colon:
            raise _Wrong("a colon is missing behind the name")
        return scalar(kind, written, self.table.enums)


def scalar(kind: str, written: Scalar, enums: Mapping[str, tuple[str, ...]]) -> Any:
    """A plain value of a type of the protobuf.  Raises _Wrong."""
    text, shown = written.value, printable(written.value, 60)
    if kind == "string":
        if written.kind != text_format.TEXT:
            raise _Wrong(f"a text in quotes is expected, not {shown}")
        return text
    if written.kind == text_format.TEXT:
        raise _Wrong(f"no text is expected, and {shown} stands in quotes")
    if kind in enums:
        words = enums[kind]
        if text in words:
            return text
        if text.isdecimal() and int(text) < len(words):
            return words[int(text)]
        near = next((word for word in words if word.endswith(f"_{text.upper()}")), "")  # FP32, and in Triton TYPE_FP32
        raise _Wrong(f"{shown} is not allowed: {near + '?' if near else allowed(words, 20)}")
    if kind == "bool":
        if text not in (*TRUE, *FALSE):
            raise _Wrong(f"true or false is expected, not {shown}")
        return text in TRUE
    return _number(kind, text, shown)


def _number(kind: str, text: str, shown: str) -> float:
    try:
        if kind in FLOATS:
            return float(text.rstrip("fF") if text.lower().lstrip("-") not in ("inf", "infinity", "nan") else text)
        plain = text.lstrip("-")
        octal = len(plain) > 1 and plain.startswith("0") and plain.isdecimal()
        number = int(text, 8 if octal else 0)
    except ValueError:
        raise _Wrong(f"a number is expected, not {shown}") from None
    low, high = INTEGERS[kind]
    if not low <= number < high:
        raise _Wrong(f"{shown} is out of range: {low} to {high - 1}")
    return number
