"""The memory sum against what was published: logs of engines, and the lengths of the tested models."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from mlcc.registries.loader import load
from mlcc.resolve.hardware import memory as fit
from mlcc.resolve.hardware.memory import Device, EngineSettings, Fit
from tests.helpers import ROOT

CASES: dict[str, dict[str, Any]] = YAML(typ="safe").load(ROOT / "tests/data/memory_cases.yaml")["cases"]
KNOWN = load()
# Devices that no SageMaker instance has, in GiB that programs may use: as the logs say, or as the vendor does.
OTHERS = {"A10": 22.1, "A100 40GB": 39.38, "RTX 3090": 23.58, "RTX 4090": 23.64, "RTX 5090": 31.37}
DEVICES = {i.accelerator_name: i for i in KNOWN.instances.values() if i.accelerator == "cuda"}
FACTS: dict[str, Any] = {
    "parameters": 8_030_261_248, "layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "attention_heads": 32,
    "kv_heads": 8, "head_dim": 128, "vocab_size": 128256, "max_position_embeddings": 131072, "dtype": "bfloat16",
}  # fmt: skip
A10G = Device("A10G", 22.0)
METHODS = KNOWN.entries("quantizations")


def memory(name: str) -> float | None:
    if name in OTHERS:
        return OTHERS[name]
    row = DEVICES.get(name.removesuffix(" 80GB"))
    if row is None:
        return None
    reported = row.reported_memory_mib / 1024 if row.reported_memory_mib else float(row.accelerator_memory_gib or 0)
    return reported * fit.USABLE


def solved(case: dict[str, Any]) -> Fit | None:
    row = KNOWN.models.get(case.get("shapes_of") or case["model"])
    room = memory(case.get("gpu", ""))
    if row is None or not fit.can_estimate(row.facts) or room is None or case["engine"] != "vllm":
        return None
    observed = case["observed"]
    wanted = EngineSettings(
        tensor_parallel=case.get("gpu_count", 1),
        utilization=case.get("gpu_memory_utilization", 0.9),
        length=observed.get("max_model_len"),
        sequences=case.get("max_num_seqs"),
        batched_tokens=case.get("max_num_batched_tokens"),
        dtype=case.get("dtype", ""),
        quantization=case.get("quantization", ""),
        cache_dtype=case.get("kv_cache_dtype", ""),
        loras=1 if case.get("lora") else 0,
        methods=METHODS,
    )
    return fit.estimate(row.facts, Device(case["gpu"], room, case["gpu"].startswith("A100")), wanted)


PAIRS = {name: found for name, case in CASES.items() if not case.get("disputed") and (found := solved(case))}


def test_there_are_enough_pairs():
    assert len(PAIRS) >= 20
    measured = [
        n for n in PAIRS if {"kv_cache_gib", "kv_cache_tokens", "model_loading_gib"} & set(CASES[n]["observed"])
    ]
    assert len(measured) >= 12


@pytest.mark.parametrize("name", PAIRS)
def test_within_15_percent_of_what_was_published(name: str):
    """Weights against `Model loading took`; all that is not cache against the budget less the published cache."""
    observed, found = CASES[name]["observed"], PAIRS[name]
    if "model_loading_gib" in observed:
        assert found.weights == pytest.approx(observed["model_loading_gib"], rel=0.15)
    cache = observed.get("kv_cache_gib") or observed.get("kv_cache_tokens", 0) * found.token_bytes / fit.GIB
    if cache:
        assert found.budget - found.cache == pytest.approx(found.budget - cache, rel=0.15)


@pytest.mark.parametrize("name", PAIRS)
def test_the_verdict_is_that_of_the_engine(name: str):
    observed = CASES[name]["observed"]
    if "fits" in observed:
        assert (PAIRS[name].verdict != fit.NO) == observed["fits"], PAIRS[name].lines()


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if c["observed"].get("fits") is False])
def test_what_is_known_to_fail_never_fits(name: str):
    """Disputed cases too: at most `tight`."""
    found = solved(CASES[name])
    assert found is None or found.verdict != fit.FITS, found.lines()


# ---------------------------------------------------------------- the arithmetic
def test_the_longest_sequence_just_fits():
    found = fit.estimate(FACTS, A10G, EngineSettings())
    assert 0 < found.longest < FACTS["max_position_embeddings"]
    assert fit.estimate(FACTS, A10G, EngineSettings(length=found.longest)).verdict == fit.TIGHT
    assert fit.estimate(FACTS, A10G, EngineSettings(length=found.longest + 32)).verdict == fit.NO


def test_room_for_more_sequences_is_a_fit():
    assert fit.estimate(FACTS, A10G, EngineSettings(length=1024)).verdict == fit.FITS


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"tensor_parallel": 2}, True),
        ({"pipeline_parallel": 2}, True),
        ({"utilization": 0.95}, True),
        ({"cache_dtype": "fp8_e5m2"}, True),
        ({"quantization": "awq"}, True),
        ({"batched_tokens": 512}, True),
        ({"sequences": 16}, True),
        ({"batched_tokens": 16384}, False),
        ({"loras": 4, "lora_rank": 64}, False),
        ({"utilization": 0.8}, False),
        ({"dtype": "float32"}, False),
    ],
)
def test_what_makes_room_and_what_takes_it(change: dict[str, Any], more: bool):
    usual, changed = (fit.estimate(FACTS, A10G, EngineSettings(methods=METHODS)._replace(**c)) for c in ({}, change))
    assert (changed.tokens > usual.tokens) == more


@pytest.mark.parametrize(
    ("model", "method", "gigabytes"),
    [
        # https://n-shot.com/?p=6178; https://mikamirai.com/blog/nvidia_awq_vs_fp8_accuracy/ (Llama 3 has 3.1's shapes)
        ("meta-llama/Llama-3.1-8B-Instruct", "awq", 5.7),
        ("meta-llama/Llama-3.1-70B-Instruct", "awq", 38),
        ("meta-llama/Llama-3.1-70B-Instruct", "fp8", 70),
    ],
)
def test_the_weights_of_a_quantised_model(model: str, method: str, gigabytes: float):
    found = fit.weight_gib(KNOWN.models[model].facts, EngineSettings(quantization=method, methods=METHODS))
    assert found * fit.GIB / 1e9 == pytest.approx(gigabytes, rel=0.08)


def test_a_checkpoint_of_32_bits_is_loaded_as_one_of_16():
    wide = {**FACTS, "dtype": "float32"}
    assert fit.weight_gib(wide, EngineSettings()) == fit.weight_gib(FACTS, EngineSettings())
    assert fit.weight_gib(wide, EngineSettings(dtype="float32")) == 2 * fit.weight_gib(FACTS, EngineSettings())


def test_a_model_without_known_positions_is_not_estimated():
    assert not fit.can_estimate({k: v for k, v in FACTS.items() if k != "max_position_embeddings"})


def test_an_unknown_method_is_as_large_as_the_model():
    assert fit.weight_gib(FACTS, EngineSettings(quantization="new", methods=METHODS)) == fit.weight_gib(
        FACTS, EngineSettings()
    )


def test_one_token_of_cache():
    """2 (keys and values) x layers x heads x head size x 2 bytes."""
    assert fit.estimate(FACTS, A10G, EngineSettings()).token_bytes == 2 * 32 * 8 * 128 * 2
    assert fit.estimate(FACTS, A10G, EngineSettings(tensor_parallel=8)).token_bytes == 2 * 32 * 1 * 128 * 2
    assert fit.estimate(FACTS, A10G, EngineSettings(tensor_parallel=16)).token_bytes == 2 * 32 * 1 * 128 * 2, (
        "copied, not split"
    )


def test_layers_with_a_window_take_a_fixed_part():
    window = {**FACTS, "sliding_window": {"layers": 16, "window": 128}}
    found = fit.estimate(window, A10G, EngineSettings())
    assert found.token_bytes == 2 * 16 * 8 * 128 * 2
    assert found.fixed_bytes == 2 * 16 * 8 * 128 * 2 * (128 - 1 + 2048), "and the batch that is being read"
    short = fit.estimate(window, A10G, EngineSettings(length=1000, batched_tokens=4096))
    assert short.fixed_bytes == 2 * 16 * 8 * 128 * 2 * 1000


def test_layers_without_attention_take_none():
    assert (
        fit.estimate({**FACTS, "full_attention_layers": 8}, A10G, EngineSettings()).token_bytes == 2 * 8 * 8 * 128 * 2
    )


def test_a_latent_cache_is_one_vector_a_layer():
    latent = {**FACTS, "mla": {"kv_lora_rank": 512, "rope_head_dim": 64}}
    assert fit.estimate(latent, A10G, EngineSettings(tensor_parallel=4)).token_bytes == (512 + 64) * 2 * 32


def test_a_checkpoint_s_own_size_counts():
    assert fit.weight_gib({**FACTS, "weight_gib": 5.0}, EngineSettings()) == 5.0
    assert (
        fit.weight_gib({**FACTS, "weight_gib": 5.0, "quantization": "mxfp4"}, EngineSettings(methods=METHODS))
        == 5.0 * 1.085
    )
    assert fit.weight_gib({**FACTS, "weight_gib": 5.0}, EngineSettings(quantization="fp8", methods=METHODS)) > 5.0


def test_larger_devices_profile_a_larger_batch():
    large, old = (fit.estimate(FACTS, Device("X", 79.0, small), EngineSettings()) for small in (False, True))
    assert large.activation > old.activation


def test_weights_alone_may_be_too_much():
    found = fit.estimate({**FACTS, "parameters": 70e9}, A10G, EngineSettings())
    assert (found.tokens, found.longest, found.verdict) == (0, 0, fit.NO)
    assert found.sequences(1) == 0


def test_the_lines_add_up():
    lines = fit.estimate(FACTS, A10G, EngineSettings(tensor_parallel=2, loras=1)).lines()
    terms = [float(line.split()[0]) for line in lines if "GiB  " in line]
    assert sum(terms[:-1]) == pytest.approx(terms[-1], abs=0.03)
    assert "2 devices" in lines[1]
    assert any("NCCL" in line for line in lines)


@pytest.mark.parametrize("missing", ["layers", "kv_heads", "head_dim", "hidden_size", "parameters"])
def test_without_the_facts_there_is_no_sum(missing: str):
    assert fit.can_estimate(FACTS)
    assert not fit.can_estimate({k: v for k, v in FACTS.items() if k != missing})
