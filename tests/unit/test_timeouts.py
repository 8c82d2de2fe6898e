"""How long a model may take to start, where the user does not say it."""

from __future__ import annotations

import pytest

from mlcc.core.paths import dotted_path
from mlcc.registries.loader import load
from tests.fakes import resolved

SMALL, LARGE, HUGE = "Qwen/Qwen3-0.6B", "meta-llama/Llama-3.3-70B-Instruct", "deepseek-ai/DeepSeek-V3"


def found(model: str, more: str = "", target: str = "realtime-inference") -> tuple[object, str]:
    head = f"version: 1\nproject: {{name: x}}\ndeployment: {{config: transformers-vllm, target: {target}}}\n"
    values = resolved(f"{head}model: {{name: {model}}}\n{more}", known=load()).values
    value = values[dotted_path("endpoint.startup_timeout_s")]
    return value.value, value.source.label


@pytest.mark.parametrize("target", ["realtime-inference", "async-inference"])
def test_large_weights_get_the_time_that_they_need(target: str) -> None:
    seconds, source = found(LARGE, target=target)
    # 131 GiB at 50 MiB/s, and ten minutes for the engine
    assert seconds == pytest.approx(600 + 131.4 * 1024 / 50, abs=3)
    assert source == "model"


def test_a_small_model_keeps_the_row_s_time() -> None:
    assert found(SMALL)[0] == 1800


def test_the_service_s_limit_is_the_most() -> None:
    assert found(HUGE)[0] == 3600


def test_weights_that_are_quantised_on_load_arrive_whole() -> None:
    assert found(LARGE, "engine: {quantization: fp8}\n") == found(LARGE)


def test_the_user_s_word_counts() -> None:
    assert found(LARGE, "endpoint: {startup_timeout_s: 900}\n")[0] == 900


def test_where_nobody_waits_there_is_nothing_to_compute() -> None:
    assert found(LARGE, target="local")[0] == 1800
