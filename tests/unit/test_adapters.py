"""Adapters switch LoRA on in the engine of their base, unless somebody says that it is off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core.values import Source
from mlcc.resolve.project import Project
from tests.helpers import build_tree

HEAD = """version: 1
project: {name: chat}
deployment: {config: CONFIG, region: us-east-1, instance_type: ml.g6e.12xlarge}
model: {name: Qwen/Qwen3-0.6B}
"""
LEGAL = "adapters: [{name: legal, artifact_url: s3://bucket/legal.tar.gz}]\n"
TWO = "inference_components: [{name: a, gpu_count: 1}, {name: b, gpu_count: 1}]\n"
ON_B = "adapters: [{name: legal, base: b, artifact_url: s3://bucket/legal.tar.gz}]\n"
TOP, OF_B = "engine.lora.enabled", "inference_components[b].engine.lora.enabled"


def read(text: str, config: str = "transformers-vllm", env: str | None = None) -> Project:
    build_tree(".", {"mlcc.yaml": HEAD.replace("CONFIG", config) + text})
    return pipeline.read("mlcc.yaml", env=env)


def codes(project: Project) -> list[str]:
    return [f.code for f in project.findings if f.severity.label == "error"]


@pytest.mark.parametrize("config", ["transformers-vllm", "transformers-sglang", "transformers-lmi"])
def test_the_only_engine_serves_adapters(config):
    project = read(LEGAL, config)
    value = project.resolved.value(TOP)
    assert value is not None
    assert (value.value, value.source) == (True, Source.DEFAULT)
    assert value.origin == "mlcc.yaml:5 (the adapter legal needs it)"
    assert codes(project) == []


def test_it_reaches_the_container_with_what_goes_along():
    variables = read(LEGAL).resolved.below("env")
    assert (variables["VLLM_ENABLE_LORA"], variables["VLLM_ALLOW_RUNTIME_LORA_UPDATING"]) == ("true", "true")


def test_only_the_component_that_is_the_base_serves_them():
    project = read(TWO + ON_B)
    assert project.resolved.get(TOP) is None
    assert project.resolved.get(OF_B) is True
    assert project.resolved.get("inference_components[a].engine.lora.enabled") is None
    assert project.resolved.get("inference_components[b].env.VLLM_ENABLE_LORA") == "true"
    assert codes(project) == []


@pytest.mark.parametrize(
    "said",
    [
        "engine: {lora: {enabled: false}}\n", "env: {VLLM_ENABLE_LORA: 'false'}\n", "env: {SM_VLLM_ENABLE_LORA: 'false'}\n",
        "env: {VLLM_NO_ENABLE_LORA: 'true'}\n", "engine: {extra_args: {enable-lora: false}}\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["", TWO])
def test_what_somebody_says_stays_and_is_a_finding(said, where):
    project = read(said + where + (ON_B if where else LEGAL))
    assert project.resolved.get(TOP) is False
    assert project.resolved.get(OF_B) is None
    assert codes(project) == ["MLCC137"]


def test_an_adapter_of_an_environment_does_not_beat_what_the_project_says():
    overlay = "environments: {prod: {" + LEGAL.strip().replace("adapters:", "adapters:") + "}}\n"
    project = read("engine: {lora: {enabled: false}}\n" + overlay, env="prod")
    assert project.resolved.get(TOP) is False
    assert codes(project) == ["MLCC137"]
    project = read(overlay, env="prod")
    assert (project.resolved.get(TOP), project.default.get(TOP)) == (True, None)


@pytest.mark.parametrize(
    "text",
    [
        "", LEGAL.replace("legal,", "legal, enabled: false,"), TWO + LEGAL, TWO + ON_B.replace("base: b", "base: z"),
    ],
)  # fmt: skip
def test_nothing_is_switched_on_without_an_adapter_that_is_served(text):
    resolved = read(text).resolved
    assert (resolved.get(TOP), resolved.get(OF_B)) == (None, None)


def test_an_engine_without_the_option_gets_none():
    assert read(LEGAL, "transformers-tensorrt-llm").resolved.get(TOP) is None


def test_a_target_that_serves_no_adapters_gets_none():
    text = HEAD.replace("CONFIG,", "transformers-vllm, target: async-inference,") + LEGAL
    build_tree(".", {"mlcc.yaml": text + "async: {s3_output_path: s3://bucket/out/}\n"})
    assert pipeline.read("mlcc.yaml").resolved.get(TOP) is None


def test_the_memory_of_adapters_is_counted():
    """Four of rank 512 take more of a device than a model of 4 billion parameters leaves."""
    small = HEAD.replace("CONFIG", "transformers-vllm").replace("ml.g6e.12xlarge", "ml.g5.xlarge")
    text = small.replace("0.6B", "4B") + "engine: {max_model_len: 16384, lora: {max_loras: 4, max_lora_rank: 512}}\n"
    build_tree(".", {"mlcc.yaml": text + LEGAL})
    found = [f for f in pipeline.read("mlcc.yaml").findings if f.code == "MLCC146"]
    assert "LoRA buffers" in found[0].hint


def test_explain_and_the_lock_say_where_it_comes_from(mlcc):
    build_tree(".", {"mlcc.yaml": HEAD.replace("CONFIG", "transformers-vllm") + LEGAL})
    (value,) = json.loads(mlcc("explain", TOP, "-o", "json", code=0).stdout)["values"]
    assert (value["value"], value["source"]) == (True, "default")
    mlcc("apply", "-q", code=0)
    assert "engine.lora.enabled: {value: true, source: default}" in Path("mlcc.lock").read_text()
    assert "nothing to do" in mlcc("plan", code=0).stdout
