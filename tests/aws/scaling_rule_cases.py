"""Rules of our SageMaker server about what scales, and about updates that are undone."""

from __future__ import annotations

from mlcc.servers.devserver import scaling
from mlcc.servers.devserver.faults import CAPACITY, Fault
from tests.aws.caller import Caller

VARIANT_TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/v",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def targets_have_bounds(aws: Caller) -> None:
    aws.endpoint()
    aws.world.call("application-autoscaling", "RegisterScalableTarget", {**VARIANT_TARGET, "MinCapacity": 1})


def dimensions_fit(aws: Caller) -> None:
    aws.endpoint()
    other = {"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount", "MinCapacity": 1, "MaxCapacity": 1}
    aws.world.call("application-autoscaling", "RegisterScalableTarget", {**VARIANT_TARGET, **other})


def instances_of(aws: Caller) -> int:
    """How many instances the variant of the endpoint has."""
    (variant,) = aws("DescribeEndpoint", EndpointName="e")["ProductionVariants"]
    return int(variant["CurrentInstanceCount"])


def targets_bound_capacity(aws: Caller) -> bool:
    """A variant of one instance shall have two: has it?"""
    aws.model()
    aws.serving()
    bounds = {"MinCapacity": 2, "MaxCapacity": 3}
    aws.world.call("application-autoscaling", "RegisterScalableTarget", {**VARIANT_TARGET, **bounds})
    aws.world.sleep(600)
    return instances_of(aws) == 2


def variants_keep_an_instance(aws: Caller) -> bool:
    """A variant is scaled to nothing: has it still an instance?"""
    aws.model()
    aws.serving()
    scaling.scale(aws.world.account, "endpoint/e/variant/v", 0)
    aws.world.sleep(600)
    return instances_of(aws) == 1


def variant_targets_go(aws: Caller) -> bool:
    """An endpoint goes: does what scales its variant go with it?"""
    aws.endpoint()
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}
    aws.world.call("application-autoscaling", "RegisterScalableTarget", {**VARIANT_TARGET, **bounds})
    aws("DeleteEndpoint", EndpointName="e")
    aws.world.sleep(600)
    return aws.world.account.targets == {}


def alarms_roll_back(aws: Caller) -> bool:
    """An alarm is in ALARM while an endpoint is updated: is it on its old configuration afterwards?"""
    aws.endpoint()
    aws.alarm("a")
    aws.ring("a")
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=aws.other_config(), DeploymentConfig=alarms)
    aws.world.sleep(1200)
    return bool(aws("DescribeEndpoint", EndpointName="e")["EndpointConfigName"] == "e-config")


def rolling_back_is_shown(aws: Caller) -> bool:
    """An update finds no machines: is it seen that it is undone?"""
    aws.endpoint()
    aws.world.account.faults.add(Fault("UpdateEndpoint", CAPACITY))
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=aws.other_config())
    aws.world.sleep(250)
    return bool(aws("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "RollingBack")
