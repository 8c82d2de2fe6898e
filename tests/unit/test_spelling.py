"""The one word that a misspelt word can mean."""

from __future__ import annotations

import pytest

from mlcc.core.spelling import distance, only_match

KEYS = ["name", "region", "instance_type", "instance_count", "min_count", "max_count", "input", "inputs", "config"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("nmae", "name"), ("nam", "name"), ("names", "name"), ("Name", "name"), ("instanceType", "instance_type"),
        ("Instance-Type", "instance_type"), ("instnace_tpye", "instance_type"), ("regoin", "region"),
        ("count", ""), ("mxn_count", ""), ("inputss", "inputs"), ("inputx", ""), ("nxxe", ""), ("", ""),
        ("name", ""), ("x" * 100, ""), ("instance_xxxx", ""),
    ],
)  # fmt: skip
def test_one_word_or_none(word, meant):
    assert only_match(word, KEYS) == meant


def test_two_ways_to_write_one_word_are_none():
    assert only_match("a b", ["a_b", "a-b"]) == ""


@pytest.mark.parametrize(
    ("one", "other", "most", "letters"),
    [("abc", "abc", 2, 0), ("abc", "acb", 2, 1), ("abc", "ab", 2, 1), ("abc", "xbc", 2, 1), ("abc", "xyz", 2, 3),
     ("abc", "xyz", 5, 3), ("a", "abcdef", 2, 3), ("ca", "abc", 5, 3), ("", "ab", 2, 2)],
)  # fmt: skip
def test_letters_that_differ(one, other, most, letters):
    assert distance(one, other, most) == distance(other, one, most) == letters
