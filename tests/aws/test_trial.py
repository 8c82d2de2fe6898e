"""What a first user met: each was another answer before."""

from __future__ import annotations

import io
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError, UserError
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.lifecycle.steps import reports
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.faults import CAPACITY, ERROR, STUCK, Fault
from tests.aws.account import World, rendered
from tests.aws.test_deploy import CLASSIC, TWO

BARE = CLASSIC.partition("async:")[0]
BATCH = BARE.replace("async-inference", "batch-transform")


@pytest.fixture
def world() -> World:
    return World()


def closed(world: World, *operations: str) -> None:
    """Services that are not there, or that this caller may not ask."""
    for operation in operations:
        world.account.faults.add(Fault(operation, ERROR, "NotImplemented", "this server has no such service", 501, 9))


@pytest.mark.parametrize(("text", "key"), [(BARE, "async.s3_output_path"), (BATCH, "batch.input_path")])
@pytest.mark.parametrize("dry", [True, False])
def test_what_a_target_needs_is_asked_for(world: World, text: str, key: str, dry: bool) -> None:
    with pytest.raises(PreconditionError, match=key.replace(".", "[.]")):
        verbs.deploy(world.context(rendered(text), dry_run=dry))
    assert world.asked == []


def test_clean_proves_what_it_can_where_a_service_is_not_there(world: World) -> None:
    verbs.deploy(world.context(rendered(TWO)))
    closed(world, "BatchGetProjects", "DescribeRepositories")
    found = verbs.clean(world.context(rendered(TWO)))
    assert found.ok
    assert found.document["proofs"] == {"nothing of it is left in SageMaker": True}
    with pytest.raises(UserError):
        verbs.clean(world.context(rendered(TWO), what="codebuild"))


def test_a_refusal_is_no_proof_where_something_was_built_there(world: World) -> None:
    world.account.faults.add(Fault("BatchGetProjects", ERROR, "AccessDeniedException", "no", 403, 9))
    assert verbs.clean(world.context(rendered(TWO))).ok
    with pytest.raises(UserError):
        verbs.clean(world.context(rendered(TWO + "build: {strategy: codebuild-submit}\n")))


def test_it_serves_when_each_part_does(world: World) -> None:
    project = rendered(TWO)
    world.account.faults.add(Fault("CreateInferenceComponent", STUCK))
    with pytest.raises(UserError):
        verbs.deploy(world.context(project, timeout=900))
    assert verbs.status(world.context(project)).document["status"] == "Creating"
    other = World()
    verbs.deploy(other.context(project))
    verbs.clean(other.context(project, what="components"))
    assert verbs.status(other.context(project)).document["status"] == "NotDeployed"


def test_a_reason_is_shown_without_its_log(world: World) -> None:
    project = rendered(CLASSIC)
    world.account.faults.add(Fault("CreateEndpoint", CAPACITY))
    with pytest.raises(UserError):
        verbs.deploy(world.context(project))
    closed(world, "FilterLogEvents")
    found = verbs.status(world.context(project, why=True))
    assert any("capacity" in line for line in found.lines)
    assert any("cannot be read" in line for line in found.lines)


def test_the_assets_are_listed_without_what_cannot_be_asked(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    closed(world, "BatchGetProjects", "DescribeRepositories")
    assets = reports.manifest(world.context(rendered(CLASSIC), live=True)).document["assets"]
    assert {"endpoint", "model"} <= {a["asset"] for a in assets}


def test_the_missing_image_names_the_step_that_makes_it(world: World) -> None:
    world.cloud.pushed = False
    for text, step in ((TWO, "do/build and do/push"), (TWO + "build: {strategy: codebuild-submit}\n", "do/submit")):
        with pytest.raises(PreconditionError) as missing:
            verbs.deploy(world.context(rendered(text)))
        assert missing.value.findings[0].hint == step


@pytest.mark.parametrize("body", [b"\x89PNG\x00\xff", b"esc \x1b[1m"])
def test_a_payload_that_is_no_text_stands_in_a_file(world: World, body: bytes) -> None:
    clients: Any = verbs.invoke(world.context(rendered(TWO), clients=True, payload=io.BytesIO(body))).document[
        "clients"
    ]
    assert "--data-binary @payload" in clients["curl"]
    assert 'Body=open("payload", "rb").read(),' in clients["boto3"]


def test_an_address_that_is_none_is_an_error_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(AwsError) as refused:
        Connection("us-east-1").call("sts", "GetCallerIdentity", {})
    assert refused.value.code == "InvalidEndpoint"
