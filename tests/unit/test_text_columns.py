"""Columns of a terminal: what they count is what another library counts, and nothing is wider than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlcc.core.text_columns import aligned, beside, columns, cut, widths, wrapped

WORDS = (40, 32, 24, 16, 12)
RED = "\x1b[31m{}\x1b[0m"
# ASCII, accents, a combining mark, CJK, kana, Hangul, full width, emoji
TEXTS = st.text("ab -/:,é\u0301日本語カナ한글ＡＢ😀🚀", max_size=120)


@given(TEXTS)
def test_columns_are_those_that_a_terminal_library_counts(text: str) -> None:
    assert columns(text) == cell_len(text)
    assert columns(RED.format(text)) == cell_len(text)


@given(TEXTS, st.integers(12, 80), st.integers(0, 4))
def test_a_line_that_is_wrapped_keeps_its_words_and_its_width(text: str, width: int, indent: int) -> None:
    lines = wrapped(" " * indent + text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_colour_is_neither_counted_nor_parted() -> None:
    shown = wrapped(f"error {RED.format('x' * 20)} y", 16)
    assert [columns(line) for line in shown] == [5, 16, 14]
    assert "\x1b[31m" in shown[1]
    assert "\x1b[0m" in "".join(shown)


def test_a_word_is_cut_only_where_no_line_is_long_enough_for_it() -> None:
    arn = "arn:aws:iam::123456789012:role/" + "r" * 40
    assert wrapped(f"  ExecutionRole          AWS::IAM::Role  {arn}", 80) == [
        "  ExecutionRole          AWS::IAM::Role", f"      {arn}",
    ]  # fmt: skip


def test_a_long_word_is_cut_behind_a_separator() -> None:
    path = "projects/a-folder/another-folder/mlcc.yaml"
    assert wrapped(path, 20) == ["projects/a-folder/", "    another-folder/", "    mlcc.yaml"]
    assert wrapped("x" * 25, 20) == ["x" * 20, "    " + "x" * 5]


def test_a_wide_character_that_does_not_fit_goes_to_the_next_line() -> None:
    assert cut("日本語", 5) == ("日本", "語")
    assert cut("日本語", 1) == ("日", "本語"), "at least one: it must end"
    assert wrapped("日本語", 4, "") == ["日本", "語"]


def test_a_text_beside_another() -> None:
    assert beside("a = 1", "x.yaml:1", 20) == "a = 1       x.yaml:1"
    assert beside("a = 12345", "x.yaml:10:3", 20) == "a = 12345\n         x.yaml:10:3"
    assert beside("a = 1", "x.yaml:1", None) == "a = 1  x.yaml:1"
    assert columns(beside("名 = 値", "x:1", 20)) == 20


@given(st.lists(st.lists(TEXTS, min_size=3, max_size=3), min_size=1, max_size=5), st.integers(24, 100))
def test_a_table_is_as_wide_as_it_may_be_and_loses_nothing(rows: list[list[str]], total: int) -> None:
    heads = ["name", "value", "source"]
    text = aligned(heads, rows, widths([heads, *rows], total, WORDS))
    assert max(map(cell_len, text.split("\n"))) <= total
    cells = "".join(sorted("".join(cell for row in rows for cell in row).replace(" ", "")))
    body = "".join(text.split("\n", 2)[2:]) if total > 40 else None
    assert body is None or "".join(sorted(body.replace(" ", "").replace("\n", ""))) == cells


def test_a_table_without_a_limit_has_a_line_a_row() -> None:
    rows = [["a", "x " * 100], ["b", "y"]]
    lines = aligned(["h", "i"], rows, widths([["h", "i"], *rows], None, WORDS)).split("\n")
    assert len(lines) == 4
    assert lines[2] == ("a  " + "x " * 100).rstrip()


@pytest.mark.parametrize(("total", "kept"), [(80, "p" * 40), (50, "p" * 24)])
def test_words_of_a_table_are_kept_together_as_long_as_the_table_fits(total: int, kept: str) -> None:
    rows = [["p" * 40, "a" * 38]]
    text = aligned(["path", "after"], rows, widths([["path", "after"], *rows], total, WORDS))
    assert kept in text.split("\n")[2]
