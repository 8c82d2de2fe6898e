"""Whether language models fit, as a comparison of two states tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.checks.memory_fits import ModelFit, of_project

HERE = Path()
CHAT = "version: 1\nproject: {name: chat}\ndeployment: {config: transformers-vllm}\nmodel: {name: Qwen/Qwen3-4B}\n"


def fits(text: str) -> list[ModelFit]:
    (HERE / "mlcc.yaml").write_text(text)
    return list(of_project(pipeline.read("mlcc.yaml")))


def test_a_model_with_its_sum() -> None:
    (found,) = fits(CHAT + "engine: {max_model_len: 8192}\n")
    assert (found.environment, found.model, found.container) == ("default", "Qwen/Qwen3-4B", "")
    assert found.words.startswith(f"Qwen/Qwen3-4B on {found.instance} fits: per device 7.5 GiB of weights, ")
    assert found.words.endswith(" sequences of 8,192 tokens at a time")


@pytest.mark.parametrize(
    ("length", "words"), [(40960, "fits tightly"), (8192, "fits:")], ids=["the model's own length", "a shorter one"]
)
def test_verdicts_are_those_of_the_rule(length: int, words: str) -> None:
    instance = "deployment: {config: transformers-vllm, instance_type: ml.g5.xlarge}"
    text = CHAT.replace("deployment: {config: transformers-vllm}", instance)
    (found,) = fits(f"{text}engine: {{max_model_len: {length}}}\n")
    assert f" {words}" in found.words


def test_weights_that_leave_nothing() -> None:
    text = CHAT.replace("Qwen/Qwen3-4B", "Qwen/Qwen3-32B").replace(
        "{config: transformers-vllm}", "{config: transformers-vllm, instance_type: ml.g5.xlarge}"
    )
    (found,) = fits(text)
    assert "does not fit" in found.words
    assert found.words.endswith("nothing left for the KV cache")


def test_each_environment_has_its_own() -> None:
    overlay = "environments: {prod: {deployment: {instance_type: ml.g6e.xlarge}, engine: {max_model_len: 4096}}}\n"
    found = fits(CHAT + overlay)
    assert [one.environment for one in found] == ["default", "prod"]
    assert found[1].instance == "ml.g6e.xlarge"


def test_what_generates_no_text_has_none() -> None:
    assert fits("version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n") == []
