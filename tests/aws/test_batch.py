"""Batch jobs from do/deploy to do/clean, on our server and with S3 as a table."""

from __future__ import annotations

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.faults import CAPACITY, EXECUTED, Fault
from tests.aws.account import AFTER, Killed, World, rendered
from tests.aws.model_server import ModelServer
from tests.aws.test_transform_jobs import frame

TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: batch-transform, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
batch: {input_path: s3://data/in/, output_path: s3://data/out/, content_type: text/csv, split_type: Line, assemble_with: Line}
"""


@pytest.fixture
def world(model: ModelServer) -> World:
    found = World(model.url)
    found.cloud.buckets["data"] = {"in/a.csv": b"1,2\n3,4\n", "in/b.csv": b"5,6\n"}
    return found


def test_a_job_runs_is_checked_and_leaves_no_model(world: World) -> None:
    project = rendered(TEXT)
    document = verbs.deploy(world.context(project)).document
    assert (document["status"], document["output"]) == ("Completed", "s3://data/out/")
    assert world.cloud.buckets["data"]["out/a.csv.out"] == b"2,1\n4,3\n"
    assert verbs.status(world.context(project)).document == {
        "target": "batch-transform", "status": "Completed", "job": document["job"]
    }  # fmt: skip
    checked = verbs.test(world.context(project))
    assert checked.ok
    assert [c["name"] for c in checked.document["checks"]] == ["job", "output"]
    world.cloud.buckets["data"]["out/a.csv.out"] = b""
    assert not verbs.test(world.context(project)).ok
    assert verbs.clean(world.context(project)).ok
    assert world.left() == ["data"]


def test_records_are_json_where_nothing_says_what_they_are(world: World, model: ModelServer) -> None:
    project, before = rendered(TEXT.replace("content_type: text/csv, ", "")), len(model.seen)
    assert verbs.deploy(world.context(project)).document["status"] == "Completed"
    assert {headers["content-type"] for _, headers, _ in model.seen[before:]} == {"application/json"}


def test_a_job_of_a_manifest_and_binary_records(world: World) -> None:
    project = rendered(
        TEXT.replace(
            "s3://data/in/,", "s3://data/list.json, s3_data_type: ManifestFile, strategy: SingleRecord,"
        ).replace("split_type: Line, assemble_with: Line", "split_type: RecordIO, assemble_with: Line")
    )
    world.cloud.buckets["data"] = {
        "list.json": b'[{"prefix": "s3://data/in/"}, "a"]', "in/a": frame(b"12") + frame(b"34"), "in/b": b"not named"
    }  # fmt: skip
    assert verbs.deploy(world.context(project)).document["status"] == "Completed"
    assert world.cloud.buckets["data"]["out/a.out"] == b"21\n43\n"
    assert "out/b.out" not in world.cloud.buckets["data"]
    assert verbs.test(world.context(project)).ok


def test_each_deployment_is_a_run_of_its_own(world: World) -> None:
    project = rendered(TEXT)
    first = verbs.deploy(world.context(project)).document["job"]
    world.sleep(5)
    second = verbs.deploy(world.context(project)).document["job"]
    assert first != second
    assert first.rpartition("-")[0] == second.rpartition("-")[0]


def test_the_live_plan_is_the_next_job_and_how_it_differs_from_the_last(world: World) -> None:
    def planned(text: str) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
        found = verbs.deploy(world.context(rendered(text), plan=True)).document
        kinds = {change["path"].partition("/")[0]: change["action"] for change in found["changes"]}
        return kinds, {v["path"].split("/", 2)[2]: (v["before"], v["after"]) for v in found["values"]}

    assert planned(TEXT) == ({"model": "create", "transform_job": "create"}, {}), "none has run yet"
    verbs.deploy(world.context(rendered(TEXT)))
    assert planned(TEXT) == ({"transform_job": "create"}, {})
    changed = TEXT.replace("text/csv", "text/plain") + "env: {NOTE: new}\n"
    fields = {
        "TransformInput.ContentType": ("text/csv", "text/plain"),
        "PrimaryContainer.Environment.NOTE": (None, "new"),
    }
    assert planned(changed) == ({"model": "create", "transform_job": "create"}, fields)
    with pytest.raises(UserError):
        verbs.deploy(world.context(rendered(changed), timeout=0.5))
    assert planned(changed) == ({}, {}), "that job runs by now"


def test_a_job_that_runs_is_gone_on_with(world: World) -> None:
    """Interrupted: the next deployment waits for the same job, and starts no second one."""
    project = rendered(TEXT)
    with pytest.raises(UserError) as late:
        verbs.deploy(world.context(project, timeout=0.5))
    assert late.value.findings[0].code == "MLCC322"
    assert verbs.deploy(world.context(project)).document["status"] == "Completed"
    assert world.operations().count("CreateTransformJob") == 1


def test_a_job_that_fails_is_no_success(world: World) -> None:
    project = rendered(TEXT)
    world.dispatcher.faults.add(Fault("CreateTransformJob", CAPACITY))
    with pytest.raises(UserError) as failed:
        verbs.deploy(world.context(project))
    assert failed.value.findings[0].code == "MLCC323"
    assert "capacity" in failed.value.findings[0].message
    found = verbs.status(world.context(project, why=True)).document
    assert found["status"] == "Failed"
    assert "capacity" in found["reason"]
    assert not verbs.test(world.context(project)).ok
    world.sleep(5)
    assert verbs.deploy(world.context(project)).document["status"] == "Completed"


def test_clean_stops_what_runs(world: World) -> None:
    project = rendered(TEXT)
    with pytest.raises(UserError):
        verbs.deploy(world.context(project, timeout=0.5))
    assert verbs.clean(world.context(project)).ok
    assert "StopTransformJob" in world.operations()
    assert world.left() == ["data"]


def test_a_second_clean_waits_for_a_job_that_is_being_stopped(world: World) -> None:
    """The first one was interrupted: until the job has ended nothing is proved, and its model stays."""
    project = rendered(TEXT)
    with pytest.raises(UserError):
        verbs.deploy(world.context(project, timeout=0.5))
    world.kill = ("StopTransformJob", AFTER)
    with pytest.raises(Killed):
        verbs.clean(world.context(project))
    world.revive()
    (job,) = world.account.jobs.values()
    assert job.status == "Stopping"
    with pytest.raises(UserError) as used:
        verbs.clean(world.context(project, what="model"))
    assert used.value.findings[0].code == "MLCC338"
    assert verbs.clean(world.context(project)).ok
    assert job.status == "Stopped"
    assert world.operations().count("StopTransformJob") == 1
    assert world.left() == ["data"]


@pytest.mark.parametrize("operation", ["CreateModel", "CreateTransformJob", "StopTransformJob", "DeleteModel"])
def test_a_lost_reply_starts_no_second_job(world: World, operation: str) -> None:
    project = rendered(TEXT)
    world.dispatcher.faults.add(Fault(operation, EXECUTED))
    if operation == "StopTransformJob":
        with pytest.raises(UserError):
            verbs.deploy(world.context(project, timeout=0.5))
    else:
        verbs.deploy(world.context(project))
    verbs.clean(world.context(project))
    assert world.operations().count("CreateTransformJob") == 1
    assert world.left() == ["data"]


def test_without_a_job(world: World) -> None:
    project = rendered(TEXT)
    assert verbs.status(world.context(project)).document["status"] == "NotDeployed"
    assert not verbs.test(world.context(project)).ok
    assert verbs.clean(world.context(project)).ok


def test_what_another_target_left_goes_too(world: World) -> None:
    """A project that was an endpoint before it became a job."""
    endpoint = rendered(TEXT.replace("target: batch-transform", "target: realtime-inference").partition("batch:")[0])
    verbs.deploy(world.context(endpoint))
    assert verbs.clean(world.context(rendered(TEXT))).ok
    assert world.left() == ["data"]
    assert world.running == []
