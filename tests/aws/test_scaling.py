"""Scaling on our SageMaker server: instances of a variant come and go, and what stays serves on."""

from __future__ import annotations

from email.message import Message
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver import asynchronous, scaling
from mlcc.servers.devserver.asking import Invocation
from mlcc.servers.devserver.faults import CAPACITY, PING, STUCK, Fault
from tests.aws.account import Container, World, rendered
from tests.aws.caller import IMAGE, ROLE, VARIANT, Caller
from tests.aws.model_server import ModelServer
from tests.aws.scaling_rule_cases import VARIANT_TARGET
from tests.aws.test_deploy import CLASSIC

WEIGHTS = "UpdateEndpointWeightsAndCapacities"
WHERE = VARIANT_TARGET["ResourceId"]


@pytest.fixture
def aws() -> Caller:
    """An endpoint `e` whose variant `v` has one instance with the model `m`."""
    made = Caller(World())
    made.model()
    made.serving()
    return made


def wish(aws: Caller, count: int, variant: str = "v") -> None:
    aws(
        WEIGHTS, EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": variant, "DesiredInstanceCount": count}]
    )


def shown(aws: Caller, place: int = 0) -> tuple[str, int, int]:
    """Status, and desired and current instances."""
    found = aws("DescribeEndpoint", EndpointName="e")
    variant = found["ProductionVariants"][place]
    return found["EndpointStatus"], variant["DesiredInstanceCount"], variant["CurrentInstanceCount"]


def autoscaling(aws: Caller, operation: str, **parameters: Any) -> dict[str, Any]:
    return aws.world.call("application-autoscaling", operation, {**VARIANT_TARGET, **parameters})


# ---------------------------------------------------------------- instances
def test_instances_come_and_go_beside_those_that_stay(aws: Caller) -> None:
    first: Container = aws.world.running[0]
    wish(aws, 3)
    assert shown(aws) == ("Updating", 3, 1)
    assert aws.world.running == [first]
    aws.world.sleep(600)
    assert shown(aws) == ("InService", 3, 3)
    assert len(aws.world.running) == 3
    second = aws.world.running[1]
    wish(aws, 2)
    aws.world.sleep(600)
    assert shown(aws) == ("InService", 2, 2)
    assert aws.world.running == [first, second], "the newest goes"
    second.stop()
    aws.world.sleep(600)
    assert len(aws.world.running) == 2, "what ends is still started anew"


def test_weights_change_without_instances(aws: Caller) -> None:
    aws(WEIGHTS, EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": "v", "DesiredWeight": 0.5}])
    (variant,) = aws("DescribeEndpoint", EndpointName="e")["ProductionVariants"]
    assert (variant["DesiredWeight"], variant["CurrentWeight"]) == (0.5, 1.0)
    aws.world.sleep(600)
    (variant,) = aws("DescribeEndpoint", EndpointName="e")["ProductionVariants"]
    assert (variant["DesiredWeight"], variant["CurrentWeight"]) == (0.5, 0.5)
    assert len(aws.world.containers) == 1


@pytest.mark.parametrize("kind", [CAPACITY, PING])
def test_instances_that_do_not_come_are_rolled_back(aws: Caller, kind: str) -> None:
    aws.world.account.faults.add(Fault(WEIGHTS, kind))
    wish(aws, 2)
    seen = []
    for _ in range(200):
        aws.world.sleep(10)
        seen += [shown(aws)[0]] if shown(aws)[0] not in seen[-1:] else []
    assert seen == ["Updating", "RollingBack", "InService"]
    assert shown(aws)[1:] == (1, 1)
    reason = aws("DescribeEndpoint", EndpointName="e")["FailureReason"]
    assert ("production variant v did not pass the ping" if kind == PING else "InsufficientInstance") in reason
    assert len(aws.world.running) == 1
    wish(aws, 2)
    aws.world.sleep(600)
    assert "FailureReason" not in aws("DescribeEndpoint", EndpointName="e")


def test_only_the_variant_that_is_named_changes() -> None:
    aws = Caller(World())
    aws.model()
    aws("CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE.replace("/m:", "/n:")})
    variants = [{**VARIANT, "VariantName": name, "ModelName": name, "InitialInstanceCount": 2} for name in ("m", "n")]
    aws("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=variants)
    aws("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    aws.world.sleep(600)
    wish(aws, 1, "m")
    aws.world.sleep(600)
    assert (shown(aws, 0)[1:], shown(aws, 1)[1:]) == ((1, 1), (2, 2))
    assert [c.image.image[-3:] for c in aws.world.running] == ["m:1", "n:1", "n:1"]


def test_refusals(aws: Caller) -> None:
    with pytest.raises(AwsError, match='Could not find variant "w"'):
        wish(aws, 1, "w")
    own = {"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}
    with pytest.raises(AwsError, match="ServerlessUpdateConfig is not there") as refused:
        aws(WEIGHTS, EndpointName="e", DesiredWeightsAndCapacities=[own])
    assert refused.value.status == 501
    aws.world.account.quotas = {"ml.m5.large for endpoint usage": 2}
    with pytest.raises(AwsError, match="with current utilization of 1 Instances and a request delta of 2"):
        wish(aws, 3)
    wish(aws, 2)
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        wish(aws, 1)
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        aws("DeleteEndpoint", EndpointName="e")


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 1),
        ({"RetainAllVariantProperties": True}, 3),
        (
            {
                "RetainAllVariantProperties": True,
                "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredInstanceCount"}],
            },
            1,
        ),
    ],
)
def test_an_update_may_keep_what_was_scaled(aws: Caller, more: dict[str, Any], count: int) -> None:
    wish(aws, 3)
    aws.world.sleep(600)
    aws.other_config(ModelName="m")
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other", **more)
    aws.world.sleep(600)
    assert shown(aws) == ("InService", count, count)
    assert len(aws.world.running) == count


# ---------------------------------------------------------------- targets and policies
def test_a_target_needs_something_that_is_there(aws: Caller) -> None:
    for where in ("endpoint/none/variant/v", "endpoint/e/variant/w", "endpoint/e", "inference-component/none"):
        with pytest.raises(AwsError, match=f"The resource {where} does not exist"):
            autoscaling(aws, "RegisterScalableTarget", ResourceId=where, MinCapacity=1, MaxCapacity=2)
    with pytest.raises(AwsError, match="cannot be less than minimum"):
        autoscaling(aws, "RegisterScalableTarget", MinCapacity=3, MaxCapacity=2)
    autoscaling(aws, "RegisterScalableTarget", MinCapacity=1, MaxCapacity=2)
    autoscaling(aws, "RegisterScalableTarget", MaxCapacity=4)
    wanted = {"ServiceNamespace": "sagemaker", "ResourceIds": [WHERE]}
    (target,) = aws.world.call("application-autoscaling", "DescribeScalableTargets", wanted)["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    with pytest.raises(AwsError, match="PredictiveScaling is not there"):
        autoscaling(aws, "PutScalingPolicy", PolicyName="p", PolicyType="PredictiveScaling")


def test_what_scales_by_hand_stays_in_its_bounds(aws: Caller) -> None:
    autoscaling(aws, "RegisterScalableTarget", MinCapacity=1, MaxCapacity=2)
    scaling.scale(aws.world.account, WHERE, 5)
    aws.world.sleep(600)
    assert shown(aws) == ("InService", 2, 2)
    scaling.scale(aws.world.account, WHERE, 2)
    assert shown(aws)[0] == "InService", "nothing is to be changed"


@pytest.mark.parametrize(
    ("settings", "by", "count"),
    [
        ({"AdjustmentType": "ChangeInCapacity"}, 2, 4),
        ({"AdjustmentType": "ChangeInCapacity"}, -1, 1),
        ({"AdjustmentType": "ExactCapacity"}, 3, 3),
        ({"AdjustmentType": "PercentChangeInCapacity"}, 100, 4),
        ({"AdjustmentType": "PercentChangeInCapacity"}, 10, 3),
        ({"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 2}, 10, 4),
        ({"AdjustmentType": "PercentChangeInCapacity"}, -90, 1),
    ],
)
def test_an_alarm_takes_the_step_of_its_policy(aws: Caller, settings: dict[str, Any], by: int, count: int) -> None:
    wish(aws, 2)
    aws.world.sleep(600)
    autoscaling(aws, "RegisterScalableTarget", MinCapacity=1, MaxCapacity=9)
    bound = {"MetricIntervalLowerBound": 0.0} if by > 0 else {"MetricIntervalUpperBound": 0.0}
    step = {**settings, "StepAdjustments": [{**bound, "ScalingAdjustment": by}]}
    put = {"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": step}
    aws.alarm("a", AlarmActions=[autoscaling(aws, "PutScalingPolicy", **put)["PolicyARN"]])
    aws.ring("a")
    aws.ring("a")  # nothing new
    aws.world.sleep(600)
    assert shown(aws) == ("InService", count, count)


def test_an_alarm_that_comes_in_a_transition_takes_no_step(aws: Caller) -> None:
    """And the clock goes on."""
    autoscaling(aws, "RegisterScalableTarget", MinCapacity=1, MaxCapacity=9)
    step = {
        "AdjustmentType": "ExactCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 5}],
    }
    put = {"PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": step}
    aws.alarm("a", AlarmActions=[autoscaling(aws, "PutScalingPolicy", **put)["PolicyARN"]])
    aws.world.account.faults.add(Fault(WEIGHTS, STUCK, seconds=900))
    wish(aws, 2)
    aws.ring("a")
    aws.world.sleep(2000)
    assert shown(aws) == ("InService", 2, 2)
    aws.ring("a", "OK")
    with pytest.raises(AwsError, match="does not exist"):
        aws.ring("none")


def test_alarms_are_found_by_name_prefix_and_state(aws: Caller) -> None:
    for name in ("one", "other", "two"):
        aws.alarm(name)
    aws.ring("other")
    for wanted, names in (
        ({}, ["one", "other", "two"]),
        ({"AlarmNamePrefix": "o"}, ["one", "other"]),
        ({"StateValue": "ALARM"}, ["other"]),
        ({"AlarmNames": ["two", "none"]}, ["two"]),
    ):
        found = aws.world.call("cloudwatch", "DescribeAlarms", wanted)["MetricAlarms"]
        assert [alarm["AlarmName"] for alarm in found] == names


def test_a_request_that_waits_wakes_an_asynchronous_endpoint(model: ModelServer) -> None:
    """From the deployment of a project that scales to nothing, to an answer of an instance that was not there."""
    world = World(model.url)
    world.cloud.buckets["bucket"] = {"in/one": b"abc"}
    verbs.deploy(world.context(rendered(CLASSIC)))
    scaling.scale(world.account, "endpoint/iris/variant/AllTraffic", 0)
    world.sleep(600)
    assert (world.running, world.account.endpoints["iris"].status) == ([], "InService")
    request = {"EndpointName": "iris", "InputLocation": "s3://bucket/in/one", "InferenceId": "first"}
    asynchronous.accept(world.account, request, Invocation("iris", Message(), b""))
    world.sleep(1200)
    assert world.cloud.buckets["bucket"]["out/first.out"] == b"cba"
    assert len(world.running) == 1
    assert verbs.clean(world.context(rendered(CLASSIC))).ok
    assert world.left() == ["bucket"]
