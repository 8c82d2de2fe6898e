"""A project's whole life over HTTP: the SDK, our SageMaker server, and a process that answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.io.aws.connection import Connection
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.web import DevServer
from tests.aws.account import World, render

# Over HTTP and with a clock that runs; `make test` makes the same deployments on a table (test_deploy.py).
pytestmark = pytest.mark.real
HEAD = """version: 1
project: {name: double}
deployment:
  {config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge, target: TARGET,
   role_arn: "arn:aws:iam::123456789012:role/r"}
model: {name: Qwen/Qwen3-0.6B}
test: {payload: "21"}
async: {s3_output_path: s3://bucket/out/}
"""
COMPONENTS = """engine: {lora: {enabled: true}}
inference_components: [{name: a, gpu_count: 1}, {name: b, gpu_count: 1}]
adapters: [{name: legal, base: a, artifact_url: s3://bucket/legal.tar.gz}]
"""


class Routed:
    """A connection whose calls go over HTTP; what our server does not serve is a table."""

    def __init__(self) -> None:
        self.region = "us-east-1"
        self._http, self.table = Connection(self.region), World()

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        chosen = self.table if service in ("sts", "ecr", "cloudwatch", "s3") else self._http
        return chosen.call(service, operation, parameters)


@pytest.fixture
def context(tmp_path: Path, server: DevServer) -> Any:
    """Makes contexts whose clock is the server's."""
    routed = Routed()
    timeline = server.dispatcher.account.timeline
    server.dispatcher.account.objects = routed.table.account.objects
    routed.table.cloud.buckets["bucket"] = {}

    def make(project: Path, **arguments: Any) -> Context:
        now = lambda: timeline.now  # noqa: E731
        return Context(load_project(str(project)), {}, Silent(), server.advance, now, arguments, now, lambda _: routed)

    return make


def test_components_and_an_adapter(context: Any, server: DevServer, tmp_path: Path) -> None:
    project = render(HEAD.replace("TARGET", "realtime-inference") + COMPONENTS, tmp_path / "project")
    verbs.deploy(context(project))
    status = verbs.status(context(project)).document
    assert (status["status"], [c["status"] for c in status["components"]]) == ("InService", ["InService"] * 4)
    tested = verbs.test(context(project))
    assert [(c["name"], c["detail"]) for c in tested.document["checks"]] == [
        ("endpoint health", "InService"),
        ("a health", "InService"),
        ("b health", "InService"),
        ("legal health", "InService"),
        ("a invocation", '[42, ""]'),
        ("b invocation", '[42, ""]'),
        ("legal invocation", '[42, "double-legal"]'),
        ("legal canary", "its answer differs from its base's"),
    ]
    assert tested.ok
    assert [c["name"] for c in verbs.test(context(project, component="b")).document["checks"]] == [
        "endpoint health", "b health", "b invocation"
    ]  # fmt: skip
    assert verbs.clean(context(project)).ok
    assert server.dispatcher.account.tagged() == {}


def test_an_endpoint_with_a_model_of_its_own(context: Any, server: DevServer, tmp_path: Path) -> None:
    project = render(HEAD.replace("TARGET", "async-inference"), tmp_path / "project")
    verbs.deploy(context(project))
    assert verbs.status(context(project)).document["status"] == "InService"
    assert [c["name"] for c in verbs.test(context(project)).document["checks"]] == [
        "endpoint health", "invocation"
    ]  # fmt: skip
    assert verbs.clean(context(project)).ok
    assert verbs.status(context(project)).document["status"] == "NotDeployed"
