"""Updates that are watched: alarms that undo them, how long they last, and what is seen meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.lifecycle.targets.sagemaker.bodies.endpoint import UPDATES
from mlcc.servers.devserver.faults import CAPACITY, NO_RETURN, PING, Fault
from mlcc.servers.devserver.guardrails import wait_s
from tests.aws.account import World, rendered
from tests.aws.caller import Caller

ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "quiet"}, {"AlarmName": "a{b}"}]}}
SHIFTS = {**UPDATES["canary"], **ALARMS}
PROJECT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: async-inference, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
async: {s3_output_path: s3://bucket/out/}
endpoint: {rollback_alarms: ["a{b}"], volume_size_gb: SIZE}
"""


@pytest.fixture
def aws() -> Caller:
    """An endpoint `e` that serves a model, another configuration for it, and two alarms."""
    made = Caller(World())
    made.model()
    made.serving()
    made.other_config(ModelName="m")
    made.alarm("quiet")
    made.alarm("a{b}")
    return made


def update(aws: Caller, **more: Any) -> None:
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other", **more)


def endpoint(aws: Caller) -> dict[str, Any]:
    return aws("DescribeEndpoint", EndpointName="e")


def statuses(aws: Caller, seconds: int) -> list[str]:
    """Those that are seen, one after the other."""
    seen: list[str] = []
    for _ in range(seconds // 10):
        status = endpoint(aws)["EndpointStatus"]
        seen += [status] if status not in seen[-1:] else []
        aws.world.sleep(10)
    return seen


@pytest.mark.parametrize("after", [0, 250, 310, 500])
def test_an_alarm_undoes_an_update_whenever_it_rings(aws: Caller, after: int) -> None:
    """Before the machines are there, before the containers are healthy, and while the new fleet is watched."""
    (old,) = aws.world.running
    update(aws, DeploymentConfig=SHIFTS)
    aws.world.sleep(after)
    aws.ring("a{b}")
    aws.world.sleep(30)
    aws.ring("a{b}", "OK")
    assert statuses(aws, 1200) == (
        ["RollingBack", "InService"] if after > 300 else ["Updating", "RollingBack", "InService"]
    )
    found = endpoint(aws)
    assert (found["EndpointConfigName"], aws.world.running) == ("e-config", [old])
    assert found["FailureReason"] == "The update was rolled back, for the alarm a{b} was in ALARM during it."
    update(aws, DeploymentConfig=SHIFTS)
    assert statuses(aws, 1200) == ["Updating", "InService"]
    found = endpoint(aws)
    assert (found["EndpointConfigName"], "FailureReason" in found) == ("other", False)
    assert old not in aws.world.running


def test_an_alarm_that_rings_afterwards_undoes_nothing(aws: Caller) -> None:
    update(aws, DeploymentConfig=SHIFTS)
    aws.world.sleep(1200)
    aws.ring("a{b}")
    aws.world.sleep(1200)
    assert (endpoint(aws)["EndpointStatus"], endpoint(aws)["EndpointConfigName"]) == ("InService", "other")


@pytest.mark.parametrize("kinds", [[], [CAPACITY]])
def test_an_update_that_is_over_is_not_watched_any_more(kinds: list[str]) -> None:
    aws = Caller(World())
    aws.endpoint()
    for kind in kinds:
        aws.world.account.faults.add(Fault("UpdateEndpoint", kind))
    config = aws.other_config()
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=config, DeploymentConfig=SHIFTS)
    assert aws.world.account.timeline.next_due is not None
    aws.world.sleep(1200)
    assert endpoint(aws)["EndpointConfigName"] == ("e-config" if kinds else "other")
    assert aws.world.account.timeline.next_due is None


@pytest.mark.parametrize(
    ("deployment", "capacity", "seconds"),
    [
        ({}, 1, 0),
        (UPDATES["all_at_once"], 4, 120),
        (UPDATES["canary"], 4, 240),
        (UPDATES["linear"], 4, 5 * 120 + 120),
        (UPDATES["rolling"], 4, 240),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2},
                    "WaitIntervalInSeconds": 60,
                }
            },
            5,
            180,
        ),
    ],
)
def test_how_long_an_update_is_watched(deployment: dict[str, Any], capacity: int, seconds: int) -> None:
    assert wait_s(deployment, capacity) == seconds


def test_what_is_seen_of_an_update(aws: Caller) -> None:
    update(aws, DeploymentConfig=SHIFTS)
    found = endpoint(aws)
    assert found["EndpointConfigName"] == "e-config"
    pending = found["PendingDeploymentSummary"]
    assert (pending["EndpointConfigName"], pending["ProductionVariants"]) == ("other", [{"VariantName": "v"}])
    aws.world.sleep(500)
    assert endpoint(aws)["EndpointStatus"] == "Updating", "the new fleet is watched"
    aws.world.sleep(600)
    found = endpoint(aws)
    assert ("PendingDeploymentSummary" in found, found["LastDeploymentConfig"]) == (False, SHIFTS)
    aws.ring("a{b}")
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="e-config", RetainDeploymentConfig=True)
    aws.world.sleep(1200)
    assert endpoint(aws)["EndpointConfigName"] == "other", "the alarms are those of the update before"
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="e-config")
    aws.world.sleep(1200)
    assert endpoint(aws)["EndpointConfigName"] == "e-config", "without alarms"


def test_an_update_that_cannot_be_undone(aws: Caller) -> None:
    for kind in (PING, NO_RETURN):
        aws.world.account.faults.add(Fault("UpdateEndpoint", kind))
    update(aws)
    aws.world.sleep(1200)
    assert endpoint(aws)["EndpointStatus"] == "UpdateRollbackFailed"
    aws("DeleteEndpoint", EndpointName="e")


def test_an_alarm_undoes_the_update_of_a_component() -> None:
    aws = Caller(World())
    aws.model()
    aws.endpoint()
    aws.component()
    aws.alarm("a{b}")
    show = lambda: aws("DescribeInferenceComponent", InferenceComponentName="c")  # noqa: E731
    before, running = show()["Specification"], aws.world.running
    wanted = {**before, "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 2048}}
    rolling = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 300}
    for state, specification in (("ALARM", before), ("OK", wanted)):
        aws.ring("a{b}", "OK")
        more = {"DeploymentConfig": {"RollingUpdatePolicy": rolling, **ALARMS}}
        aws("UpdateInferenceComponent", InferenceComponentName="c", Specification=wanted, **more)
        aws.world.sleep(200)
        assert show()["InferenceComponentStatus"] == "Updating"
        aws.ring("a{b}", state)
        aws.world.sleep(1200)
        found = show()
        assert (found["InferenceComponentStatus"], found["Specification"]) == ("InService", specification)
        assert (aws.world.running == running) == (state == "ALARM")
        assert "a{b} was in ALARM" in found["FailureReason"], "which stays after a success, as on the service"
    aws("DeleteInferenceComponent", InferenceComponentName="c")
    aws.world.sleep(600)
    assert aws.world.account.timeline.next_due is None, "nobody looks at the alarms any more"


def test_a_deployment_says_that_it_was_undone() -> None:
    world = World()
    verbs.deploy(world.context(rendered(PROJECT.replace("SIZE", "20"))))
    Caller(world).alarm("a{b}")
    Caller(world).ring("a{b}")
    with pytest.raises(UserError) as undone:
        verbs.deploy(world.context(rendered(PROJECT.replace("SIZE", "30"))))
    (finding,) = undone.value.findings
    assert (finding.code, "a{b} was in ALARM" in finding.message) == ("MLCC324", True)
    Caller(world).ring("a{b}", "OK")
    assert verbs.deploy(world.context(rendered(PROJECT.replace("SIZE", "30")))).document["status"] == "InService"
