"""Each rule of our SageMaker server: what it refuses, and that it is the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.hyperpod import catalog
from mlcc.servers.devserver import asking, model_rules, scaling
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.rules import ASSUMED, Durations, Rules
from tests.aws.account import Bucket, World
from tests.aws.model_server import ModelServer, serving

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlcc/m:1"
ROLE = "arn:aws:iam::123456789012:role/r"
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
NEEDS = {"ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}


def job_of_model() -> dict[str, Any]:
    """The parameters of a transform job of the model `m`."""
    return {
        "TransformJobName": "j",
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }


class Caller:
    """Short names for the calls of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call("sagemaker", operation, parameters)

    def model(self, image: str = IMAGE) -> None:
        self("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image})

    def endpoint(self, name: str = "e", settled: bool = True) -> None:
        """An endpoint that hosts components."""
        config = f"{name}-config"
        self("CreateEndpointConfig", EndpointConfigName=config, ProductionVariants=[VARIANT], ExecutionRoleArn=ROLE)
        self("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
        if settled:
            self.world.sleep(600)

    def component(self, name: str = "c", copies: int = 1, settled: bool = True) -> None:
        self(
            "CreateInferenceComponent", InferenceComponentName=name, EndpointName="e", VariantName="v",
            Specification={"ModelName": "m", **NEEDS}, RuntimeConfig={"CopyCount": copies},
        )  # fmt: skip
        if settled:
            self.world.sleep(600)

    def job(self, **more: Any) -> None:
        self.world.account.objects = Bucket()
        self("CreateTransformJob", **job_of_model(), **more)

    def adapter(self) -> None:
        own = {"BaseInferenceComponentName": "c", "Container": {"ArtifactUrl": "s3://bucket/a.tar.gz"}}
        self("CreateInferenceComponent", InferenceComponentName="a", EndpointName="e", Specification=own)
        self.world.sleep(600)


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
    alarm = {
        "AlarmName": "wake", "Namespace": "AWS/SageMaker", "MetricName": "NoCapacityInvocationFailures",
        "Dimensions": [{"Name": "InferenceComponentName", "Value": "c"}], "Statistic": "Maximum", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [arn],
    }  # fmt: skip
    call("cloudwatch", "PutMetricAlarm", alarm)
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
}
# Rules that do something, with what shows it.
DOING = {
    "adapters_come_back": adapters_come_back,
    "capacity_is_missed": capacity_is_missed,
    "adapters_are_replaced": adapters_are_replaced,
    "manifest_keys_name_outputs": manifest_keys_name_outputs,
}


def test_every_rule_has_its_case() -> None:
    assert {*REFUSED, *DOING} == {*Rules._fields}
    assert {*ASSUMED} < {*REFUSED, *DOING}


@pytest.mark.parametrize("rule", REFUSED)
def test_a_rule_refuses(rule: str) -> None:
    requests, words = REFUSED[rule]
    with pytest.raises(AwsError, match=words):
        requests(Caller(World()))


@pytest.mark.parametrize("rule", REFUSED)
def test_without_the_rule_it_passes(rule: str) -> None:
    REFUSED[rule][0](Caller(World(**{rule: False})))


@pytest.mark.parametrize("rule", DOING)
def test_a_rule_does_something_and_without_it_nothing_happens(rule: str) -> None:
    assert DOING[rule](Caller(World()))
    assert not DOING[rule](Caller(World(**{rule: False})))


def test_a_copy_without_room_may_fail_later() -> None:
    aws = Caller(World(too_large_at_once=False))
    too_large_at_once(aws)
    aws.world.sleep(600)
    found = aws("DescribeInferenceComponent", InferenceComponentName="c")
    assert found["InferenceComponentStatus"] == "Failed"
    assert "not enough hardware" in found["FailureReason"]


@pytest.mark.parametrize(
    ("kind", "member"), [(kind, member) for kind, members in model_rules.ABSENT.items() for member in members]
)
def test_a_member_that_is_not_there_is_501(kind: str, member: str) -> None:
    """Never a success without what was asked for."""
    with pytest.raises(Refusal, match=f"{member} is not there in this server") as refused:
        model_rules.check_members(kind, {member: {"x": 1}})
    assert refused.value.status == 501


def test_a_serverless_variant_is_501() -> None:
    aws = Caller(World())
    aws.model()
    variant = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    with pytest.raises(AwsError, match="ServerlessConfig is not there") as refused:
        aws("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    assert refused.value.status == 501


def test_dates_are_those_of_whoever_asks() -> None:
    """However fast the server's clock runs: a client compares them with its own clock, and with objects in S3."""
    world = World()
    world.account.durations = Durations(pace=600.0)
    began = world.account.date
    world.sleep(6000.0)
    assert world.account.made("model", "m", {}).created == began + 10.0


def test_there_are_no_hyperpod_clusters() -> None:
    """True answers: this server has none, and does not make one."""
    world = World()
    assert list(catalog.clusters(world)) == []
    assert SageMaker(world).cluster("ml-cluster") is None
    with pytest.raises(AwsError, match="not found"):
        Caller(world)("DescribeCluster", ClusterName="ml-cluster")
    with pytest.raises(AwsError, match="CreateCluster is not there") as refused:
        Caller(world)("CreateCluster", ClusterName="ml-cluster")
    assert refused.value.status == 501
