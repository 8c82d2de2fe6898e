"""Matching of lines, and unified diffs: right for every pair of texts, and bounded."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.core import line_diff
from mlcc.core.line_diff import NO_NEWLINE, file_hunks, matching_blocks, unified_diff

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d e", "f"]), max_size=30)


@given(LINES, LINES)
def test_blocks_are_equal_stretches_in_order(first, second):
    a = b = 0
    for block in matching_blocks(first, second):
        assert block.size > 0
        assert block.a >= a
        assert block.b >= b
        assert first[block.a : block.a + block.size] == second[block.b : block.b + block.size]
        a, b = block.a + block.size, block.b + block.size
    assert a <= len(first)
    assert b <= len(second)


@given(LINES)
def test_equal_texts_are_one_block(lines):
    assert matching_blocks(lines, list(lines)) == ([(0, 0, len(lines))] if lines else [])


@given(LINES, st.integers(0, 30), st.text("xyz", min_size=1, max_size=3))
def test_one_line_more_is_all_that_differs(lines, place, line):
    more = [*lines[:place], line, *lines[place:]]
    assert sum(block.size for block in matching_blocks(lines, more)) == len(lines)


def patched(first, diff):
    """The second text out of the first one and a diff."""
    out, at = [], 0
    for line in diff:
        if line.startswith("@@"):
            start = line.split()[1][1:].partition(",")
            number = int(start[0]) - (start[2] != "0")
            out += first[at:number]
            at = number
        elif line[0] in " -":
            assert first[at] == line[1:]
            out += [line[1:]] if line[0] == " " else []
            at += 1
        else:
            out.append(line[1:])
    return out + first[at:]


@given(LINES, LINES, st.integers(0, 3))
def test_a_diff_makes_the_second_text_of_the_first(first, second, context):
    diff = list(unified_diff(first, second, context=context))
    assert patched(first, diff) == second
    assert (diff == []) == (first == second)


def test_a_diff_has_a_heading_and_hunks():
    assert list(unified_diff(["a", "b", "c"], ["a", "x", "c"], "old", "new")) == [
        "--- old", "+++ new", "@@ -1,3 +1,3 @@", " a", "-b", "+x", " c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"a\n", b"a\n", []),
        (b"a\nb\n", b"a\nc\n", ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]),
        (b"a", b"a\n", ["@@ -1 +1 @@", "-a", NO_NEWLINE, "+a"]),
        (b"a\nb", b"c\nb", ["@@ -1,2 +1,2 @@", "-a", "+c", " b", NO_NEWLINE]),
        (b"", b"a\rb\n", ["@@ -0,0 +1 @@", "+a\rb"]),
        (b"\xff\n", b"", ["@@ -1 +0,0 @@", "-\\xff"]),
        (b"\0a", b"b", ["Binary files before and after differ"]),
        (b"--- a", b"", ["@@ -1 +0,0 @@", "---- a", NO_NEWLINE]),
    ],
)
def test_a_diff_of_files_tells_what_patch_tells(before, after, expected):
    assert list(file_hunks(before, after)) == expected


def test_a_diff_of_files_has_their_names():
    assert list(file_hunks(b"a", b"b\n", "x", "y"))[:2] == ["--- x", "+++ y"]
    assert list(file_hunks(b"\0", b"", "x", "y")) == ["Binary files x and y differ"]


chance = random.Random(5)
N = 10_000
DEAR = {
    "interleaved": ([f"# {i}" for i in range(N)], [t for i in range(N) for t in (f"# {i}", f"# u{i}")]),
    "all equal": (["x"] * N, ["x"] * (N // 2) + ["y"] + ["x"] * (N // 2)),
    "two words": ([chance.choice("ab") for _ in range(N)], [chance.choice("ab") for _ in range(N)]),
    "few words": ([chance.choice("abcdefgh") for _ in range(N)], [chance.choice("abcdefgh") for _ in range(N)]),
    "shuffled": ([str(i) for i in range(N)], chance.sample([str(i) for i in range(N)], N)),
    "twice each": ([str(i // 2) for i in range(N)], [str(i // 2) for i in range(N, 0, -1)]),
    "periods": ([str(i % 97) for i in range(N)], [str(i % 89) for i in range(N)]),
}


@pytest.mark.parametrize("name", DEAR)
def test_the_work_is_bounded(name, monkeypatch):
    """Counted in pairs that are compared, not in seconds; the seconds are a wide guard."""
    pairs = []
    real = line_diff._cost
    monkeypatch.setattr(line_diff, "_cost", lambda *a: pairs.append(min(real(*a), line_diff.MAX_PAIRS)) or real(*a))
    first, second = DEAR[name]
    began = time.process_time()
    blocks = matching_blocks(first, second)
    assert time.process_time() - began < 5
    assert sum(pairs) <= 2 * line_diff.MAX_STEPS
    assert all(first[b.a : b.a + b.size] == second[b.b : b.b + b.size] for b in blocks)


# ---------------------------------------------------------------- long lines
def long(*words: str) -> str:
    return '  "options": ["' + " ".join([*words, *(f"word-{n}" for n in range(100))]) + '"],'


def short(first: list[str], second: list[str]) -> list[str]:
    return list(line_diff.shortened(unified_diff(first, second)))


def test_of_a_long_line_only_the_words_that_differ_are_shown():
    found = short(["{", long("gone", "stays"), "}"], ["{", long("stays", "new-one"), "}"])
    assert found == ["@@ -1,3 +1,3 @@", " {", '-  "options": ... gone: gone', '+  "options": ... new: new-one', " }"]


def test_words_in_another_order_are_none_that_came():
    found = short([long("a", "b")], [long("b", "a")])
    assert [line for line in found if "nothing, for all its words" in line] == found[1:]


@pytest.mark.parametrize(("first", "second", "sign"), [([], ["x" * 900], "+"), (["x " * 450], [], "-")])
def test_a_long_line_without_another_is_shown_by_its_beginning(first, second, sign):
    (line,) = short(first, second)[1:]
    assert line.startswith(f"{sign}x")
    assert line.endswith("(901 characters)")
    assert len(line) < 450


def test_very_many_words_are_counted():
    new = [f"new-{n}" for n in range(500)]
    line = short([long()], [long(*new)])[-1]
    assert len(line) < 500
    assert line.endswith(" more")
    assert sum(map(int, [line.split()[-2]])) + line.count("new-") == 500


@given(LINES, LINES)
def test_usual_lines_stay_as_they_are(first, second):
    assert short(first, second) == list(unified_diff(first, second))
