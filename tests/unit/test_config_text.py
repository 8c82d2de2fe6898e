"""A config.pbtxt read by the table of fields: what is written comes back, and NVIDIA's own reader agrees."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.text_format import ParseError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from mlcc.registries import triton_config
from mlcc.registries.triton_config import FLOATS, INTEGERS, ROOT, Field
from mlcc.render import pbtxt
from mlcc.resolve.triton import config_text
from mlcc.resolve.triton.models import own_config
from tests.nvidia import model_config

TABLE = triton_config.table()
TEXTS = some.text(some.characters(exclude_categories=["Cs"]), max_size=5)


# ---------------------------------------------------------------- whatever there may be
def values(field: Field, depth: int) -> some.SearchStrategy[Any]:
    """Values of one type."""
    if field.type in TABLE.messages:
        return messages(field.type, depth - 1)
    if field.type in TABLE.enums:
        return some.sampled_from(TABLE.enums[field.type])
    if field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        return some.integers(low, high - 1)
    if field.type in FLOATS:
        return some.floats(width=32, allow_nan=False)
    return some.booleans() if field.type == "bool" else TEXTS


def fields(field: Field, depth: int) -> some.SearchStrategy[Any]:
    each = values(field, depth)
    if field.key:
        keys = TEXTS if field.key == "string" else some.integers(0, 2**64 - 1)
        return some.dictionaries(keys, each, min_size=1, max_size=2)
    return some.lists(each, min_size=1, max_size=2) if field.repeated else each


def messages(name: str, depth: int) -> some.SearchStrategy[dict[str, Any]]:
    """A message of few of its fields; of those that exclude one another at most one."""
    known = [f for f in TABLE.messages[name].values() if depth or f.type not in TABLE.messages]
    together = [set(group) for group in TABLE.choices.get(name, ())]

    def chosen(names: list[str]) -> some.SearchStrategy[dict[str, Any]]:
        kept: list[str] = []
        for word in names:
            if not any(word in group and group & {*kept} for group in together):
                kept.append(word)
        return some.fixed_dictionaries({word: fields(TABLE.messages[name][word], depth) for word in kept})

    return some.lists(some.sampled_from([f.name for f in known]), max_size=3, unique=True).flatmap(chosen) if known else some.just({})  # fmt: skip


def as_nvidia_has_it(value: Any) -> Any:
    """Plain data as protobuf's JSON has it: large numbers as texts."""
    if isinstance(value, dict):
        return {str(k): as_nvidia_has_it(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_nvidia_has_it(v) for v in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def numbers(value: Any) -> Any:
    """The same data with all numbers that are texts as numbers, and without what is a default."""
    if isinstance(value, dict):
        found = {k: numbers(v) for k, v in value.items()}
        return {k: v for k, v in found.items() if v not in (0, "", False, []) and v not in FIRST}
    if isinstance(value, list):
        return [numbers(v) for v in value]
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    return value


FIRST = tuple(words[0] for words in TABLE.enums.values())


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(messages(ROOT, 4))
def test_what_is_written_is_read_alike_by_us_and_by_nvidia(document: dict[str, Any]) -> None:
    text = "".join(f"{line}\n" for line in pbtxt.document_lines(document))
    ours = config_text.read(text.encode())
    assert ours.problems == ()
    theirs = json_format.MessageToDict(model_config(text), preserving_proto_field_name=True)
    assert numbers(as_nvidia_has_it(dict(ours.fields))) == numbers(theirs)
    assert numbers(as_nvidia_has_it(dict(ours.fields))) == numbers(as_nvidia_has_it(document))


# ---------------------------------------------------------------- what is wrong
@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('nam: "a"', "ModelConfig has no field nam", "did you mean name?"),
        ("input { dimms: 1 }", "ModelInput has no field dimms", "did you mean dims?"),
        ("name: a", "name: a text in quotes is expected, not a", ""),
        ("name { }", "name: a value is expected, not a message", ""),
        ('name: "a" name: "b"', "name stands more than once", ""),
        ('name: ["a", "b"]', "name stands more than once", ""),
        ('max_batch_size: "4"', "max_batch_size: no text is expected", ""),
        ("max_batch_size: 4.0", "max_batch_size: a number is expected, not 4.0", ""),
        ("max_batch_size: many", "max_batch_size: a number is expected, not many", ""),
        ("max_batch_size: 2147483648", "max_batch_size: 2147483648 is out of range", ""),
        ("max_batch_size: 08", "max_batch_size: a number is expected, not 08", ""),
        ("version_policy { latest { num_versions: -1 } }", "num_versions: -1 is out of range", ""),
        ("input { data_type: FP32 }", "data_type: FP32 is not allowed: TYPE_FP32?", ""),
        ("input { optional: yes }", "optional: true or false is expected, not yes", ""),
        ("input { dims [1] }", "dims: a colon is missing behind the name", ""),
        ("input: 1", "input: a message in braces is expected, not 1", ""),
        ("parameters: 1", "parameters: a message with key and value is expected", ""),
        ('parameters { key: "a" val: 1 }', "parameters: key and value are expected, each once", ""),
        ("version_policy { all {} latest {} }", "only one of latest, all, specific can be set", ""),
        ("dynamic_batching {} sequence_batching {}", "only one of dynamic_batching, sequence_batching", ""),
        ("name: ", "a value is expected, and the end of the file stands there", "protobuf.dev"),
    ],
)
def test_what_triton_would_refuse_is_a_problem(text: str, message: str, hint: str) -> None:
    [problem] = config_text.read(f"# of mine\n{text}\n".encode()).problems
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line in (2, 3)
    with pytest.raises(ParseError):
        model_config(text)


def test_a_number_that_no_word_has_is_a_problem_although_protobuf_takes_it():
    [problem] = config_text.read(b"input { data_type: 15 }").problems
    assert "data_type: 15 is not allowed" in problem.message
    assert model_config("input { data_type: 15 }").input[0].data_type == 15


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("max_batch_size: 010", {"max_batch_size": 8}),
        ("max_batch_size: 0x1F", {"max_batch_size": 31}),
        ("input { data_type: 11 }", {"input": [{"data_type": "TYPE_FP32"}]}),
        ("input { optional: 1 }", {"input": [{"optional": True}]}),
        ("input { dims: 1 dims: [2, 3] }", {"input": [{"dims": [1, 2, 3]}]}),
        ('parameters { key: "a" }', {"parameters": {"a": {}}}),
        ('parameters [{ key: "a" value { string_value: "b" } }]', {"parameters": {"a": {"string_value": "b"}}}),
        ("response_cache { enable: f }", {"response_cache": {"enable": False}}),
        (
            "sequence_batching { direct { minimum_slot_utilization: .5f } }",
            {"sequence_batching": {"direct": {"minimum_slot_utilization": 0.5}}},
        ),
    ],
)
def test_what_triton_understands_is_understood(text: str, fields: dict[str, Any]) -> None:
    assert config_text.read(text.encode()) == (fields, ())
    model_config(text)


def test_all_problems_are_found_at_once_and_the_rest_is_read():
    found = config_text.read(b'max_batch_size: x\nbackend: "python"\ninput { dims: [1, y] }\n')
    assert [(p.line, p.column) for p in found.problems] == [(1, 17), (3, 19)]
    assert found.fields["backend"] == "python"
    assert found.fields["input"] == [{"dims": [1]}]
    many = config_text.read(b"x: 1\n" * 100)
    assert len(many.problems) == config_text.MAX_PROBLEMS


def test_a_model_is_what_its_own_file_says():
    text = b"""backend: "onnxruntime" max_batch_size: 4
input { name: "x" data_type: TYPE_FP32 dims: [1] reshape { shape: [] } optional: true }
output { name: "y" data_type: TYPE_INT64 dims: [-1, 2] }
instance_group { kind: KIND_CPU } dynamic_batching {} parameters { key: "a" value { string_value: "b" } }
response_cache { enable: true }
"""
    model = own_config("mine", text, "python")
    assert (model.name, model.backend, model.max_batch_size, model.text) == ("mine", "onnxruntime", 4, text)
    [x], [y] = model.inputs, model.outputs
    assert (x.dims, x.reshape, x.optional) == ((1,), (), True)
    assert (y.data_type, y.dims, y.reshape) == ("TYPE_INT64", (-1, 2), None)
    assert model.instance_group == ({"kind": "KIND_CPU"},)
    assert (model.dynamic_batching, model.parameters) == ({}, {"a": "b"})
    assert model.more == {"response_cache": {"enable": True}}
    assert own_config("mine", b"max_batch_size: 4", "python").backend == "python"
    assert own_config("mine", b'platform: "ensemble"', "python").backend == ""
