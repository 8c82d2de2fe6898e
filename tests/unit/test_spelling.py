"""How an engine spells an option, and what a variable's text means as the value of a typed key."""

from __future__ import annotations

import pytest

from mlcc.core.value_text import short_text
from mlcc.registries.loader import load
from mlcc.resolve.engine import spelling

KNOWN = load()


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, "true"), (False, "false"), (4096, "4096"), (0.9, "0.9"), (0.123456789, "0.123456789"), (1.0, "1"),
     (1000000.0, "1000000"), ("a", "a")],
)  # fmt: skip
def test_texts_lose_nothing(given, expected):
    assert short_text(given) == expected


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("max_model_len", "5", (5, "")), ("max_model_len", " 5", (5, "")), ("dtype", "half", ("half", "")),
        ("dtype", "bf16", (None, "")), ("served_model_name", "a b", (None, "")), ("served_model_name", "a", ("a", "")),
        ("served_model_name", "a" * 300, (None, "")), ("tensor_parallel_size", "max", ("max", "")),
        ("tensor_parallel_size", "3", (3, "")), ("lora.enabled", "1", (True, "")), ("no.such", "x", ("x", "")),
        ("max_model_len", "'5'", (None, '"\'5\'" is not a number')),
    ],
)  # fmt: skip
def test_texts_are_read_by_the_keys_own_rules(key, text, expected):
    found = spelling.parse_value(key, text)
    assert found == expected if not expected[1] else found[0] is None and "not a number" in found[1]


def test_a_row_without_options_has_no_variables():
    engine = KNOWN.engines["vllm"]._replace(typed_keys={"dtype": "", "load_format": "!"}, extra_variables={})
    assert spelling.keys_by_variable(engine) == {}
    assert spelling.spelled(engine, "dtype") is spelling.spelled(engine, "load_format") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("8k", 8000), ("8K", 8192), ("1.5k", 1500), ("2M", 2 << 20), ("4g", 4 * 10**9), ("1.5K", None), ("8", None),
     ("k", None), ("8kk", None), ("auto", None), ("-8k", None)],
)  # fmt: skip
def test_sizes_are_read_as_the_engines_read_them(text, number):
    assert spelling.parse_size(text) == number


def test_a_size_is_a_value_of_integer_keys_only_and_within_their_limits():
    assert spelling.parse_value("max_model_len", "8k") == (8000, "")
    assert spelling.parse_value("max_model_len", "4g") == (None, "Value 4000000000 exceeds maximum 100000000")
    assert spelling.parse_value("gpu_memory_utilization", "1k")[0] is None
    assert spelling.parse_value("served_model_name", "1k") == ("1k", "")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("1", True, True), ("", "true", True), ("off", False, True), ("8k", "8000", True), (" 8", 8, True), ("a", "A", False),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', True), ("{", "{ ", True), ("[1]", "[2]", False), ("0", "1", False),
    ],
)  # fmt: skip
def test_values_that_are_one_to_an_engine(one, other, expected):
    assert spelling.same_value(one, other) is expected
