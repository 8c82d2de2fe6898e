"""Steps that a target cannot have, or that this version does not have: not rendered, and refused with what can."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc import lifecycle
from mlcc.core.errors import PreconditionError, UsageError
from mlcc.lifecycle.rendered_project import load_project
from mlcc.registries import load
from mlcc.render.layers import producible
from tests.aws.account import World, rendered
from tests.aws.test_deploy import HEAD

TARGETS = ["async-inference", "batch-transform", "hyperpod-eks", "local"]
LLM = HEAD.replace("engine: {lora: {enabled: true}}\n", "")


def text_of(target: str) -> str:
    more = {
        "async-inference": "async: {s3_output_path: s3://bucket/out/}\n",
        "batch-transform": "batch: {input_path: s3://bucket/in/, output_path: s3://bucket/out/, "
        "transform_ami_version: al2-ami-sagemaker-batch-gpu-535}\nframework: {version: 0.19.1}\n",
        "hyperpod-eks": "hyperpod: {cluster: c}\n",
    }
    text = LLM.replace("region: us-east-1,", f"region: us-east-1, target: {target},")
    return text + more.get(target, "")


@pytest.mark.parametrize("target", [*TARGETS[:3], "realtime-inference"])
def test_only_steps_that_work_are_rendered(target: str) -> None:
    steps = {path.name for path in (rendered(text_of(target)) / "do").iterdir()}
    assert ("adapter" in steps) == (target == "realtime-inference")
    assert "optimize" not in steps
    without = {name for name in steps & set(lifecycle.STEPS) if lifecycle.STEPS[name].run is None}
    assert without <= {"tune", "benchmark"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dry", [True, False])
def test_a_step_that_a_target_cannot_have_is_refused_with_the_one_that_can(target: str, dry: bool) -> None:
    context: Any = World().context(rendered(LLM), action="list", dry_run=dry)
    object.__setattr__(context, "project", load_project(context.project.directory, target=target))
    with pytest.raises(PreconditionError) as caught:
        lifecycle.run("adapter", lifecycle.STEPS["adapter"], context)
    (found,) = caught.value.findings
    assert (found.code, found.hint) == ("MLCC311", "do/adapter --target realtime-inference")
    assert target in found.message


@pytest.mark.parametrize("target", ["hyperpod-eks", "local"])
@pytest.mark.parametrize("dry", [True, False])
def test_a_template_is_refused_alike_with_a_dry_run(target: str, dry: bool) -> None:
    context: Any = World().context(rendered(LLM), cloudformation=True, dry_run=dry)
    object.__setattr__(context, "project", load_project(context.project.directory, target=target))
    with pytest.raises(UsageError) as caught:
        lifecycle.run("export", lifecycle.STEPS["export"], context)
    assert caught.value.findings[0].code == "MLCC311"


def test_targets_lack_steps_that_there_are() -> None:
    assert {step for row in load().targets.values() for step in row.lacks} <= set(lifecycle.STEPS)


def test_what_earlier_releases_rendered_can_be_taken_away() -> None:
    assert producible(load())("do/optimize")


def test_a_step_of_one_environment_is_rendered_for_all() -> None:
    text = text_of("hyperpod-eks") + "environments: {prod: {deployment: {target: realtime-inference}}}\n"
    assert "adapter" in {path.name for path in (rendered(text) / "do").iterdir()}
    steps = {path.name for path in (rendered(text_of("batch-transform")) / "do").iterdir()}
    assert "invoke" not in steps, "a job reads its requests from S3"
    steps = {path.name for path in (rendered(text_of("local")) / "do").iterdir()}
    assert not steps & {"push", "adapter"}
