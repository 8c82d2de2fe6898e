"""A small reader of protobuf's text format, for what config.pbtxt is made of: a second opinion on how it is written."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r'\s*(?:#[^\n]*\s*)*("(?:[^"\\\n]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|-?[0-9]+|[{}\[\]:,])')
ESCAPE = re.compile(rb'\\([0-7]{1,3}|[nrt"\'\\])')
SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"'": b"'", b"\\": b"\\"}


def parse(text: str) -> dict[str, list[Any]]:
    """Every field with its values, in order; lists are flat, as protobuf has them."""
    tokens, at = [], 0
    while text[at:].strip():
        found = TOKEN.match(text, at)
        if found is None:
            assert not re.sub(r"#[^\n]*", "", text[at:]).strip(), text[at : at + 40]
            break
        tokens.append(found[1])
        at = found.end()
    message, rest = _message([*tokens, "}"])
    assert not rest
    return message


def _message(tokens: list[str]) -> tuple[dict[str, list[Any]], list[str]]:
    found: dict[str, list[Any]] = {}
    while tokens[0] != "}":
        name, tokens = tokens[0], tokens[1:]
        if tokens[0] == ":":
            tokens = tokens[1:]
        if tokens[0] == "[":
            tokens = tokens[1:]
            found.setdefault(name, [])
            while tokens[0] != "]":
                value, tokens = _value(tokens)
                found[name].append(value)
                tokens = tokens[1:] if tokens[0] == "," else tokens
            tokens = tokens[1:]
        else:
            value, tokens = _value(tokens)
            found.setdefault(name, []).append(value)
    return found, tokens[1:]


def _value(tokens: list[str]) -> tuple[Any, list[str]]:
    if tokens[0] == "{":
        return _message(tokens[1:])
    word = tokens[0]
    if word.startswith('"'):
        data = ESCAPE.sub(lambda m: SHORT.get(m[1]) or bytes([int(m[1], 8)]), word[1:-1].encode())
        return data.decode("utf-8", "surrogatepass"), tokens[1:]
    return int(word) if re.fullmatch("-?[0-9]+", word) else word, tokens[1:]
