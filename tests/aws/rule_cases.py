"""Each rule of our SageMaker server with requests that show it: what it refuses, or what it does."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message

import pytest

from mlcc.servers.devserver import asking, scaling
from mlcc.servers.devserver.faults import CAPACITY, MAINTENANCE, Fault
from mlcc.servers.devserver.refusal import Refusal
from tests.aws.account import Bucket
from tests.aws.caller import IMAGE, ROLE, VARIANT, Caller, job_of_model
from tests.aws.model_server import ModelServer, serving
from tests.aws.package_cases import packages_bring_their_image, packages_keep_environment, packages_need_approval
from tests.aws.scaling_rule_cases import (
    alarms_roll_back,
    dimensions_fit,
    rolling_back_is_shown,
    targets_bound_capacity,
    targets_have_bounds,
    variant_targets_go,
    variants_keep_an_instance,
)  # fmt: skip


def copies_above_zero(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component(copies=0)


def components_need_role(aws: Caller) -> None:
    aws("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[VARIANT])


def components_keep_endpoint(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    aws("DeleteEndpoint", EndpointName="e")


def base_keeps_adapters(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    aws.adapter()
    aws("DeleteInferenceComponent", InferenceComponentName="c")


def transition_refuses(aws: Caller) -> None:
    aws.endpoint(settled=False)
    aws("DeleteEndpoint", EndpointName="e")


def used_config_stays(aws: Caller) -> None:
    aws.endpoint()
    other = {"EndpointConfigName": "other", "ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE}
    aws("CreateEndpointConfig", **other)
    aws("DeleteEndpointConfig", EndpointConfigName="e-config")
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="other")


def serving_endpoint_first(aws: Caller) -> None:
    aws.model()
    aws.endpoint(settled=False)
    aws.component()


def managed_scaling_for_components(aws: Caller) -> None:
    aws.model()
    scaling = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    variants = [{**VARIANT, "ModelName": "m", "ManagedInstanceScaling": scaling}]
    aws("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=variants)


def regions_keep_an_instance(aws: Caller) -> None:
    aws.world.account.region = "eu-west-3"
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    variants = [{**VARIANT, "ManagedInstanceScaling": scaling}]
    aws("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=variants, ExecutionRoleArn=ROLE)


def image_in_ecr(aws: Caller) -> None:
    aws.model("docker.io/library/python:3")


def image_is_there(aws: Caller) -> None:
    aws.model("123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/gone:1")


def quotas_limit(aws: Caller) -> None:
    aws.world.account.quotas = {"ml.m5.large for endpoint usage": 1}
    aws.endpoint("a")
    aws.endpoint("b")


def copies_need_room(aws: Caller) -> None:
    aws.model()
    aws.endpoint()  # of 8 GiB
    aws.component(copies=9)


def too_large_at_once(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component(copies=9, settled=False)


def job_names_are_used_up(aws: Caller) -> None:
    aws.model()
    aws.job()
    aws.job()


def batches_need_records(aws: Caller) -> None:
    aws.model()
    aws.job(BatchStrategy="MultiRecord")


def payloads_within_100_mb(aws: Caller) -> None:
    aws.model()
    aws.job(MaxConcurrentTransforms=11, MaxPayloadInMB=10)


def async_without_components(aws: Caller) -> None:
    later = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}
    config = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT], "ExecutionRoleArn": ROLE}
    aws("CreateEndpointConfig", **config, AsyncInferenceConfig=later)


def same_config_refuses(aws: Caller) -> None:
    aws.endpoint()
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName="e-config")


def adapters_come_back(aws: Caller) -> bool:
    """A container ends, and another one is started in its place: has it the adapter?"""
    aws.model()
    aws.endpoint()
    aws.component()
    aws.adapter()
    (first,) = aws.world.running
    assert first.adapters == {"a": "s3://bucket/a.tar.gz"}
    first.stop()
    aws.world.sleep(600)
    (second,) = aws.world.running
    assert second is not first
    return second.adapters == first.adapters


def adapters_are_replaced(aws: Caller) -> bool:
    """An adapter is updated: has the container the new one?"""
    aws.model()
    aws.endpoint()
    aws.component()
    aws.adapter()
    own = {"BaseInferenceComponentName": "c", "Container": {"ArtifactUrl": "s3://bucket/b.tar.gz"}}
    aws("UpdateInferenceComponent", InferenceComponentName="a", Specification=own)
    aws.world.sleep(600)
    return aws.world.running[0].adapters == {"a": "s3://bucket/b.tar.gz"}


def capacity_is_missed(aws: Caller) -> bool:
    """A component without copies is asked: does its alarm start one?"""
    aws.model()
    aws.endpoint()
    aws.component()
    scaled = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "inference-component/c",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    call = aws.world.call
    call("application-autoscaling", "RegisterScalableTarget", {**scaled, "MinCapacity": 0, "MaxCapacity": 2})
    step = {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    }
    policy = {**scaled, "PolicyName": "p", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": step}
    arn = call("application-autoscaling", "PutScalingPolicy", policy)["PolicyARN"]
    named = [{"Name": "InferenceComponentName", "Value": "c"}]
    aws.alarm("wake", MetricName="NoCapacityInvocationFailures", Dimensions=named, AlarmActions=[arn])
    scaling.scale(aws.world.account, "inference-component/c", 0)
    aws.world.sleep(600)
    assert aws.world.running == []
    headers = Message()
    headers[asking.COMPONENT] = "c"
    with pytest.raises(Refusal, match="has no capacity to process this request"):
        asking.choose(aws.world.account, asking.Invocation("e", headers, b"1"))
    aws.world.sleep(600)
    return len(aws.world.running) == 1


def manifest_keys_name_outputs(aws: Caller) -> bool:
    """An object of a manifest lies in a folder: does its output?"""
    with serving(ModelServer()) as model:
        aws.world.model = model.url
        aws.model()
        listed = b'[{"prefix": "s3://bucket/in/"}, "deep/a"]'
        bucket = Bucket({"s3://bucket/list": listed, "s3://bucket/in/deep/a": b"12"})
        aws.world.account.objects = bucket
        source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/list"}}
        aws("CreateTransformJob", **{**job_of_model(), "TransformInput": {"DataSource": source}})
        aws.world.sleep(3600)
    return bucket.objects.get("s3://bucket/out/deep/a.out") == b"21"


def component_names_are_taken(aws: Caller) -> None:
    aws.model()
    aws.endpoint()
    aws.component()
    aws.component()


def whole_memory_is_schedulable(aws: Caller) -> None:
    aws.model()
    aws.endpoint()  # of 8 GiB
    aws.component(copies=9)


def creating_is_not_found(aws: Caller) -> bool:
    """An endpoint that is being made is asked: is it not found?"""
    aws.endpoint(settled=False)
    asked = asking.Invocation("e", Message(), b"1")
    with pytest.raises(Refusal) as refused:
        asking.choose(aws.world.account, asked)
    return refused.value.message == "Endpoint e of account 123456789012 not found."


def failed_is_not_updated(aws: Caller) -> None:
    aws.world.account.faults.add(Fault("CreateEndpoint", CAPACITY))
    aws.endpoint()
    aws("UpdateEndpoint", EndpointName="e", EndpointConfigName=aws.other_config())


def tags_are_fifty(aws: Caller) -> None:
    arn = aws("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})["ModelArn"]
    for start in (0, 40):
        aws("AddTags", ResourceArn=arn, Tags=[{"Key": str(start + number), "Value": ""} for number in range(40)])


def endpoint_names_ignore_case(aws: Caller) -> None:
    aws.endpoint()
    aws("CreateEndpoint", EndpointName="E", EndpointConfigName="e-config")


def maintenance_serves(aws: Caller) -> bool:
    """An endpoint in maintenance is asked: does it answer?"""
    aws.model()
    aws.serving()
    aws.world.account.faults.add(Fault("DescribeEndpoint", MAINTENANCE))
    assert aws("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "SystemUpdating"
    try:
        asking.choose(aws.world.account, asking.Invocation("e", Message(), b"1"))
    except Refusal as refused:
        return "not found" not in refused.message
    return True


# Rules, each with requests whose last one it refuses, and words of the refusal.
REFUSED: dict[str, tuple[Callable[[Caller], None], str]] = {
    "copies_above_zero": (copies_above_zero, "copy count an integer larger than 0"),
    "components_need_role": (components_need_role, "ExecutionRoleArn is required"),
    "components_keep_endpoint": (components_keep_endpoint, "Cannot delete endpoint with inference component"),
    "base_keeps_adapters": (base_keeps_adapters, "is a base inference component for one or more associated"),
    "transition_refuses": (transition_refuses, "Cannot update in-progress endpoint"),
    "used_config_stays": (used_config_stays, "Could not find endpoint configuration"),
    "managed_scaling_for_components": (managed_scaling_for_components, "is only supported for inference component"),
    "regions_keep_an_instance": (regions_keep_an_instance, "Min instance count needs to be greater than 0"),
    "image_in_ecr": (image_in_ecr, "without Vpc repository access mode is not supported"),
    "image_is_there": (image_is_there, "Requested image .* not found"),
    "quotas_limit": (quotas_limit, "is 1 Instances, with current utilization of 1 Instances and a request delta of 1"),
    "copies_need_room": (copies_need_room, "There is not enough hardware resources"),
    "job_names_are_used_up": (job_names_are_used_up, "Job name must be unique"),
    "batches_need_records": (batches_need_records, "needs a SplitType"),
    "payloads_within_100_mb": (payloads_within_100_mb, "must not exceed 100"),
    "serving_endpoint_first": (serving_endpoint_first, "is not InService"),
    "too_large_at_once": (too_large_at_once, "There is not enough hardware resources"),
    "async_without_components": (async_without_components, "is not supported for inference component"),
    "same_config_refuses": (same_config_refuses, "uses the endpoint configuration"),
    "component_names_are_taken": (component_names_are_taken, "Cannot create already existing inference component"),
    "whole_memory_is_schedulable": (whole_memory_is_schedulable, "There is not enough hardware resources"),
    "failed_is_not_updated": (failed_is_not_updated, "Cannot update failed endpoint"),
    "targets_have_bounds": (targets_have_bounds, "MaxCapacity must be provided"),
    "dimensions_fit": (dimensions_fit, "does not scale by"),
    "tags_are_fifty": (tags_are_fifty, "A resource has 50 tags at most"),
    "packages_need_approval": (packages_need_approval, "is not Approved"),
    "packages_bring_their_image": (packages_bring_their_image, "Image cannot be specified together"),
    "packages_keep_environment": (
        packages_keep_environment,
        r"Environment variable map cannot be specified both at Model Package \{A=1\} and Model \{B=2\}",
    ),
    "endpoint_names_ignore_case": (endpoint_names_ignore_case, "Cannot create already existing endpoint"),
}
# Rules that do something, with what shows it.
DOING = {
    "adapters_come_back": adapters_come_back,
    "capacity_is_missed": capacity_is_missed,
    "adapters_are_replaced": adapters_are_replaced,
    "maintenance_serves": maintenance_serves,
    "manifest_keys_name_outputs": manifest_keys_name_outputs,
    "creating_is_not_found": creating_is_not_found,
    "targets_bound_capacity": targets_bound_capacity,
    "variants_keep_an_instance": variants_keep_an_instance,
    "variant_targets_go": variant_targets_go,
    "alarms_roll_back": alarms_roll_back,
    "rolling_back_is_shown": rolling_back_is_shown,
}
