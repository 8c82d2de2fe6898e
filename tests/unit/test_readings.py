"""Lines that a later version kept: right for every pair of texts, none where readings differ, and bounded."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.plan import readings
from mlcc.plan.readings import kept_lines

LINES = st.lists(st.sampled_from([b"a", b"b", b"c", b"", b"d e", b"f"]), max_size=30)


def kept(first: str, second: str) -> str:
    """The kept letters of the first text, a dot for each of the others."""
    lines = [[letter.encode() for letter in text] for text in (first, second)]
    places = {block.a + n for block in kept_lines(*lines) for n in range(block.size)}
    return "".join(letter if place in places else "." for place, letter in enumerate(first))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("", "", ""),
        ("abc", "abc", "abc"),
        ("abc", "axc", "a.c"),
        ("abc", "", "..."),
        ("", "abc", ""),
        ("abc", "abbc", "abc"),  # added as late as it can stand
        ("abbc", "abc", "ab.c"),  # and so removed
        ("ab", "ba", ".."),  # one of them went past the other
        ("abcxyz", "xyzabc", "......"),
        ("abcde", "deabc", "abc.."),  # the shorter block went
        ("xyz", "xyzxyz", "xyz"),  # a copy is one behind, as with Git
        ("xyz", "xyzqxyz", "xyz"),
        ("abc", "cab", "ab."),
    ],
)
def test_what_every_reading_keeps(first, second, expected):
    assert kept(first, second) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("ppmqqm", "xxmyym", ".....m"),
        ("ppmqq", "xxmyy", "..m.."),  # it stands there once
        ("ppmmqqm", "xxmmyym", "..mm..m"),  # they are not alone
        ("pmqm", "xmym", ".m.m"),
        ("ppmqqm", "xxmm", ".....m"),  # what was taken away counts alone, too
    ],
)
def test_repeated_lines_alone_between_changes_are_chance(first, second, expected):
    assert kept(first, second) == expected


@given(LINES, LINES)
def test_blocks_are_equal_stretches_in_order(first, second):
    a = b = 0
    for block in kept_lines(first, second):
        assert block.size > 0
        assert block.a >= a
        assert block.b >= b
        assert first[block.a : block.a + block.size] == second[block.b : block.b + block.size]
        a, b = block.a + block.size, block.b + block.size
    assert a <= len(first)
    assert b <= len(second)


@given(LINES)
def test_equal_texts_are_one_block(lines):
    assert kept_lines(lines, list(lines)) == ([(0, 0, len(lines))] if lines else [])


@given(LINES, LINES)
def test_the_other_way_round_as_many_are_kept(first, second):
    assert [(b.b, b.a, b.size) for b in kept_lines(first, second)] == kept_lines(second, first)


@given(LINES, LINES)
def test_a_shortest_edit_keeps_as_many_lines_as_there_are_in_common(first, second):
    """By the textbook table of longest common subsequences."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    numbers = {line: number for number, line in enumerate({*first, *second})}
    assert len(readings._pairs([numbers[li] for li in first], [numbers[li] for li in second])) == table[-1][-1]


N = 10_000
chance = random.Random(5)
NUMBERED = [b"%d" % n for n in range(N)]
DEAR = {
    "all alike": ([b"x"] * N, [b"x"] * (N // 2) + [b"y"] + [b"x"] * (N // 2)),
    "two words": ([chance.choice([b"a", b"b"]) for _ in range(N)], [chance.choice([b"a", b"b"]) for _ in range(N)]),
    "shuffled": (NUMBERED, chance.sample(NUMBERED, N)),
    "periods": ([b"%d" % (n % 97) for n in range(N // 2)], [b"%d" % (n % 89) for n in range(N // 2)]),
}


@pytest.mark.parametrize("name", DEAR)
def test_the_work_is_bounded(name):
    began = time.process_time()
    kept_lines(*DEAR[name])
    assert time.process_time() - began < 5
