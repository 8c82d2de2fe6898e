"""Every row of every table of the documents that mlcc was asked to hold, typed a second time."""

from __future__ import annotations

import pytest

from mlcc.registries.loader import load

KNOWN = load()
# Tested models: id on the Hub, tier, instance type, longest sequence where one is given.
CI = [
    ("Qwen/Qwen3-0.6B", "ml.g5.xlarge", None),
    ("Qwen/Qwen3-1.7B", "ml.g5.xlarge", None),
    ("Qwen/Qwen3-4B", "ml.g5.xlarge", 4096),
    ("meta-llama/Llama-3.2-1B-Instruct", "ml.g5.xlarge", None),
    ("meta-llama/Llama-3.2-3B-Instruct", "ml.g5.xlarge", None),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", "ml.g5.xlarge", None),
]
NIGHTLY = [
    ("Qwen/Qwen2.5-7B-Instruct", "ml.g5.12xlarge"),
    ("Qwen/Qwen3-8B", "ml.g5.12xlarge"),
    ("meta-llama/Llama-3.1-8B-Instruct", "ml.g5.12xlarge"),
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "ml.g5.12xlarge"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "ml.g5.12xlarge"),
    ("Qwen/Qwen3-14B", "ml.g5.12xlarge"),
    ("Qwen/Qwen2.5-14B-Instruct", "ml.g5.12xlarge"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", "ml.g5.12xlarge"),
    ("openai/gpt-oss-20b", "ml.g5.12xlarge"),
    ("Qwen/Qwen3-32B", "ml.g5.12xlarge"),
    ("Qwen/Qwen2.5-32B-Instruct", "ml.g5.12xlarge"),
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "ml.g5.12xlarge"),
    ("Qwen/Qwen3.5-4B", "ml.g5.xlarge"),
    ("Qwen/Qwen3.5-9B", "ml.g5.2xlarge"),
    ("Qwen/Qwen3.5-27B", "ml.g5.12xlarge"),
    ("Qwen/Qwen3.6-27B", "ml.g5.12xlarge"),
    ("nvidia/Nemotron-3-Nano-A3B-BF16-30B", "ml.g5.12xlarge"),
]
WEEKLY = [
    ("Qwen/Qwen2.5-72B-Instruct", "ml.g5.48xlarge"),
    ("meta-llama/Llama-3.3-70B-Instruct", "ml.g5.48xlarge"),
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "ml.g5.48xlarge"),
    ("openai/gpt-oss-120b", "ml.g5.48xlarge"),
    ("nvidia/Nemotron-3-Nano-A3B-BF16-30B", "ml.g5.48xlarge"),
]
TESTED = sorted(
    [(m, "ci", i, n or 0) for m, i, n in CI]
    + [(m, "nightly", i, 0) for m, i in NIGHTLY]
    + [(m, "weekly", i, 0) for m, i in WEEKLY]
)
EAGLE = {
    "LlamaForCausalLM": 3, "Qwen3ForCausalLM": 3, "Qwen3MoeForCausalLM": 3, "Qwen2ForCausalLM": 3,
    "GptOssForCausalLM": 3, "Qwen3NextForCausalLM": 2,
}  # fmt: skip
TENSOR_PARALLEL_2 = {"Qwen/Qwen3-14B", "Qwen/Qwen2.5-14B-Instruct", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B"}
LIFECYCLE = ["build", "push", "deploy", "test", "tune-sft", "adapter-add", "test-adapter", "clean"]


def test_the_twenty_eight_tested_models():
    rows = KNOWN.entries("e2e").values()
    found = [
        (r.facts["model"], r.facts["tier"], r.facts["instance_type"], r.facts.get("max_model_len", 0)) for r in rows
    ]
    assert len(found) == 28
    assert sorted(found) == TESTED


def test_two_devices_where_the_table_says_so():
    rows = KNOWN.entries("e2e").values()
    assert {r.facts["model"] for r in rows if r.facts.get("tensor_parallel_size") == 2} == TENSOR_PARALLEL_2
    (four,) = [r for r in rows if r.facts.get("tensor_parallel_size") == 4]
    assert (four.facts["model"], four.facts["tier"]) == ("nvidia/Nemotron-3-Nano-A3B-BF16-30B", "weekly")


@pytest.mark.parametrize("model", sorted({m for m, *_ in TESTED}))
def test_each_of_them_has_a_row_of_its_own(model: str):
    assert model in KNOWN.models, "a pattern is not enough"
    assert KNOWN.models[model].architecture or "Nemotron" in model


def test_architecture_classes_and_their_speculation():
    rows = KNOWN.entries("model_architectures")
    assert {name: row.facts["eagle"] for name, row in rows.items() if "eagle" in row.facts} == EAGLE


@pytest.mark.parametrize("name", ["sample", "multi_turn_chat", "rag_document_qa", "agent_tool_calling",
                                  "long_context_scaling", "production_traffic_mix", "shared_system_prompt"])  # fmt: skip
def test_workloads(name: str):
    assert KNOWN.entries("workloads")[name].facts["concurrency"]


def test_the_example_of_a_framework():
    row = KNOWN.framework("vllm").versions["0.4.0"]
    assert row.defaults.get("framework", "base_image").value == "vllm/vllm-openai:v0.4.0"
    assert (row.accelerator["type"], row.accelerator["version"]) == ("cuda", "12.1")
    assert (row.accelerator["min"], row.accelerator["max"]) == ("12.0", "12.3")
    engine = {k: v.value for k, v in row.defaults.get("engine").value.items()}
    assert engine == {"tensor_parallel_size": 1, "gpu_memory_utilization": 0.9, "max_num_seqs": 256}
    assert row.instances[:2] == ("ml.g5.xlarge", "ml.g5.2xlarge")


def test_the_examples_of_models():
    row = KNOWN.models["meta-llama/Llama-2-7b-chat-hf"]
    assert (row.family, row.requires_template, row.chat_template) == ("llama-2", True, "llama-2")
    assert row.compatibility == {"vllm": ">=0.3.0", "tensorrt-llm": ">=0.8.0"}
    profile = row.profiles["7b"].defaults
    assert profile.get("engine", "max_model_len").value == 4096
    assert profile.get("engine", "gpu_memory_utilization").value == 0.9
    assert KNOWN.model("mistralai/Mistral-7B-Instruct-v9").family.startswith("mistral")


def test_the_example_of_an_instance():
    row = KNOWN.instance("ml.g5.xlarge")
    assert (row.accelerator, row.compute_capability, row.accelerator_memory_gib) == ("cuda", "8.6", 24)
    assert (row.accelerator_count, row.vcpu, row.memory_gib) == (1, 4, 16)


def test_shipped_chat_templates():
    assert set(KNOWN.entries("chat_templates")) == {"chatml", "llama-2", "mistral-instruct", "vicuna"}
