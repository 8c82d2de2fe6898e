"""A change of the engine: each option by mlcc's name, with both spellings; what has no counterpart is named."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlcc import pipeline
from mlcc.registries.loader import load
from mlcc.resolve.engine import migration
from mlcc.resolve.engine.migration import Migration, Moved, Spelling
from mlcc.resolve.result import Resolved
from tests.helpers import build_tree

KNOWN = load()
HEAD = """version: 1
project: {name: chat}
deployment: {config: CONFIG, region: us-east-1, instance_type: ml.g6e.12xlarge}
model: {name: Qwen/Qwen3-0.6B}
"""


def resolved(config: str, more: str) -> Resolved:
    build_tree(".", {"mlcc.yaml": HEAD.replace("CONFIG", config) + more})
    return pipeline.read("mlcc.yaml").resolved


def moved(before: str, after: str, more: str = "", new: str | None = None) -> Migration | None:
    """From one deployment config to another, with the same rest of mlcc.yaml (or another one: new)."""
    values = {path: value.value for path, value in resolved(f"transformers-{before}", more).values.items()}
    return migration.of(values, resolved(f"transformers-{after}", more if new is None else new), KNOWN)


def options(before: str, after: str, more: str = "", new: str | None = None) -> Mapping[str, Moved]:
    found = moved(before, after, more, new)
    assert found is not None
    assert len({one.path for one in found.options}) == len(found.options)
    return {one.path: one for one in found.options}


KEYS = [
    ("engine: {max_model_len: 4096}\n", "engine.max_model_len", ("VLLM_MAX_MODEL_LEN", "4096"), ("SGLANG_CONTEXT_LENGTH", "4096")),
    ("env: {VLLM_MAX_MODEL_LEN: '4096'}\nengine: {max_model_len: 4096}\n", "engine.max_model_len", ("VLLM_MAX_MODEL_LEN", "4096"),
     ("SGLANG_CONTEXT_LENGTH", "4096")),
    ("engine: {enable_prefix_caching: false}\n", "engine.enable_prefix_caching", ("VLLM_ENABLE_PREFIX_CACHING", "false"),
     ("SGLANG_DISABLE_RADIX_CACHE", "true")),
    ("engine: {lora: {enabled: true, max_loras: 2}}\n", "engine.lora.max_loras", ("VLLM_MAX_LORAS", "2"), ("SGLANG_MAX_LORAS_PER_BATCH", "2")),
    ("engine: {speculative: {method: ngram, num_speculative_tokens: 3}}\n", "engine.speculative.method",
     ("VLLM_SPECULATIVE_CONFIG method", "ngram"), ("SGLANG_SPECULATIVE_ALGORITHM", "NGRAM")),
    ("engine: {speculative: {method: ngram, num_speculative_tokens: 3}}\n", "engine.speculative.num_speculative_tokens",
     ("VLLM_SPECULATIVE_CONFIG num_speculative_tokens", "3"), ("SGLANG_SPECULATIVE_NUM_DRAFT_TOKENS", "3")),
    ("", "model.name", ("VLLM_MODEL", "Qwen/Qwen3-0.6B"), ("SGLANG_MODEL_PATH", "Qwen/Qwen3-0.6B")),
    ("engine: {extra_args: {skip-tokenizer-init: true}}\n", "env.VLLM_SKIP_TOKENIZER_INIT", ("VLLM_SKIP_TOKENIZER_INIT", "true"),
     ("SGLANG_SKIP_TOKENIZER_INIT", "true")),
]  # fmt: skip


@pytest.mark.parametrize(("more", "path", "vllm", "sglang"), KEYS)
def test_an_option_has_both_spellings_in_both_directions(more, path, vllm, sglang):
    one, other = Spelling(*vllm), Spelling(*sglang)
    there = options("vllm", "sglang", more)[path]
    assert (there.before, there.after, there.counterpart) == (one, other, other.name)
    if not more.startswith("env") and "extra_args" not in more:
        back = options("sglang", "vllm", more)[path]
        assert (back.before, back.after, back.counterpart) == (other, one, one.name)


def test_what_only_one_engine_is_given_by_a_registry_is_not_set_in_the_other():
    found = options("vllm", "sglang")["engine.gpu_memory_utilization"]
    assert (found.after, found.counterpart) == (None, "SGLANG_MEM_FRACTION_STATIC")


@pytest.mark.parametrize(
    ("more", "path", "stays"),
    [
        ("engine: {extra_args: {max-log-len: 4}}\n", "env.VLLM_MAX_LOG_LEN", False),
        ("env: {VLLM_LOGGING_LEVEL: DEBUG}\n", "env.VLLM_LOGGING_LEVEL", True),
        ("env: {SM_VLLM_SEED: '7'}\n", "env.SM_VLLM_SEED", True),
    ],
)
def test_what_has_no_counterpart_is_named(more, path, stays):
    found = options("vllm", "sglang", more, new=more if stays else "")[path]
    assert (found.after, found.counterpart, found.stays) == (None, "", stays)


def test_a_key_that_the_new_engine_lacks_has_no_counterpart():
    found = options("vllm", "tensorrt-llm", "engine: {lora: {enabled: true, max_loras: 2}}\n")
    assert (found["engine.lora.enabled"].after, found["engine.lora.enabled"].counterpart) == (None, "")
    assert found["engine.lora.max_loras"].after == Spelling("TRTLLM_EXTRA_LLM_API_OPTIONS lora_config.max_loras", "2")


def test_every_changed_value_of_the_engine_is_said():
    more = "engine: {max_model_len: 4096, lora: {enabled: true}, speculative: {method: ngram, num_speculative_tokens: 3}}\n"
    before, after = resolved("transformers-vllm", more), resolved("transformers-sglang", more)
    found = migration.of({path: value.value for path, value in before.values.items()}, after, KNOWN)
    assert found is not None
    changed = {
        p for p in {*before.values, *after.values} if before.values.get(p) != after.values.get(p) and p[0] == "env"
    }
    assert {f"env.{path[1]}" for path in changed} <= found.covered
    assert "deployment.config" not in found.covered


def test_components_have_their_own():
    more = "inference_components: [{name: a, gpu_count: 1, engine: {max_model_len: 2048}}]\n"
    found = options("vllm", "sglang", more)["inference_components[a].engine.max_model_len"]
    assert (found.before, found.after) == (
        Spelling("VLLM_MAX_MODEL_LEN", "2048"),
        Spelling("SGLANG_CONTEXT_LENGTH", "2048"),
    )


def test_an_image_with_another_prefix_is_another_engine():
    found = options("vllm", "vllm", "", new="framework: {name: vllm-dlc}\n")["model.name"]
    assert (found.before, found.after) == (
        Spelling("VLLM_MODEL", "Qwen/Qwen3-0.6B"),
        Spelling("SM_VLLM_MODEL", "Qwen/Qwen3-0.6B"),
    )


def test_the_same_engine_is_no_migration():
    assert moved("vllm", "vllm", "engine: {max_model_len: 4096}\n", new="engine: {max_model_len: 2048}\n") is None
    assert migration.of({}, resolved("transformers-vllm", ""), KNOWN) is None


def test_the_engines_are_named_with_their_versions():
    found = moved("vllm", "sglang")
    assert found is not None
    assert found.before.startswith("vllm 0.")
    assert found.after.startswith("sglang 0.")
