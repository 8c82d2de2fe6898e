"""What do/test takes for an answer: each architecture's protocol, with the requests that mlcc itself sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.lifecycle.targets import answers
from mlcc.registries import load

CHAT = '{"messages": [{"role": "user", "content": "Say hello."}]}'
TENSORS = '{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}'
ROWS = '{"instances": [[1], [2]]}'
PICTURE = '{"prompt": "a lighthouse", "n": 1}'
# What was asked of an architecture, and an answer to it: all these are wrong.
WRONG = [
    ("transformers", CHAT, {"choices": []}),
    ("transformers", CHAT, {"choices": None}),
    ("transformers", CHAT, {"choices": [{}]}),
    ("transformers", CHAT, {"choices": [None]}),
    ("transformers", CHAT, {"choices": [{"message": {"content": ""}}]}),
    ("transformers", CHAT, {"choices": [{"message": {"content": None}}]}),
    ("transformers", CHAT, {"choices": [{"message": {"content": None, "tool_calls": []}}]}),
    ("transformers", CHAT, {"object": "error", "message": "no"}),
    ("transformers", CHAT, {"error": "x"}),
    ("transformers", CHAT, {"error": {"message": "x"}}),
    ("transformers", CHAT, {"nope": 1}),
    ("transformers", CHAT, ["text"]),
    ("transformers", '{"prompt": "Say"}', {"choices": [{"text": ""}]}),
    ("http", ROWS, {"predictions": []}),
    ("http", ROWS, {"predictions": [1]}),
    ("http", ROWS, {"predictions": [None, None]}),
    ("http", ROWS, {"predictions": [1, None]}),
    ("http", ROWS, {"nope": 1}),
    ("http", ROWS, {"error": "x", "predictions": [1, 2]}),
    ("triton", TENSORS, {"outputs": []}),
    ("triton", TENSORS, {"outputs": [{"name": "y", "shape": [1], "datatype": "FP32"}]}),
    ("triton", TENSORS, {"outputs": [{"name": "y", "data": []}]}),
    ("triton", TENSORS, {"outputs": [{"name": "y", "data": [1]}, {"name": "z"}]}),
    ("triton", TENSORS, {"nope": 1}),
    ("triton", '{"text_input": "Say"}', {"text_output": ""}),
    ("diffusors", PICTURE, {"data": []}),
    ("diffusors", PICTURE, {"data": [{}]}),
    ("diffusors", PICTURE, {"data": [{"b64_json": ""}]}),
    ("diffusors", PICTURE, {"nope": 1}),
    # of a user's own request errors and what is empty
    ("http", "[[1]]", {"predictions": []}),
    ("http", '{"rows": 1}', {"error": "x"}),
    ("transformers", '{"inputs": "Say"}', {"choices": []}),
    ("triton", '{"x": 1}', {"outputs": []}),
    ("triton", '{"x": 1}', {}),
]
GOOD = [
    ("transformers", CHAT, {"choices": [{"message": {"content": "hello"}}]}),
    ("transformers", CHAT, {"choices": [{"message": {"content": None, "reasoning_content": "hm"}}]}),
    ("transformers", CHAT, {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}], "error": None}),
    ("transformers", '{"prompt": "Say"}', {"choices": [{"text": "hello"}]}),
    ("transformers", '{"inputs": "Say"}', {"generated_text": "hello"}),
    ("http", ROWS, {"predictions": [0, 1]}),
    ("http", ROWS, {"predictions": [False, ""], "error": 0.25}),
    ("http", "[[1]]", [0]),
    ("http", '{"rows": 1}', {"scores": [1], "error": 0.1}),
    ("http", "1,2\n", {"nope": 1}),
    ("triton", TENSORS, {"outputs": [{"name": "y", "data": [0]}]}),
    ("triton", TENSORS, {"outputs": [{"name": "y", "data": [1]}, {"name": "boxes", "data": []}]}),
    ("triton", '{"text_input": "Say"}', {"text_output": "hello"}),
    ("diffusors", PICTURE, {"data": [{"url": None, "b64_json": "iVBO"}]}),
]


def wrong(architecture: str, payload: str, answer: Any) -> str:
    row = load().architecture(architecture)
    assert row is not None
    return answers.problem(json.dumps(answer).encode(), payload, row.container["answers"])


@pytest.mark.parametrize(("architecture", "payload", "answer"), WRONG)
def test_a_wrong_answer_is_not_green(architecture: str, payload: str, answer: Any) -> None:
    assert wrong(architecture, payload, answer)


@pytest.mark.parametrize(("architecture", "payload", "answer"), GOOD)
def test_an_answer_that_holds_something_is(architecture: str, payload: str, answer: Any) -> None:
    assert wrong(architecture, payload, answer) == ""


def test_it_says_what_is_missing() -> None:
    assert wrong("http", ROWS, {"predictions": [1]}) == "wanted 2 predictions, got 1"
    assert wrong("http", ROWS, {"nope": 1}) == "the answer has no `predictions`"
    assert wrong("transformers", CHAT, {"error": "x"}) == "the answer is an error"
    empty = wrong("triton", TENSORS, {"outputs": [{"name": "y"}]})
    assert empty == "`outputs` of the answer has an item without a value of `data`"


def test_every_request_that_mlcc_sends_speaks_a_protocol_of_its_architecture() -> None:
    registries = load()
    sent: list[tuple[str, str]] = []
    for config in registries.deployment_configs.values():
        own = config.defaults.get("test", "payload")
        engines = [registries.framework(name) for name in config.frameworks]
        payloads = [str(own.value)] if own is not None else []
        payloads += [str(f.sample["payload"]) for f in engines if f is not None and f.sample.get("payload")]
        payloads += [
            e.payload for f in engines if f is not None and (e := registries.engines.get(f.engine)) and e.payload
        ]
        sent += [(config.architecture, payload) for payload in payloads]
    sent += [("triton", b.sample.payload) for b in registries.triton_backends.values() if b.sample is not None]
    assert {name for name, _ in sent} == set(registries.architectures)
    for name, payload in sent:
        row = registries.architecture(name)
        assert row is not None
        assert {one["asked"] for one in row.container["answers"]} & set(json.loads(payload)), (name, payload)
