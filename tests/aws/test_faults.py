"""Every fault of our SageMaker server: what it does to a deployment, and that it happens as often as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver import faults
from mlcc.servers.devserver.faults import Fault
from mlcc.servers.devserver.refusal import Refusal
from tests.aws.account import World, rendered
from tests.aws.caller import ROLE, VARIANT, Caller
from tests.aws.test_deploy import TWO

COMPONENT = {"InferenceComponentName": "c"}


@pytest.fixture
def aws() -> Caller:
    return Caller(World())


def fault(aws: Caller, at: str, kind: str, **more: Any) -> None:
    aws.world.account.faults.add(Fault(at, kind, **more))


def endpoint(aws: Caller) -> Mapping[str, Any]:
    return aws("DescribeEndpoint", EndpointName="e")


def component(aws: Caller, name: str = "c") -> Mapping[str, Any]:
    return aws("DescribeInferenceComponent", InferenceComponentName=name)


def test_no_capacity_fails_a_creation_and_undoes_an_update(aws: Caller) -> None:
    fault(aws, "CreateEndpoint", faults.CAPACITY)
    aws.endpoint()
    found = endpoint(aws)
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith("Unable to provision requested ML compute capacity due to Insufficient")
    aws("DeleteEndpoint", EndpointName="e")
    aws.world.sleep(600)
    aws("CreateEndpoint", EndpointName="e", EndpointConfigName="e-config")
    aws.world.sleep(600)
    other = {"EndpointConfigName": "other", "ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE}
    aws("CreateEndpointConfig", **other)
    fault(aws, "UpdateEndpoint", faults.CAPACITY)
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other")
    aws.world.sleep(250)
    assert endpoint(aws)["EndpointStatus"] == "RollingBack"
    aws.world.sleep(600)
    found = endpoint(aws)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "e-config")
    assert "InsufficientInstanceCapacity" in found["FailureReason"]
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other")
    aws.world.sleep(600)
    assert "FailureReason" not in endpoint(aws)


def test_a_failing_ping_leaves_the_old_specification(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    before = component(aws)["Specification"]
    fault(aws, "UpdateInferenceComponent", faults.PING)
    wanted = {**before, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 2048}}
    aws("UpdateInferenceComponent", **COMPONENT, Specification=wanted)
    assert component(aws)["InferenceComponentStatus"] == "Updating"
    aws.world.sleep(1200)
    found = component(aws)
    assert (found["InferenceComponentStatus"], found["Specification"]) == ("InService", before)
    assert "did not pass the ping health check" in found["FailureReason"]


def test_a_container_that_crashes_is_started_anew(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    fault(aws, "CreateInferenceComponent", faults.CRASH, seconds=900)
    aws.component()
    (first,) = aws.world.running
    aws.world.sleep(1200)
    assert first.stopped
    assert len(aws.world.running) == 1


def test_what_is_stuck_stays_as_it_is(aws: Caller) -> None:
    fault(aws, "CreateEndpoint", faults.STUCK)
    aws.endpoint()
    aws.world.sleep(100_000)
    assert endpoint(aws)["EndpointStatus"] == "Creating"
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        aws("DeleteEndpoint", EndpointName="e")


def test_an_adapter_that_is_not_loaded(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    fault(aws, "CreateInferenceComponent", faults.ADAPTER, match={"InferenceComponentName": "a"})
    aws.adapter()
    assert component(aws, "a")["InferenceComponentStatus"] == "Failed"
    assert "could not load the adapter from s3://bucket/a.tar.gz" in component(aws, "a")["FailureReason"]


def test_components_may_outlive_their_endpoint(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    fault(aws, "DeleteEndpoint", faults.ORPHANS)
    aws("DeleteEndpoint", EndpointName="e")
    aws.world.sleep(600)
    assert component(aws)["InferenceComponentStatus"] == "InService"
    with pytest.raises(AwsError, match="Could not find endpoint"):
        endpoint(aws)


def test_a_stale_read_shows_what_was_there_before(aws: Caller) -> None:
    aws.endpoint(settled=False)
    fault(aws, "DescribeEndpoint", faults.STALE, times=2)
    with pytest.raises(AwsError, match="Could not find"):
        endpoint(aws)
    fault(aws, "DescribeEndpoint", faults.STALE, times=0)
    aws.world.account.faults.waiting.clear()
    assert endpoint(aws)["EndpointStatus"] == "Creating"
    aws.world.sleep(600)
    fault(aws, "DescribeEndpoint", faults.STALE)
    assert [endpoint(aws)["EndpointStatus"] for _ in range(2)] == ["Creating", "InService"]


def test_a_fault_that_is_not_there_is_refused(aws: Caller) -> None:
    with pytest.raises(Refusal, match="no fault is called 'flood'"):
        fault(aws, "CreateModel", "flood")


def test_a_deployment_through_stale_reads_and_lost_replies_leaves_nothing() -> None:
    """After clean as much was deleted as was made, whatever was seen on the way."""
    world = World()
    for at, kind in (
        ("DescribeInferenceComponent", faults.STALE),
        ("CreateModel", faults.EXECUTED),
        ("CreateInferenceComponent", faults.EXECUTED),
    ):
        world.account.faults.add(Fault(at, kind))
    assert verbs.deploy(world.context(rendered(TWO))).document["status"] == "InService"
    verbs.clean(world.context(rendered(TWO)))
    assert world.left() == []
    made = [o.removeprefix("Create") for o in world.operations() if o.startswith("Create")]
    gone = [o.removeprefix("Delete") for o in world.operations() if o.startswith("Delete")]
    assert sorted(made) == sorted(name for name in gone if name in set(made))
