"""Each rule of our SageMaker server: what it refuses, and that it is the rule that refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.servers.devserver.rules import Rules
from tests.aws.account import World

ROLE = "arn:aws:iam::123456789012:role/r"
VARIANT = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
NEEDS = {"ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}


class Caller:
    """Short names for the calls of these tests."""

    def __init__(self, world: World) -> None:
        self.world = world

    def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call("sagemaker", operation, parameters)

    def model(self) -> None:
        self("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})

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


# Rules, each with requests whose last one it refuses, and words of the refusal.
REFUSED: dict[str, tuple[Callable[[Caller], None], str]] = {
    "copies_above_zero": (copies_above_zero, "copy count an integer larger than 0"),
    "components_need_role": (components_need_role, "ExecutionRoleArn is required"),
    "components_keep_endpoint": (components_keep_endpoint, "Cannot delete endpoint with inference component"),
    "base_keeps_adapters": (base_keeps_adapters, "is a base inference component for one or more associated"),
    "transition_refuses": (transition_refuses, "Cannot update in-progress endpoint"),
    "used_config_stays": (used_config_stays, "Could not find endpoint configuration"),
    "serving_endpoint_first": (serving_endpoint_first, "is not InService"),
}


def test_every_rule_has_its_case() -> None:
    assert list(REFUSED) == list(Rules._fields)


@pytest.mark.parametrize("rule", REFUSED)
def test_a_rule_refuses(rule: str) -> None:
    requests, words = REFUSED[rule]
    with pytest.raises(AwsError, match=words):
        requests(Caller(World()))


@pytest.mark.parametrize("rule", REFUSED)
def test_without_the_rule_it_passes(rule: str) -> None:
    REFUSED[rule][0](Caller(World(**{rule: False})))
