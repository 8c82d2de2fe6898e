"""Names in AWS: within the limits, apart from one another, and the same each time."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mlcc.lifecycle.targets.sagemaker import names

PATTERN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}\Z")
WORD = st.text("ab01", min_size=1, max_size=20)
PART = st.lists(WORD, min_size=1, max_size=3).map("-".join)


@given(st.lists(PART, min_size=1, max_size=4))
def test_a_name_is_what_the_service_takes(parts: list[str]) -> None:
    name = names.joined(*parts)
    assert PATTERN.match(name)
    assert len(name) <= names.MAX_NAME
    assert name == "-".join(parts) or len("-".join(parts)) > names.MAX_NAME


@given(PART, PART, PART)
def test_long_names_that_differ_stay_apart(first: str, second: str, end: str) -> None:
    long = "x" * 60
    assert (names.joined(long, first, end) == names.joined(long, second, end)) == (first == second)


@given(PART, st.dictionaries(PART, st.integers()), st.dictionaries(PART, st.integers()))
def test_a_name_changes_with_its_content_alone(name: str, one: dict[str, int], other: dict[str, int]) -> None:
    first, second = names.with_content(name, one), names.with_content(name, other)
    assert PATTERN.match(first)
    assert (first == second) == (one == other)
    assert first == names.with_content(name, dict(reversed(one.items())))
