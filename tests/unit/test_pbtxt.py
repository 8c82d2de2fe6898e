"""config.pbtxt: read back by a small parser of ours, and by NVIDIA's own protobuf."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mlcc.render.pbtxt import HEADER, quoted, render
from mlcc.resolve.triton.models import ModelConfig, Tensor
from tests.nvidia import messages, model_config
from tests.textproto import parse

HOSTILE = [
    '"',
    "'",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "\0",
    "é",
    "日本語",
    "\u202e",
    "😀",
    '" } evil: "',
    "\\n",
    "\\101",
    "# x",
    "{{ x }}",
]
FULL = ModelConfig(
    "text_encoder",
    "tensorflow",
    "tensorflow_savedmodel",
    8,
    (Tensor("ids", "TYPE_INT64", (-1,)), Tensor("scale", "TYPE_BF16", ())),
    (Tensor("embedding", "TYPE_FP32", (2, 768)),),
    ({"count": 2, "kind": "KIND_GPU", "gpus": (0, 1)}, {"kind": "KIND_CPU"}),
    {"preferred_batch_size": (4, 8), "max_queue_delay_microseconds": 100},
    {"b": "two\nlines", "a": 'a "quoted" \\ text'},
)


@pytest.fixture(scope="module", name="nvidia")
def nvidia_fixture() -> ModuleType:
    return messages()


def test_the_whole_text():
    assert render(FULL) == HEADER + (
        'name: "text_encoder"\n'
        'platform: "tensorflow_savedmodel"\n'
        'backend: "tensorflow"\n'
        "max_batch_size: 8\n"
        "input [\n"
        '  {\n    name: "ids"\n    data_type: TYPE_INT64\n    dims: [-1]\n  },\n'
        '  {\n    name: "scale"\n    data_type: TYPE_BF16\n    dims: []\n  }\n'
        "]\n"
        "output [\n"
        '  {\n    name: "embedding"\n    data_type: TYPE_FP32\n    dims: [2, 768]\n  }\n'
        "]\n"
        "instance_group [\n"
        "  {\n    count: 2\n    kind: KIND_GPU\n    gpus: [0, 1]\n  },\n"
        "  {\n    kind: KIND_CPU\n  }\n"
        "]\n"
        "dynamic_batching {\n  preferred_batch_size: [4, 8]\n  max_queue_delay_microseconds: 100\n}\n"
        'parameters {\n  key: "a"\n  value { string_value: "a \\"quoted\\" \\\\ text" }\n}\n'
        'parameters {\n  key: "b"\n  value { string_value: "two\\nlines" }\n}\n'
    )


def test_nvidia_reads_all_of_it(nvidia):
    found = model_config(render(FULL))
    assert (found.name, found.backend, found.platform, found.max_batch_size) == (*FULL[:3], 8)
    assert [(t.name, nvidia.DataType.Name(t.data_type), list(t.dims)) for t in found.input] == [
        ("ids", "TYPE_INT64", [-1]),
        ("scale", "TYPE_BF16", []),
    ]
    assert [list(t.dims) for t in found.output] == [[2, 768]]
    groups = [(g.count, nvidia.ModelInstanceGroup.Kind.Name(g.kind), list(g.gpus)) for g in found.instance_group]
    assert groups == [(2, "KIND_GPU", [0, 1]), (0, "KIND_CPU", [])]
    assert found.WhichOneof("scheduling_choice") == "dynamic_batching"
    assert list(found.dynamic_batching.preferred_batch_size) == [4, 8]
    assert found.dynamic_batching.max_queue_delay_microseconds == 100
    assert {k: v.string_value for k, v in found.parameters.items()} == FULL.parameters


@pytest.mark.parametrize(
    ("model", "absent", "present"),
    [
        (ModelConfig("m", "onnxruntime"), ("max_batch_size", "input", "output", "dynamic_batching", "platform"), ()),
        (ModelConfig("m", "python", max_batch_size=0), ("dynamic_batching",), ("max_batch_size: 0",)),
        (ModelConfig("m", "fil", dynamic_batching={}), (), ("dynamic_batching {}",)),
        (ModelConfig("m", "fil", inputs=(Tensor("x"),)), ("data_type", "dims"), ('name: "x"',)),
    ],
)
def test_what_a_model_does_not_set_is_left_out(nvidia, model, absent, present):
    text = render(model)
    assert not [word for word in absent if word in text]
    assert all(line in text for line in present)
    found = model_config(text)
    assert found.HasField("dynamic_batching") == (model.dynamic_batching is not None)
    assert found.max_batch_size == (model.max_batch_size or 0)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back_as_they_were(nvidia, text):
    model = ModelConfig(text, "python", inputs=(Tensor(text, "TYPE_FP32", (1,)),), parameters={text: text})
    written = render(model)
    assert written.isascii()
    ours, theirs = parse(written), model_config(written)
    assert ours["name"] == [text]
    assert ours["parameters"] == [{"key": [text], "value": [{"string_value": [text]}]}]
    assert theirs.name == text == theirs.input[0].name
    assert dict(theirs.parameters)[text].string_value == text


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was(text):
    assert parse(f"x: {quoted(text)}") == {"x": [text]}
    assert "\n" not in quoted(text)


def test_a_model_s_own_settings_are_written():
    """The inputs of TensorRT-LLM's example, of its own config.pbtxt."""
    model = ModelConfig(
        "m", "tensorrtllm", max_batch_size=8,
        inputs=(
            Tensor("input_ids", "TYPE_INT32", (-1,), allow_ragged_batch=True),
            Tensor("input_lengths", "TYPE_INT32", (1,), reshape=()),
            Tensor("end_id", "TYPE_INT32", (1,), reshape=(), optional=True),
        ),
        outputs=(Tensor("sequence_length", "TYPE_INT32", (-1,), reshape=(1, -1)),),
    )  # fmt: skip
    found = model_config(render(model))
    assert [(t.name, t.HasField("reshape"), list(t.reshape.shape)) for t in found.input] == [
        ("input_ids", False, []), ("input_lengths", True, []), ("end_id", True, []),
    ]  # fmt: skip
    assert [t.allow_ragged_batch for t in found.input] == [True, False, False]
    assert [t.optional for t in found.input] == [False, False, True]
    assert list(found.output[0].reshape.shape) == [1, -1]
    assert parse(render(model))["input"]
