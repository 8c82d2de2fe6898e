"""Output of the steps on AWS that people act on: the order of logs, states, plans in which nothing is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.io.aws.logs import Group
from mlcc.lifecycle import served_code
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets import live_plan
from mlcc.lifecycle.targets.live_plan import Difference
from mlcc.lifecycle.targets.sagemaker import monitoring, verbs
from mlcc.load import document
from tests.aws.account import World, render, rendered
from tests.aws.test_deploy import TWO

IRIS = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
"""
JOB = IRIS.replace("http-fastapi,", "http-fastapi, target: batch-transform,") + (
    "batch: {input_path: s3://bucket/in/, output_path: s3://bucket/out/, content_type: text/csv}\n"
)
TRACEBACK = ["Traceback (most recent call last):", '  File "app.py"', "    load()", "RuntimeError: boom"]


class Printed:
    """CloudWatch Logs with the lines of two containers, all of one millisecond."""

    region = "us-east-1"

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        lines = [(stream, line) for line in TRACEBACK for stream in ("b", "a")]
        return {"events": [{"timestamp": 1_000, "logStreamName": s, "message": line} for s, line in lines]}


def test_lines_of_one_time_stay_in_the_order_of_their_container() -> None:
    context = World().context(rendered(IRIS))
    assert monitoring.printed(context, Printed(), [Group("g")], 100) == TRACEBACK * 2


def test_the_logs_of_a_job_are_those_of_the_last_one() -> None:
    world = World()
    world.cloud.buckets["bucket"] = {"in/a.csv": b"1,2\n"}
    project = rendered(JOB)
    with pytest.raises(UserError):  # nothing answers in its container here
        verbs.deploy(world.context(project))
    job = next(iter(world.account.jobs))
    asked = []

    def call(service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "FilterLogEvents":
            asked.append(parameters["logStreamNamePrefix"])
            return {"events": []}
        return type(world).call(world, service, operation, parameters)

    context = world.context(project)
    object.__setattr__(
        context, "connect", lambda region: type("Caller", (), {"region": "us-east-1", "call": staticmethod(call)})
    )
    verbs.logs(context)
    assert asked == [f"{job}/"]


def test_a_component_that_has_failed_is_no_empty_plan() -> None:
    world = World()
    verbs.deploy(world.context(rendered(TWO)))
    world.account.components["chat-b"].status = "Failed"
    found = verbs.deploy(world.context(rendered(TWO), plan=True)).document
    assert [(v["path"], v["before"], v["after"]) for v in found["values"]] == [
        ("component/chat-b/Status", "Failed", "InService")
    ]


def test_a_part_that_is_not_there_yet_makes_it_incomplete() -> None:
    world = World()
    verbs.deploy(world.context(rendered(TWO)))
    more = TWO.replace("gpu_count: 1}", "gpu_count: 1}\n  - {name: c, gpu_count: 1}", 1)
    found = verbs.status(world.context(rendered(more)))
    assert found.document["status"] == monitoring.INCOMPLETE
    assert [c["name"] for c in found.document["components"] if c["status"] == "NotDeployed"] == ["chat-c"]


def test_a_value_begins_no_line_of_the_plan() -> None:
    shown = live_plan.shown([Difference("component", "x", "Environment.B", None, "x\ndelete  endpoint/iris\n")])
    assert shown.lines == [
        "update  component/x",
        "  component/x/Environment.B: (absent) -> x\\ndelete  endpoint/iris\\n",
    ]


@pytest.mark.parametrize(("tag", "refused"), [("mlcc:project", True), ("aws:x", True), ("mlcc-team", False)])
def test_tags_of_mlcc_s_own_are_refused(tag: str, refused: bool) -> None:
    loaded = document.load_document((IRIS + f'tags: {{"{tag}": x}}\n').encode(), "mlcc.yaml")
    assert bool(loaded.findings) == refused


def test_an_edit_of_the_code_is_another_state_of_it(tmp_path: Path) -> None:
    project = load_project(str(render(IRIS, tmp_path / "iris")))
    before = served_code.digest(project)
    (tmp_path / "iris/code/__pycache__").mkdir()
    (tmp_path / "iris/code/__pycache__/app.pyc").write_bytes(b"x")
    assert served_code.digest(project) == before
    with (tmp_path / "iris/code/handler.py").open("a") as stream:
        stream.write("# edited\n")
    assert served_code.digest(project) != before
