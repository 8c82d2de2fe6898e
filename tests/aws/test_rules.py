"""Each rule of our SageMaker server: what it refuses or does, and that it is the rule that does it."""

from __future__ import annotations

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.sagemaker import SageMaker
from mlcc.lifecycle.targets.hyperpod import catalog
from mlcc.servers.devserver import model_rules
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.rules import ASSUMED, Durations, Rules
from tests.aws.account import World
from tests.aws.caller import Caller
from tests.aws.rule_cases import DOING, REFUSED, too_large_at_once


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
