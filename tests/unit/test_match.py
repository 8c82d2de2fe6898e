"""Which registry row a name selects."""

from __future__ import annotations

import fnmatch
import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.registries.match import Matcher, is_pattern, matches, prefix

NAMES = ["*", "acme/*", "acme/big", "acme/big-*", "acme/*-fp8", "other/*x*y*"]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("acme/big", "acme/big"),
        ("acme/big-7b", "acme/big-*"),
        ("acme/big-", "acme/big-*"),
        ("acme/small", "acme/*"),
        ("acme/", "acme/*"),
        ("acme", "*"),
        ("", "*"),
        ("other/axbyc", "other/*x*y*"),
        ("other/ayb", "*"),
    ],
)
def test_an_exact_name_wins_then_the_longest_literal_prefix(name, row):
    assert Matcher(NAMES).find(name) == row


@given(st.permutations(NAMES), st.sampled_from(["acme/big", "acme/big-7b", "acme/x-fp8", "other/xy", "zzz"]))
def test_the_order_of_rows_does_not_matter(names, name):
    same_prefix = {"acme/*", "acme/*-fp8"}
    found, usual = Matcher(names).find(name), Matcher(NAMES).find(name)
    assert found == usual or {found, usual} <= same_prefix


@pytest.mark.parametrize("name", ["abc", "a", ""])
def test_no_row_is_none(name):
    assert Matcher(["b*", "xyz"]).find(name) is None


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_matches_agrees_with_a_regular_expression(pattern, name):
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches(pattern, name) == bool(re.fullmatch(expression, name, re.DOTALL))


@given(st.text("ab[]?!*", max_size=8), st.text("ab[]?!", max_size=8))
def test_only_the_star_is_a_wildcard(pattern, name):
    literal = re.sub(r"([\[\]?!])", lambda m: f"[{m[1]}]" if m[1] != "!" else "!", pattern)
    assert matches(pattern, name) == fnmatch.fnmatchcase(name, literal)


@given(st.lists(st.text("abc*", max_size=6), max_size=12), st.text("abc", max_size=8))
def test_the_index_finds_what_a_search_of_all_rows_finds(names, name):
    found = Matcher(names).find(name)
    fits = [n for n in names if matches(n, name)]
    if name in fits:
        assert found == name
    elif fits:
        assert found in fits
        assert len(prefix(found)) == max(len(prefix(n)) for n in fits)
    else:
        assert found is None


def test_ambiguous_lists_patterns_that_could_tie():
    assert list(Matcher(["a*", "a*b", "b*", "ab"]).ambiguous()) == [("a*", "a*b")]
    assert list(Matcher(NAMES[:4]).ambiguous()) == []


@pytest.mark.parametrize(("name", "expected"), [("a*", True), ("a", False), ("*", True), ("", False)])
def test_is_pattern(name, expected):
    assert is_pattern(name) == expected


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("a*" * 50 + "b", "a" * 100_000),
        ("*a" * 50 + "*", "b" * 100_000),
        ("a*" + "ab*" * 50 + "c", "ab" * 50_000),
    ],
)
def test_matching_a_hostile_pattern_takes_linear_time(pattern, name):
    before = time.perf_counter()
    matches(pattern, name)
    assert time.perf_counter() - before < 1


def test_a_look_up_does_not_grow_with_the_number_of_rows():
    pick = random.Random(0)
    names = [f"org-{n}/{pick.randrange(10**9)}*" for n in range(20_000)]
    index = Matcher(names)
    before = time.perf_counter()
    for name in names[:1000]:
        assert index.find(name.replace("*", "x")) == name
    assert time.perf_counter() - before < 1


def test_a_very_long_name_is_looked_up_in_linear_time():
    index = Matcher(["a*b", "*c"])
    before = time.perf_counter()
    assert index.find("a" * 100_000) is None
    assert time.perf_counter() - before < 1
