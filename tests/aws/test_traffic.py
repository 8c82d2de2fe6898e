"""Endpoints that nobody asks: what the live plan says of them, by what our server has counted."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.io.aws.cloudwatch import MOST_METRICS, CloudWatch, Metric
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.targets.sagemaker import traffic, verbs
from mlcc.servers.devserver import runtime
from mlcc.servers.devserver.asking import COMPONENT, Invocation
from mlcc.servers.devserver.faults import ERROR, Fault
from tests.aws.account import World, rendered
from tests.aws.model_server import ModelServer
from tests.aws.test_deploy import CLASSIC, TWO

DAY = 86_400
MODEL = TWO.replace("config: transformers-vllm", "config: transformers-vllm, instance_count: 2")


@pytest.fixture
def world(model: ModelServer) -> World:
    found = World(model.url)
    found.cloud.buckets["bucket"] = {"in/a.csv": b"1,2\n"}
    return found


def asked(world: World, endpoint: str, part: str = "") -> None:
    """A request for a component, or an asynchronous one."""
    headers = Message()
    headers["Content-Type"] = "text/csv"
    headers[COMPONENT if part else "X-Amzn-SageMaker-InputLocation"] = part or "s3://bucket/in/a.csv"
    operation = runtime.SINGLE if part else runtime.LATER
    runtime.begin(world.dispatcher, operation, Invocation(endpoint, headers, b"1" if part else b""))()
    world.sleep(60)


def found(world: World, text: str) -> list[Mapping[str, Any]]:
    """The findings of a live plan that has no changes."""
    context: Context = world.context(rendered(text), plan=True)
    document = verbs.deploy(context).document
    assert document["changes"] == []
    assert isinstance(context.progress, Silent)
    assert len(context.progress.lines) == len(document["findings"]), "people read the same"
    return list(document["findings"])


@pytest.mark.parametrize(("text", "name", "part"), [(MODEL, "chat", "chat-a"), (CLASSIC, "iris", "")])
def test_an_endpoint_that_nobody_asks_is_named(world: World, text: str, name: str, part: str) -> None:
    verbs.deploy(world.context(rendered(text)))
    assert found(world, text) == [], "it is new"
    world.sleep(2 * DAY)
    assert found(world, text) == [], "a weekend"
    world.sleep(DAY)
    (one,) = found(world, text)
    assert (one["code"], one["severity"]) == ("MLCC391", "warning")
    assert one["message"].startswith(f"nobody has asked the endpoint {name} for 3 days; its instances cost about ")
    assert "do/clean" in one["hint"]
    asked(world, name, part)
    assert found(world, text) == []
    world.sleep(4 * DAY)
    assert [one["code"] for one in found(world, text)] == ["MLCC391"]


def test_the_price_is_that_of_all_instances(world: World) -> None:
    verbs.deploy(world.context(rendered(MODEL)))
    world.sleep(4 * DAY)
    (one,) = found(world, MODEL)
    price = verbs_price(world)
    assert f"about {2 * price:.2f} USD an hour" in one["message"]


def verbs_price(world: World) -> float:
    price = world.context(rendered(MODEL)).project.registries.price("ml.g5.12xlarge")
    assert price is not None
    return price.amount


def test_an_adapter_s_requests_are_requests(world: World) -> None:
    verbs.deploy(world.context(rendered(MODEL)))
    world.sleep(4 * DAY)
    asked(world, "chat", "chat-legal")
    assert found(world, MODEL) == []


def test_who_may_not_read_metrics_gets_a_note(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    world.sleep(4 * DAY)
    world.dispatcher.faults.add(Fault("GetMetricData", ERROR, "AccessDenied", "is not authorized to perform", 403))
    (one,) = found(world, CLASSIC)
    assert (one["code"], one["severity"]) == ("MLCC391", "note")
    world.dispatcher.faults.add(Fault("GetMetricData", ERROR, "InternalFailure", "An internal failure", 500))
    with pytest.raises(UserError, match="An internal failure"):
        found(world, CLASSIC)


class Silence(World):
    """An account whose CloudWatch has no values, and whose endpoints have as many instances as a test wants."""

    instances = 1

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().call(service, operation, parameters)
        for one in answer.get("MetricDataResults", ()):
            one["Values"] = []
        if operation == "DescribeEndpoint":
            for one in answer.get("ProductionVariants", ()):
                one["CurrentInstanceCount"] = self.instances
        return answer


def test_a_server_without_metrics_is_no_mistake(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    world.sleep(4 * DAY)
    world.dispatcher.faults.add(Fault("GetMetricData", ERROR, "NotImplemented", "not there", 501))
    assert [one["severity"] for one in found(world, CLASSIC)] == ["note"]


@pytest.mark.parametrize(("text", "instances", "count"), [(MODEL, 1, 0), (CLASSIC, 1, 1), (CLASSIC, 0, 0)])
def test_no_value_is_no_zero_but_of_an_asynchronous_endpoint(text: str, instances: int, count: int) -> None:
    """And who has no instances costs nothing."""
    world = Silence()
    world.instances = instances
    verbs.deploy(world.context(rendered(text)))
    world.sleep(4 * DAY)
    assert len(found(world, text)) == count


def test_many_metrics_are_asked_for_in_parts() -> None:
    sizes: list[int] = []

    class Counting:
        region = "us-east-1"

        def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
            sizes.append(len(parameters["MetricDataQueries"]))
            return {
                "MetricDataResults": [{"Id": q["Id"], "Values": [2.0, 3.0]} for q in parameters["MetricDataQueries"]]
            }

    metrics = [Metric("AWS/SageMaker", "Invocations", (("InferenceComponentName", str(n)),)) for n in range(501)]
    assert CloudWatch(Counting()).totals(metrics, 0.0, 3600.0) == [5.0] * 501
    assert sizes == [MOST_METRICS, 1]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Metric("AWS/SageMaker", "ModelLatency", (("EndpointName", "e"),)), "does not measure ModelLatency"),
        (Metric("AWS/SageMaker", "Invocations", (("EndpointName", "e"),), "p99"), "no expressions"),
    ],
)
def test_what_our_server_does_not_measure_it_does_not_answer(world: World, metric: Metric, words: str) -> None:
    with pytest.raises(AwsError, match=words) as refused:
        CloudWatch(world).totals([metric], 0.0, 3600.0)
    assert refused.value.status == 501


def test_what_is_not_there_has_no_values(world: World) -> None:
    where = (("EndpointName", "none"), ("VariantName", "v"))
    metrics = [Metric("AWS/SageMaker", name, where) for name in (traffic.ASKED, *traffic.PROCESSED[:1])]
    assert CloudWatch(world).totals(metrics, 0.0, 3600.0) == [None, None]
