"""A record against what runs: the same after a deployment, and each difference by its field afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError, UserError
from mlcc.lifecycle.deployments import live
from mlcc.lifecycle.deployments.store import Store
from mlcc.lifecycle.steps import register
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.registries.loader import load
from tests.aws.account import World, render
from tests.aws.cloud import DIGEST

TEXT = """version: 1
project: {name: chat}
deployment:
  {config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge, target: TARGET,
   role_arn: "arn:aws:iam::123456789012:role/r"}
model: {name: Qwen/Qwen3-0.6B}
env: {GREETING: hello}
async: {s3_output_path: s3://bucket/out/}
"""
COMPONENTS = """engine: {lora: {enabled: true}}
inference_components:
  - {name: a, gpu_count: 1, scaling: {max_count: 3}}
  - {name: b, gpu_count: 1, env: {GREETING: bye}}
adapters: [{name: legal, base: a, artifact_url: s3://bucket/legal.tar.gz}]
"""
REALTIME = TEXT.replace("TARGET", "realtime-inference") + COMPONENTS


def registered(world: World, project: Path, home: Path, **arguments: Any) -> dict[str, Any]:
    register.run(replace(world.context(project, live=True, **arguments), home=str(home)))
    return dict(next(Store(str(home), world.sleep).find({})).document)


def compared(world: World, record: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found = live.look(record, lambda region: world, load())["differences"]
    return {one["path"]: (one["before"], one["after"]) for one in found}


@pytest.mark.parametrize("text", [REALTIME, TEXT.replace("TARGET", "async-inference")], ids=["realtime", "async"])
def test_after_a_deployment_nothing_differs(text: str, tmp_path: Path) -> None:
    world = World()
    project = render(text, tmp_path / "p")
    verbs.deploy(world.context(project))
    record = registered(world, project, tmp_path / "home")
    assert record["endpointArn"].startswith("arn:aws:sagemaker:us-east-1:")
    assert (record["endpointStatus"], record["imageDigest"]) == ("InService", DIGEST)
    assert (record["accountId"], record["roleArn"]) == ("123456789012", "arn:aws:iam::123456789012:role/r")
    assert record["registeredByArn"].startswith("arn:aws:sts::")
    assert all(row["arn"] and row["status"] == "InService" for row in record["icList"])
    assert compared(world, record) == {}
    verbs.clean(world.context(project))
    assert compared(world, record) == {"endpointStatus": ("InService", "NotDeployed")}


def test_each_difference_has_its_field(tmp_path: Path) -> None:
    world = World()
    project = render(REALTIME, tmp_path / "p")
    verbs.deploy(world.context(project))
    record = registered(world, project, tmp_path / "home")
    changed = REALTIME.replace("GREETING: hello", "GREETING: hi").replace(
        "name: b, gpu_count: 1", "name: b, gpu_count: 2, copy_count: 0"
    )
    verbs.deploy(world.context(render(changed.replace("legal.tar.gz", "other.tar.gz"), tmp_path / "other")))
    found = compared(world, record)
    assert found.pop("icList[a].modelArn", None)
    assert found == {
        "icList[a].parameters.GREETING": ("hello", "hi"),
        "icList[b].gpuCount": (1, 2),
        "icList[b].copyCount": (1, 0),
        "icList[legal].artifactUrl": ("s3://bucket/legal.tar.gz", "s3://bucket/other.tar.gz"),
    }


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    world = World()
    with pytest.raises(PreconditionError, match="has no endpoint"):
        compared(world, {"deploymentTarget": "local"})
    with pytest.raises(UserError, match="of account 9"):
        compared(world, {"endpointName": "x", "accountId": "9"})
    assert compared(world, {"endpointName": "x"}) == {"endpointStatus": (None, "NotDeployed")}


def test_what_was_not_recorded_is_not_shown_as_recorded(tmp_path: Path) -> None:
    world, project = World(), render(REALTIME, tmp_path / "p")
    record = unasked(project, tmp_path / "home")
    verbs.deploy(world.context(project))
    assert compared(world, record) == {}, "it serves, as every record lets expect"
    world.account.components["chat-b"].status = "Failed"
    assert compared(world, record)["icList[b].status"] == (None, "Failed")
    verbs.clean(world.context(project))
    assert compared(world, record) == {"endpointStatus": (None, "NotDeployed")}
    record["endpointStatus"] = "InService"
    assert compared(world, record) == {"endpointStatus": ("InService", "NotDeployed")}


def test_a_record_from_elsewhere_may_hold_anything(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(REALTIME, tmp_path / "p")))
    for rows in (None, 5, "ab", [1, {"resourceName": "x"}], [{"name": 5, "resourceName": []}]):
        record = {"endpointName": "chat", "icList": rows, "parameters": [1], "variables": 7, "region": 3}
        assert {path.rpartition(".")[2] for path in compared(world, record)} <= {"status"}


def test_what_is_not_deployed_was_no_success(tmp_path: Path) -> None:
    world = World()
    project = render(REALTIME, tmp_path / "p")
    with pytest.raises(PreconditionError, match="nothing of the project is deployed"):
        registered(world, project, tmp_path / "home")
    assert registered(world, project, tmp_path / "home", status="failed")["endpointStatus"] == "NotDeployed"


# ---------------------------------------------------------------- what is known without a call
def unasked(project: Path, home: Path) -> dict[str, Any]:
    def nobody(region: str) -> Any:
        raise AssertionError("AWS is asked with --live only")

    world = World()
    register.run(replace(world.context(project), home=str(home), connect=nobody))
    return dict(next(Store(str(home), world.sleep).find({})).document)


@pytest.mark.parametrize("text", [REALTIME, TEXT.replace("TARGET", "async-inference")], ids=["realtime", "async"])
def test_arns_that_follow_from_names_are_those_of_aws(text: str, tmp_path: Path) -> None:
    world, project = World(), render(text, tmp_path / "p")
    verbs.deploy(world.context(project))
    proved, known = registered(world, project, tmp_path / "one"), unasked(project, tmp_path / "two")
    for field in ("accountId", "roleArn", "endpointArn"):
        assert known[field] == proved[field], field
    assert [row["arn"] for row in known["icList"]] == [row["arn"] for row in proved["icList"]]
    assert (known["arnsFrom"], proved["arnsFrom"]) == ("names", "account")
    assert "registeredByArn" not in known
    assert "endpointStatus" not in known


def test_what_is_not_known_is_not_recorded(tmp_path: Path) -> None:
    role = ',\n   role_arn: "arn:aws:iam::123456789012:role/r"'
    nowhere = TEXT.replace("TARGET", "async-inference").replace(role, "")
    assert "role_arn" not in nowhere
    found = unasked(render(nowhere, tmp_path / "a"), tmp_path / "one")
    assert not {"accountId", "roleArn", "endpointArn", "arnsFrom"} & found.keys()
    china = (
        TEXT.replace("TARGET", "async-inference").replace("us-east-1", "cn-north-1").replace("arn:aws:", "arn:aws-cn:")
    )
    assert unasked(render(china, tmp_path / "b"), tmp_path / "two")["endpointArn"] == (
        "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/chat"
    )
    capitals = TEXT.replace("TARGET", "async-inference") + "endpoint: {name: Chat}\n"
    found = unasked(render(capitals, tmp_path / "c"), tmp_path / "three")
    assert ("endpointArn" in found, found["accountId"]) == (False, "123456789012")
    local = TEXT.replace("TARGET", "local")
    assert "accountId" not in unasked(render(local, tmp_path / "d"), tmp_path / "four")


@pytest.mark.parametrize("first", ["", "env: {A: one}\n"])
def test_a_variable_that_was_added_is_a_difference(first: str, tmp_path: Path) -> None:
    text = 'version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}\n'
    world = World()
    project = render(text + first, tmp_path / "p")
    verbs.deploy(world.context(project))
    record = registered(world, project, tmp_path / "home")
    assert compared(world, record) == {}
    verbs.deploy(world.context(render(text + "env: {A: one, B: two}\n", tmp_path / "other")))
    found = {path: values for path, values in compared(world, record).items() if ".parameters." in path}
    added = {"B"} if first else {"A", "B"}
    assert {path.rpartition(".")[2]: values for path, values in found.items()} == {
        name: (None, {"A": "one", "B": "two"}[name]) for name in added
    }


def test_a_deployment_of_which_a_part_does_not_serve_is_no_success(tmp_path: Path) -> None:
    world = World()
    project = render(REALTIME, tmp_path / "p")
    verbs.deploy(world.context(project))
    world.account.components["chat-b"].status = "Failed"
    with pytest.raises(PreconditionError) as refused:
        registered(world, project, tmp_path / "home")
    (finding,) = refused.value.findings
    assert (finding.code, finding.message.partition(",")[0]) == ("MLCC309", "b is Failed")
    assert registered(world, project, tmp_path / "home", status="partial")["status"] == "partial"
