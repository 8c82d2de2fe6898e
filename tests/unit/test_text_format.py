"""Protobuf's text format: what it means, and where it is wrong; NVIDIA's own reader has the same opinion."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.core import text_format
from mlcc.core.text_format import MAX_BYTES, MAX_DEPTH, MAX_TOKENS, Scalar, Unreadable, parse
from tests.nvidia import model_config


def plain(fields: tuple[text_format.Field, ...]) -> list[tuple[str, list[Any]]]:
    return [(f.name, [v.value if isinstance(v, Scalar) else plain(v) for v in f.values]) for f in fields]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", []),
        ("# only a comment", []),
        ('name: "a"', [("name", ["a"])]),
        ("name: 'a'", [("name", ["a"])]),
        ('name: "a" \'b\'\n"c"', [("name", ["abc"])]),
        ('name: "a", backend: "b"; runtime: "c"', [("name", ["a"]), ("backend", ["b"]), ("runtime", ["c"])]),
        ('name : "a"', [("name", ["a"])]),
        ("max_batch_size: 0x10", [("max_batch_size", ["0x10"])]),
        ("dynamic_batching {}", [("dynamic_batching", [[]])]),
        ("dynamic_batching: {}", [("dynamic_batching", [[]])]),
        ("dynamic_batching < priority_levels: 1 >", [("dynamic_batching", [[("priority_levels", ["1"])]])]),
        ("input [{dims: [1, -1]}, {}]", [("input", [[("dims", ["1", "-1"])], []])]),
        ("input: [{dims: []}]", [("input", [[("dims", [])]])]),
        ('name: "\\"\\\\\\n\\t\\303\\251\\xe2\\x82\\xac\\u20AC\\U0001F600\\a"', [("name", ['"\\\n\té€€😀\a'])]),
        ("\ufeffmax_batch_size: 1", [("max_batch_size", ["1"])]),
    ],
)
def test_what_a_text_means(text: str, meant: list[Any]) -> None:
    assert plain(parse(text.encode())) == meant
    if not text.startswith("\ufeff"):
        model_config(text)


def test_what_only_triton_s_own_reader_takes():
    """Protobuf's reader in C++, which Triton has, takes a blank behind a sign, and an escaped question mark."""
    assert plain(parse(b"max_batch_size: - 3")) == [("max_batch_size", ["-3"])]
    assert plain(parse(b'name: "\\?"')) == [("name", ["?"])]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("name", 1, 5, "a colon behind name"),
        ('name "a"', 1, 6, "a colon behind name"),
        ('\n  name: "a', 2, 9, "does not end in its line"),
        ("name: @", 1, 7, "'@' cannot stand here"),
        ("a: {\n  b: 1\n", 3, 1, "the end of the file"),
        ("a: }", 1, 4, "a value is expected"),
        ("a: [1 2]", 1, 7, "a comma"),
        ("a: [1, ]", 1, 8, "a value is expected"),
        ("a: [[1]]", 1, 5, "a value is expected"),
        ("a: - 'x'", 1, 6, "a value is expected"),
        ("[a.b]: 1", 1, 3, "'.' cannot stand here"),
        ("1: 2", 1, 1, "the name of a field"),
        ("a < b: 1 }", 1, 10, "the name of a field"),
        ('a: "\\q"', 1, 4, "no escape is called \\q"),
        ('a: "\\ud800"', 1, 4, "no character"),
        ('a: "\\377"', 1, 4, "not UTF-8"),
        ("a {" * (MAX_DEPTH + 1), 1, 3 * (MAX_DEPTH + 1) + 1, "deep"),
    ],
)
def test_what_is_wrong_has_a_place(text: str, line: int, column: int, message: str) -> None:
    from google.protobuf.text_format import ParseError

    with pytest.raises(Unreadable) as problem:
        parse(text.encode())
    assert (problem.value.line, problem.value.column) == (line, column), str(problem.value)
    assert message in str(problem.value)
    with pytest.raises((ParseError, UnicodeDecodeError)):
        model_config(text)


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"name: 'a'\nx\xff", 2, 2, "not UTF-8"),
        (b" " * (MAX_BYTES + 1), 1, 1, "larger than 262,144 bytes"),
        (b"a:1 " * (MAX_TOKENS // 3 + 1), 1, None, "more than 50,000 words"),
        (b"a\x00: 1", 1, 2, "cannot stand here"),
    ],
)
def test_what_is_no_text_or_too_much(data: bytes, line: int, column: int | None, message: str) -> None:
    with pytest.raises(Unreadable) as problem:
        parse(data)
    assert message in str(problem.value)
    assert problem.value.line == line
    assert column in (None, problem.value.column)
