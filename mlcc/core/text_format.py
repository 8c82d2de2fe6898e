"""Protobuf's text format as plain fields with their places.  Law: pure; caps on size and depth; knows no message.

Which fields a message has, and of which types, is asked elsewhere: here a document is words, numbers, texts, messages
and lists.  The grammar: https://protobuf.dev/reference/protobuf/textformat-spec (without extensions, `Any` and names
of more than one word, which config.pbtxt has no use for).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable

MAX_BYTES = 256 << 10
MAX_DEPTH = 16
MAX_TOKENS = 50_000
WORD, NUMBER, TEXT, SIGN = "word", "number", "text", "sign"
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r\f\v]+|#[^\n]*)|(?P<line>\n)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>0[xX][0-9A-Fa-f]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\[^\n])*\"|'(?:[^'\\\n]|\\[^\n])*')"
    r"|(?P<sign>[{}<>\[\]:,;-])"
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\s\S]))")
_SHORT = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "?": 63, "'": 39, '"': 34, "\\": 92}
_CLOSING = {"{": "}", "<": ">"}


class Unreadable(ValueError):
    """What is wrong with a text, and where: `line` and `column`, from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        """message: what is wrong there."""
        super().__init__(message)
        self.line, self.column = line, column


class Scalar(NamedTuple):
    """A word, a number or a text (`kind`), as it is meant."""

    kind: str
    value: str
    line: int
    column: int


class Field(NamedTuple):
    """A field as it is written.

    values: one, or those of a list: each a Scalar or the fields of a message, which are a tuple; colon: a colon stands
    behind the name, which all but messages need.
    """

    name: str
    values: tuple[Any, ...]
    line: int
    column: int
    colon: bool = True


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    column: int


def parse(data: bytes) -> tuple[Field, ...]:
    """The fields of a document, in order.  Raises Unreadable.

    >>> parse(b'name: "a" dims: [1, -1]')[1].values[1].value
    '-1'
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(f"larger than {MAX_BYTES:,} bytes", 1, 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start].decode("utf-8", "replace")
        place = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise Unreadable("not UTF-8", *place) from None
    return _Reader(list(_tokens(text))).fields("", 0)


def _tokens(text: str) -> Iterator[_Token]:
    line, start, at, count = 1, 0, 0, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            what = "a text that does not end in its line" if text[at] in "\"'" else repr(printable(text[at], 20))
            raise Unreadable(f"{what} cannot stand here", line, at - start + 1)
        kind = str(found.lastgroup)
        if kind == "line":
            line, start = line + 1, found.end()
        elif kind != "skip":
            count += 1
            if count > MAX_TOKENS:
                raise Unreadable(f"more than {MAX_TOKENS:,} words", line, at - start + 1)
            yield _Token(kind, found[0], line, at - start + 1)
        at = found.end()
    yield _Token("end", "", line, at - start + 1)


class _Reader:
    """The tokens that are left."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def took(self, *signs: str) -> str:
        """The sign that stands next, taken; an empty text where none of these does."""
        if self.now.kind == SIGN and self.now.text in signs:
            return self.take().text
        return ""

    def wrong(self, wanted: str) -> Unreadable:
        shown = printable(self.now.text, 40) if self.now.text else "the end of the file"
        return Unreadable(f"{wanted} is expected, and {shown} stands there", self.now.line, self.now.column)

    def fields(self, closing: str, depth: int) -> tuple[Field, ...]:
        """The fields up to a closing sign, which is taken; up to the end where it is empty."""
        if depth > MAX_DEPTH:
            raise Unreadable(f"messages lie in one another more than {MAX_DEPTH} deep", self.now.line, self.now.column)
        found = []
        while not self.took(closing) if closing else self.now.kind != "end":
            if self.now.kind != WORD:
                raise self.wrong("the name of a field")
            found.append(self.field(depth))
        return tuple(found)

    def field(self, depth: int) -> Field:
        name = self.take()
        colon = bool(self.took(":"))
        if self.took("["):
            values = self.listed(depth)
        elif colon or self.now.text in _CLOSING:
            values = (self.value(depth),)
        else:
            raise self.wrong(f"a colon behind {printable(name.text, 60)}, or a message in braces")
        self.took(",", ";")
        return Field(name.text, values, name.line, name.column, colon)

    def listed(self, depth: int) -> tuple[Any, ...]:
        if self.took("]"):
            return ()
        found = [self.value(depth)]
        while self.took(","):
            found.append(self.value(depth))
        if not self.took("]"):
            raise self.wrong("a comma, or the end of the list")
        return tuple(found)

    def value(self, depth: int) -> Any:
        opened = self.took("{", "<")
        if opened:
            return self.fields(_CLOSING[opened], depth + 1)
        first, sign = self.now, self.took("-")
        if self.now.kind == TEXT and not sign:
            return Scalar(TEXT, self.text(), first.line, first.column)
        if self.now.kind not in (WORD, NUMBER):
            raise self.wrong("a value")
        kind = self.now.kind
        return Scalar(kind, sign + self.take().text, first.line, first.column)

    def text(self) -> str:
        """A text; several that stand one behind another are one."""
        data = b""
        while self.now.kind == TEXT:
            token = self.take()
            data += _bytes(token)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable("a text that is not UTF-8", token.line, token.column) from None


def _bytes(token: _Token) -> bytes:
    """What a text in quotes means."""

    def meant(found: re.Match[str]) -> str:
        octal, hexadecimal, short, long, letter = found.groups()
        if octal or hexadecimal:
            return bytes([int(octal, 8) & 255 if octal else int(hexadecimal, 16)]).decode("latin-1")
        if letter is not None and letter not in _SHORT:
            raise Unreadable(f"no escape is called \\{printable(letter, 10)}", token.line, token.column)
        point = _SHORT[letter] if letter is not None else int(short or long, 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise Unreadable("an escape that is no character", token.line, token.column)
        return chr(point).encode("utf-8").decode("latin-1")

    plain = token.text[1:-1].encode("utf-8").decode("latin-1")
    return _ESCAPE.sub(meant, plain).encode("latin-1")
