"""do/ steps against our SageMaker server over HTTP, with a clock that only the steps move."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import PreconditionError, UserError
from mlcc.io.aws.connection import AwsError, Connection
from mlcc.lifecycle.context import Context, Result, Silent
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.web import DevServer
from tests.aws.account import Bucket, World, loaded, rendered
from tests.aws.cloud import DIGEST
from tests.aws.model_server import ModelServer
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import HEAD, TWO
from tests.aws.test_model_sources import DATA, GROUP, JUMPSTART

# Over HTTP, with all of the SDK; test_model_sources.py, test_faults.py and test_batch.py do the same without.
pytestmark = pytest.mark.real
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/registered:7"
ARCHIVE = "s3://models/registered.tar.gz"


class Machine:
    """A server that stands still, and the steps that ask it."""

    def __init__(self, server: DevServer, world: World) -> None:
        self.server, self.world = server, world
        self.aws = Connection("us-east-1", stand_in=server.url)
        self.asleep: Callable[[], None] = lambda: None
        self.spoken: list[str] = []

    def local(self, what: str, **document: Any) -> Any:
        """`/_local/...`."""
        body = json.dumps(document).encode() if document else None
        with urllib.request.urlopen(f"{self.server.url}/_local/{what}", data=body) as answer:
            return json.load(answer)

    def sleep(self, seconds: float) -> None:
        self.asleep()
        self.local("advance", seconds=seconds)

    def do(self, verb: Callable[[Context], Result], text: str, **arguments: Any) -> Result:
        now = lambda: self.world.account.timeline.now  # noqa: E731
        progress = Silent()
        progress.say = self.spoken.append  # type: ignore[method-assign]
        project = loaded(rendered(text), None)
        return verb(Context(project, {}, progress, self.sleep, now, arguments, now, lambda region: self.aws))

    def sagemaker(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.aws.call("sagemaker", operation, parameters)

    def register(self, approval: str = "Approved", **more: Any) -> str:
        """The ARN of one more version of the group `chats`."""
        inside = {"Containers": [{"Image": IMAGE, "ModelDataUrl": ARCHIVE, **more}]}
        inside |= {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        asked = {"ModelPackageGroupName": "chats", "ModelApprovalStatus": approval, "InferenceSpecification": inside}
        return str(self.sagemaker("CreateModelPackage", **asked)["ModelPackageArn"])


@pytest.fixture
def machine(model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    world = World(model.url)
    world.account.images = lambda repository, tag: DIGEST
    world.account.objects, world.account.beside = Bucket({"s3://data/in/a.csv": b"1,2\n"}), None
    server = DevServer(world.dispatcher, lambda: 0.0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Machine(server, world)
    server.shutdown()
    thread.join()
    server.server_close()


# ---------------------------------------------------------------- where models come from
def test_a_group_s_newest_approved_version_is_deployed(machine: Machine) -> None:
    with pytest.raises(PreconditionError) as missing:
        machine.do(verbs.deploy, GROUP)
    assert missing.value.findings[0].code == "MLCC314"
    machine.sagemaker("CreateModelPackageGroup", ModelPackageGroupName="chats")
    machine.register()
    machine.register(ModelDataUrl="s3://models/second.tar.gz")
    machine.register("PendingManualApproval")
    assert machine.do(verbs.deploy, GROUP).document["status"] == "InService"
    (running,) = machine.world.running
    assert running.image.model_data == "s3://models/second.tar.gz"
    assert running.image.image != IMAGE, "the project's image serves it"
    assert machine.do(verbs.clean, GROUP).ok
    assert machine.world.left() == []


def test_a_version_that_is_not_there_or_not_approved_is_refused(machine: Machine) -> None:
    machine.sagemaker("CreateModelPackageGroup", ModelPackageGroupName="chats")
    machine.register("Rejected")
    for version, words in (("/1", "'chats/1' is Rejected"), ("/9", "'chats/9' is not there")):
        with pytest.raises(PreconditionError) as refused:
            machine.do(verbs.deploy, GROUP.replace("registry://chats", f"registry://chats{version}"))
        assert words in refused.value.findings[0].message


def test_a_model_of_the_hub_is_deployed_from_where_its_document_says(machine: Machine) -> None:
    with pytest.raises(PreconditionError) as missing:
        machine.do(verbs.deploy, JUMPSTART)
    assert "is not in SageMaker's public hub" in missing.value.findings[0].message
    put = machine.local("hub", HubContentName="meta-llama", HubContentDocument=DATA)
    assert put == machine.local("hub") == {"models": {"meta-llama": "1.0.0"}}
    assert machine.do(verbs.deploy, JUMPSTART).document["status"] == "InService"
    (running,) = machine.world.running
    assert running.image.model_data == DATA["HostingArtifactUri"]
    assert machine.do(verbs.clean, JUMPSTART).ok


def test_requests_go_through_the_service_s_model(machine: Machine) -> None:
    with pytest.raises(AwsError, match="at 'hubContentType' failed to satisfy constraint: Member must satisfy enum"):
        machine.sagemaker("DescribeHubContent", HubName="h", HubContentType="Other", HubContentName="n")
    with pytest.raises(AwsError, match="at 'modelApprovalStatus' failed to satisfy constraint"):
        machine.register("Maybe")
    for document in ({"HubContentName": "n"}, {"HubContentName": "n", "HubContentDocument": "{}", "Other": 1}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            machine.local("hub", **document)
        refused.value.close()
        assert refused.value.code == 400


# ---------------------------------------------------------------- maintenance, and an outage
def test_a_deployment_waits_maintenance_out(machine: Machine) -> None:
    machine.do(verbs.deploy, HEAD)
    machine.local("faults", at="DescribeEndpoint", kind="maintenance", seconds=900)
    assert machine.do(verbs.status, HEAD).document["status"] == "SystemUpdating"
    (arn,) = (thing.arn for thing in machine.world.account.endpoints.values())
    other = machine.world.account.endpoints["chat"].running["EndpointConfigName"]
    for operation, more in (("UpdateEndpoint", {"EndpointConfigName": other}), ("DeleteEndpoint", {})):
        with pytest.raises(AwsError) as refused:
            machine.sagemaker(operation, EndpointName="chat", **more)
        assert refused.value.message == f'Cannot update in-progress endpoint "{arn}".'
    before = machine.world.account.timeline.now
    assert machine.do(verbs.deploy, HEAD).document["status"] == "InService"
    assert machine.world.account.timeline.now >= before + 900
    assert "endpoint chat: SystemUpdating" in machine.spoken


def test_a_dead_endpoint_is_made_anew_and_cleaned(machine: Machine) -> None:
    machine.do(verbs.deploy, TWO)
    for verb in (verbs.deploy, verbs.clean):
        machine.local("faults", at="InvokeEndpoint", kind="out of service")
        with pytest.raises(AwsError, match="Endpoint chat of account 123456789012 not found"):
            machine.aws.call("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "chat", "Body": b"1"})
        assert machine.do(verbs.status, TWO).document["status"] == "OutOfService"
        machine.do(verb, TWO)
        left = machine.world.account.endpoints
        assert [thing.status for thing in left.values()] == (["InService"] if verb is verbs.deploy else [])
    assert machine.world.left() == []


# ---------------------------------------------------------------- a job that is being stopped
def test_a_second_clean_waits_for_a_job_that_the_first_one_has_stopped(machine: Machine) -> None:
    with pytest.raises(UserError):
        machine.do(verbs.deploy, BATCH, timeout=0.5)

    def interrupt() -> None:
        raise KeyboardInterrupt

    machine.asleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        machine.do(verbs.clean, BATCH)
    (job,) = machine.world.account.jobs.values()
    assert job.status == "Stopping"
    machine.asleep = lambda: None
    before = machine.world.account.timeline.now
    machine.spoken.clear()
    cleaned = machine.do(verbs.clean, BATCH)
    assert f"transform job {job.name}: Stopping" in machine.spoken
    assert machine.world.account.timeline.now > before
    assert (job.status, cleaned.ok) == ("Stopped", True)
    assert cleaned.document["proofs"]["nothing of it is left in SageMaker"] is True
    assert machine.world.left() == []
    asked = [entry["operation"] for entry in machine.local("journal")["journal"]]
    assert asked.count("StopTransformJob") == 1
