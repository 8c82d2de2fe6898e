"""Lists of our SageMaker server: the order and the filters that a request asks for."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from tests.aws.account import World
from tests.aws.caller import ROLE, VARIANT, Caller


@pytest.fixture
def aws() -> Caller:
    """Models `b`, `c` and `a`, made a minute after each other."""
    made = Caller(World())
    for name in ("b", "c", "a"):
        made.world.sleep(60)
        made("CreateModel", ModelName=name, ExecutionRoleArn=ROLE)
    return made


def listed(aws: Caller, **wanted: Any) -> str:
    return "".join(one["ModelName"] for one in aws("ListModels", **wanted)["Models"])


def moment(aws: Caller, before_s: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(aws.world.account.date - before_s, datetime.timezone.utc)


def test_orders(aws: Caller) -> None:
    assert listed(aws) == "acb", "the newest first"
    assert listed(aws, SortOrder="Ascending") == "bca"
    assert listed(aws, SortBy="Name") == "cba"
    assert listed(aws, SortBy="Name", SortOrder="Ascending") == "abc"


def test_times(aws: Caller) -> None:
    assert listed(aws, CreationTimeAfter=moment(aws, 70)) == "ac"
    assert listed(aws, CreationTimeBefore=moment(aws, 70)) == "b"
    assert listed(aws, CreationTimeAfter=moment(aws, 70), CreationTimeBefore=moment(aws, 30)) == "c"
    (found,) = aws.world.dispatcher.answer("sagemaker", "ListModels", {"CreationTimeAfter": aws.world.account.date})[
        "Models"
    ]
    assert found["ModelName"] == "a", "a number, as it comes over HTTP"


def test_components_of_an_endpoint_and_of_a_variant() -> None:
    aws = Caller(World())
    aws.model()
    variants = [{**VARIANT, "VariantName": name} for name in ("v", "w")]
    aws("CreateEndpointConfig", EndpointConfigName="two", ProductionVariants=variants, ExecutionRoleArn=ROLE)
    for name in ("e", "f"):
        aws("CreateEndpoint", EndpointName=name, EndpointConfigName="two")
    aws.world.sleep(600)
    needs = {"ModelName": "m", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}}
    for name in ("ev", "ew", "fv"):
        aws(
            "CreateInferenceComponent", InferenceComponentName=name, EndpointName=name[0], VariantName=name[1],
            Specification=needs, RuntimeConfig={"CopyCount": 1},
        )  # fmt: skip
    for wanted, names in (
        ({"EndpointNameEquals": "e"}, {"ev", "ew"}),
        ({"VariantNameEquals": "v"}, {"ev", "fv"}),
        ({"EndpointNameEquals": "e", "VariantNameEquals": "v"}, {"ev"}),
        ({"StatusEquals": "InService"}, set()),
    ):
        found = aws("ListInferenceComponents", **wanted)["InferenceComponents"]
        assert {one["InferenceComponentName"] for one in found} == names
    aws.world.sleep(600)
    changed = aws("ListInferenceComponents", LastModifiedTimeAfter=moment(aws, 599))["InferenceComponents"]
    assert len(changed) == 3
    assert {one["EndpointArn"].rpartition("/")[2] for one in changed} == {"e", "f"}
    assert aws("ListInferenceComponents", CreationTimeAfter=moment(aws, 599))["InferenceComponents"] == []
