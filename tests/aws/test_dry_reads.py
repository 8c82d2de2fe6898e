"""The dry run of what only reads: its calls are those of a real run before the first deployment, and nobody is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcc.lifecycle.context import Context, Result
from mlcc.lifecycle.steps import register, reports
from mlcc.lifecycle.targets.sagemaker import verbs
from tests.aws import walker
from tests.aws.account import World, rendered
from tests.aws.test_adapters import WITH
from tests.aws.test_deploy import CLASSIC

BATCH = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: batch-transform, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
batch: {input_path: s3://bucket/in/, output_path: s3://bucket/out/}
"""
PROJECTS = {"components and an adapter": WITH, "a model of its own": CLASSIC, "a job": BATCH}


def dry(world: World, project: Path, verb: Callable[[Context], Result], **arguments: Any) -> dict[str, Any]:
    def nobody(region: str) -> Any:
        raise AssertionError("a dry run asks nobody")

    return dict(verb(replace(world.context(project, dry_run=True, **arguments), connect=nobody)).document)


@pytest.mark.parametrize("kind", PROJECTS)
@pytest.mark.parametrize("step", ["status", "assets"])
def test_the_calls_are_those_of_a_run_where_nothing_is(kind: str, step: str) -> None:
    world, project, verb = World(), rendered(PROJECTS[kind]), getattr(verbs, step)
    document = dry(world, project, verb)
    verb(world.context(project))
    assert [(c["service"], c["operation"]) for c in document["calls"]] == world.asked
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    assert document["assumed"].keys() - {"account_id"} == {"there"}


def test_the_step_manifest_shows_the_same_calls() -> None:
    world, project = World(), rendered(CLASSIC)
    shown = dry(world, project, reports.manifest, live=True)["calls"]
    assert shown == dry(world, project, verbs.assets)["calls"]
    assert {"DescribeEndpoint", "DescribeRepositories", "BatchGetProjects"} <= {c["operation"] for c in shown}


def test_a_record_shows_what_it_would_ask() -> None:
    world, project = World(), rendered(CLASSIC)
    shown = [c["operation"] for c in dry(world, project, register.run, live=True)["calls"]]
    assert shown == ["GetCallerIdentity", "DescribeEndpoint", "log"]
