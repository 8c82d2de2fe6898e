"""Every fault of our SageMaker server: what it does to a deployment, and that it happens as often as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.shapes import service_model
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver import faults, upkeep
from mlcc.servers.devserver.faults import Fault
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.rules import Durations
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


def test_a_failing_ping_lasts_as_long_on_a_fast_clock_as_on_a_slow_one(aws: Caller) -> None:
    """Seconds of the server's clock: at 600 times the speed ten minutes are one real second, and not ten minutes."""
    aws.model()
    aws.endpoint()
    aws.component()
    before = component(aws)["Specification"]
    aws.world.account.durations = Durations(pace=600.0)
    fault(aws, "UpdateInferenceComponent", faults.PING)
    wanted = {**before, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 2048}}
    aws("UpdateInferenceComponent", **COMPONENT, Specification=wanted)
    with pytest.raises(AwsError, match="while it is in state UPDATE_RC_IN_PROGRESS"):
        aws("DeleteInferenceComponent", **COMPONENT)
    aws.world.sleep(3000)
    found = component(aws)
    assert (found["InferenceComponentStatus"], found["Specification"]) == ("InService", before)
    assert "did not pass the ping health check" in found["FailureReason"]
    aws("DeleteInferenceComponent", **COMPONENT)


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


def test_every_state_of_an_endpoint_occurs(aws: Caller) -> None:
    """Those that botocore's service model lists, each once, without a hand in the account's tables."""
    seen: list[str] = []

    def look(seconds: float = 0.0) -> None:
        aws.world.sleep(seconds)
        seen.append(endpoint(aws)["EndpointStatus"])

    fault(aws, "CreateEndpoint", faults.CAPACITY)
    aws.endpoint(settled=False)
    look()
    look(600)
    aws("DeleteEndpoint", EndpointName="e")
    look()
    aws.world.sleep(600)
    aws("CreateEndpoint", EndpointName="e", EndpointConfigName="e-config")
    look(600)
    other = aws.other_config()
    for kind in (faults.CAPACITY, faults.NO_RETURN):
        fault(aws, "UpdateEndpoint", kind)
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=other)
    look()
    look(250)
    look(600)
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=other)
    aws.world.sleep(600)
    fault(aws, "DescribeEndpoint", faults.MAINTENANCE)
    look()
    aws.world.sleep(600)
    fault(aws, "DescribeEndpoint", faults.OUTAGE)
    look()
    assert sorted(seen) == sorted(service_model("sagemaker").shape_for("EndpointStatus").enum)


UPDATE = {"EndpointName": "e", "EndpointConfigName": "e-config"}
SCALE = {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 1.0}]}


def test_maintenance_refuses_changes_and_ends(aws: Caller) -> None:
    aws.endpoint()
    fault(aws, "DescribeEndpoint", faults.MAINTENANCE, seconds=900)
    assert endpoint(aws)["EndpointStatus"] == "SystemUpdating"
    changes = {
        "UpdateEndpoint": UPDATE,
        "UpdateEndpointWeightsAndCapacities": SCALE,
        "DeleteEndpoint": {"EndpointName": "e"},
    }
    for operation, parameters in changes.items():
        with pytest.raises(AwsError, match='Cannot update in-progress endpoint "arn:'):
            aws(operation, **parameters)
    assert [one["EndpointName"] for one in aws("ListEndpoints", StatusEquals="SystemUpdating")["Endpoints"]] == ["e"]
    aws.world.sleep(899)
    assert endpoint(aws)["EndpointStatus"] == "SystemUpdating"
    aws.world.sleep(1)
    assert endpoint(aws)["EndpointStatus"] == "InService"


def test_maintenance_may_come_with_the_very_update(aws: Caller) -> None:
    aws.endpoint()
    other = aws.other_config()
    fault(aws, "UpdateEndpoint", faults.MAINTENANCE)
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=other)
    aws.world.sleep(600)
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=other)


@pytest.mark.parametrize("change", ["UpdateEndpoint", "DeleteEndpoint"])
def test_an_outage_ends_with_an_update_or_a_deletion(aws: Caller, change: str) -> None:
    aws.model()
    aws.serving()
    fault(aws, faults.ANY, faults.OUTAGE, match={"EndpointName": "e"})
    for rule in (True, False):
        aws.world.account.rules = aws.world.account.rules._replace(creating_is_not_found=rule)
        with pytest.raises(AwsError, match="not found" if rule else "has no capacity"):
            aws.world.call("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "e", "Body": b"1"})
    aws.world.sleep(100_000)
    assert endpoint(aws)["EndpointStatus"] == "OutOfService"
    if change == "DeleteEndpoint":
        aws("DeleteEndpoint", EndpointName="e")
        aws.world.sleep(600)
        assert aws.world.account.endpoints == {}
        return
    variants = [{**VARIANT, "ModelName": "m"}]
    aws("CreateEndpointConfig", EndpointConfigName="other", ProductionVariants=variants)
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other")
    aws.world.sleep(600)
    assert endpoint(aws)["EndpointStatus"] == "InService"
    assert len(aws.world.running) == 1


def test_only_what_is_in_service_meets_maintenance(aws: Caller) -> None:
    """The fault waits for a call that finds the endpoint in service."""
    aws.endpoint(settled=False)
    fault(aws, "DescribeEndpoint", faults.MAINTENANCE)
    assert endpoint(aws)["EndpointStatus"] == "Creating"
    aws.world.sleep(600)
    assert endpoint(aws)["EndpointStatus"] == "SystemUpdating"


@pytest.mark.parametrize("at", ["CreateEndpoint", "ListEndpoints", "PutMetricAlarm", "DescribeModel"])
def test_maintenance_at_a_call_that_names_no_endpoint_is_refused(at: str) -> None:
    with pytest.raises(Refusal, match="names no endpoint that is there, as 'maintenance' needs"):
        upkeep.check(Fault(at, faults.MAINTENANCE))
    upkeep.check(Fault("InvokeEndpoint", faults.OUTAGE))
    upkeep.check(Fault(at, faults.CAPACITY))


def test_a_deployment_waits_maintenance_out_and_status_names_it() -> None:
    world, project = World(), rendered(TWO)
    verbs.deploy(world.context(project))
    world.account.faults.add(Fault("DescribeEndpoint", faults.MAINTENANCE, seconds=900))
    assert verbs.status(world.context(project)).document["status"] == "SystemUpdating"
    before, began = len(world.operations()), world.account.timeline.now
    assert verbs.deploy(world.context(project)).document["status"] == "InService"
    assert began + 900 <= world.account.timeline.now < began + 1000
    assert set(world.operations()[before:]) <= {"AddTags"}
    world.account.faults.add(Fault("DeleteEndpoint", faults.MAINTENANCE, seconds=900))
    assert verbs.clean(world.context(project)).ok
    assert world.left() == []


def test_an_endpoint_out_of_service_is_made_anew_and_cleaned() -> None:
    world, project = World(), rendered(TWO)
    verbs.deploy(world.context(project))
    for verb, left in ((verbs.deploy, ["InService"]), (verbs.clean, [])):
        world.account.faults.add(Fault("DescribeEndpoint", faults.OUTAGE))
        assert verbs.status(world.context(project)).document["status"] == "OutOfService"
        planned = verbs.deploy(world.context(project, plan=True)).document
        shown = [(v["before"], v["after"]) for v in planned["values"] if v["path"] == "endpoint/chat/Status"]
        assert shown == [("OutOfService", "InService")]
        verb(world.context(project))
        assert [thing.status for thing in world.account.endpoints.values()] == left
    assert world.left() == []
    assert world.running == []


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
