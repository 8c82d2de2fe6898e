"""Devices of components: what the engine is started with, what is asked of SageMaker and what is checked agree."""

from __future__ import annotations

import pytest

from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker.bodies.component import devices
from mlcc.resolve.hardware import shares
from tests.aws.account import rendered
from tests.unit.test_manifest_checks import read

HEAD = """version: 1
project: {name: chat}
deployment: {config: CONFIG, instance_type: ml.g5.12xlarge, region: us-east-1}
model: {name: Qwen/Qwen3-8B}
inference_components: [COMPONENTS]
"""
SIZE = {
    "transformers-vllm": "VLLM_TENSOR_PARALLEL_SIZE",
    "transformers-sglang": "SM_SGLANG_TENSOR_PARALLEL_SIZE",
    "transformers-lmi": "OPTION_TENSOR_PARALLEL_DEGREE",
}


@pytest.mark.parametrize(("have", "components", "each"), [(4, 1, 4), (4, 2, 2), (8, 3, 2), (1, 2, 1), (4, 0, 4)])
def test_a_share_is_equal_and_whole(have: int, components: int, each: int) -> None:
    assert shares.share(have, components) == each


@pytest.mark.parametrize("config", SIZE)
@pytest.mark.parametrize(
    ("components", "each"),
    [
        ("{name: one}", 4),
        ("{name: one}, {name: two}", 2),
        ("{name: one}, {name: two, enabled: false}", 4),
        ("{name: one, gpu_count: 2}, {name: two, gpu_count: 2}", 2),
    ],
)
def test_an_engine_is_split_over_the_devices_that_its_copy_gets(config: str, components: str, each: int) -> None:
    text = HEAD.replace("CONFIG", config).replace("COMPONENTS", components)
    project = load_project(str(rendered(text)))
    assert devices(project, "one") == each
    size = next((v for n, v in project.environment("one").items() if "TENSOR_PARALLEL" in n or "TP_SIZE" in n), "1")
    assert int(size) == each
    codes = {finding.code for finding in read(text).findings}
    assert not codes & {"MLCC138", "MLCC143"}


def test_all_devices_means_those_of_the_copy() -> None:
    components = "{name: one}, {name: two}"
    text = HEAD.replace("CONFIG", "transformers-vllm").replace("COMPONENTS", components)
    project = load_project(str(rendered(text + "engine: {tensor_parallel_size: max}\n")))
    assert project.environment("one")["VLLM_TENSOR_PARALLEL_SIZE"] == "2"


def test_components_without_a_number_are_found_where_they_have_too_few() -> None:
    text = HEAD.replace("CONFIG", "transformers-vllm").replace("COMPONENTS", "{name: one}, {name: two}")
    wanted = read(text + "engine: {tensor_parallel_size: 4}\n").findings
    assert "MLCC143" in {finding.code for finding in wanted}
