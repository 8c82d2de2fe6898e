"""Every call that mlcc makes of AWS is held against the service's model by some stand-in of these tests.

Each stand-in asks `walker.check` for every call, whatever step and target it comes from.  Here a life of each kind is
run, and what it called is compared with all operations that stand in mlcc's source.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver import dispatcher
from tests.aws import stacks_cloud, walker
from tests.aws.account import World, rendered
from tests.aws.model_server import ModelServer, serving
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import CLASSIC, HEAD, TWO
from tests.helpers import ROOT

SERVICES = (
    "application-autoscaling", "cloudformation", "cloudwatch", "codebuild", "dynamodb", "ecr", "eks", "iam", "logs", "s3",
    "sagemaker", "sagemaker-runtime", "secretsmanager", "service-quotas", "sns", "sts",
)  # fmt: skip
# By operation, the test whose stand-in checks it: a step that needs programs, files or an answering model besides AWS.
ELSEWHERE = {
    "test_push": {"BatchDeleteImage", "CreateRepository", "DeleteRepository", "GetAuthorizationToken", "ListImages"},
    "test_submit": {
        "BatchGetBuilds", "CreateBucket", "CreateProject", "CreateRole", "DeleteObject", "DeleteBucket", "DeleteProject",
        "DeleteRolePolicy", "DeleteRole", "GetLogEvents", "GetObject", "HeadBucket", "PutObject", "PutRolePolicy", "StartBuild", "StopBuild", "UpdateProject",
    },
    "test_ci_table": {"DescribeTable", "GetItem", "ListTagsOfResource", "UpdateItem"},
    "test_model_sources": {"DescribeHubContent", "DescribeModelPackage", "ListModelPackages"},
    "test_adapters": {"InvokeEndpoint", "InvokeEndpointWithResponseStream"},
    "test_asynchronous_requests": {"InvokeEndpointAsync"},
    "test_build_secrets": {"GetSecretValue"},
    "test_local_model": {"PutBucketTagging", "PutPublicAccessBlock"},
    "test_transform_jobs": {"ListObjectsV2", "StopTransformJob"},
    "test_reaper": {"ListEndpoints"},
    "test_traffic": {"GetMetricData"},
    "../functional/test_hyperpod": {"DescribeCluster", "ListClusters"},
}  # fmt: skip

# Of a module that nothing calls yet.
UNUSED = {"Publish"}


def known() -> dict[str, str]:
    """Operations by name, with their service."""
    return {name: service for service in SERVICES for name in walker.service_model(service).operation_names}


def possible() -> set[str]:
    """The operations whose names stand in the source, but for our own server's, which answers them."""
    names = known()
    files = [f for room in ("io/aws", "lifecycle") for f in (ROOT / "mlcc" / room).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    return {str(n.value) for n in nodes if isinstance(n, ast.Constant) and str(n.value) in names}


POLICIES = ("all_at_once", "canary", "linear", "rolling")
CHANGED = TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: b}}")
MORE = TWO.replace("{name: b, gpu_count: 1}", "{name: b, gpu_count: 1, copy_count: 2}")


def updates() -> Iterator[tuple[str, str, str]]:
    """What runs, what it becomes, and the operation by which."""
    for policy in POLICIES:
        written = f"endpoint: {{update_policy: {policy}, rollback_alarms: [errors], routing_strategy: RANDOM}}\n"
        yield CLASSIC, CLASSIC + written, "UpdateEndpoint"
        yield TWO, TWO + written, "UpdateEndpoint"
        yield TWO, CHANGED + written.replace(", routing_strategy: RANDOM", ""), "UpdateInferenceComponent"
    yield TWO, MORE, "UpdateInferenceComponentRuntimeConfig"


@pytest.mark.parametrize(("before", "after", "operation"), list(updates()))
def test_an_update_is_what_the_service_s_model_allows(before: str, after: str, operation: str) -> None:
    world = World()
    verbs.deploy(world.context(rendered(before)))
    world.asked.clear()
    verbs.deploy(world.context(rendered(after)))
    assert ("sagemaker", operation) in world.asked
    assert verbs.clean(world.context(rendered(after))).ok
    assert world.left() == []


SCOPES = ("adapters", "components", "endpoint", "repository", "codebuild", "all")


def life(text: str, model: str) -> World:
    """Everything that can be done with a deployment, and its end in parts.  model: where a model answers."""
    world = World(model)

    def late(context: Context) -> None:
        world.sleep(7200)
        verbs.deploy(context)

    make = lambda verb, **given: verb(world.context(rendered(text), **given))  # noqa: E731
    world.cloud.buckets["data"] = {"in/a.csv": b"1,2\n"}
    steps: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (verbs.deploy, {}), (late, {}), (verbs.deploy, {"plan": True}), (verbs.status, {}), (verbs.status, {"why": True}), (verbs.logs, {}), (verbs.assets, {}),
        *((verbs.adapter, {"action": action, "name": "legal"}) for action in ("list", "remove", "add", "update")),
        *((verbs.clean, {"what": scope}) for scope in SCOPES), (verbs.clean, {}),
    ]  # fmt: skip
    for verb, given in steps:
        try:
            make(verb, **given)
        except MlccError:  # of a target that has no such thing
            assert verb is not verbs.deploy
    return world


def test_no_operation_is_unseen() -> None:
    with serving(ModelServer()) as model:
        for text in (TWO, CLASSIC, BATCH, HEAD):
            assert life(text, model.url).left() == ["data"]
    seen = {operation for _, operation in walker.SEEN}
    seen |= {name for name in known() if hasattr(stacks_cloud.Cloud, name)}
    others = {name for names in ELSEWHERE.values() for name in names}
    updated = {operation for *_, operation in updates()}
    unseen = " ".join(sorted(possible() - seen - others - updated - UNUSED))
    assert unseen == ""
    assert others <= possible(), "the table has no operation that mlcc does not make"


def test_our_server_has_every_operation_of_sagemaker_that_mlcc_calls() -> None:
    """Projects are those of CodeBuild and images those of ECR: SageMaker's own have operations of the same names."""
    others = {name for service in ("codebuild", "ecr") for name in walker.service_model(service).operation_names}
    for service in ("sagemaker", "application-autoscaling"):
        called = possible() & {*walker.service_model(service).operation_names} - others
        assert called
        assert sorted(called - dispatcher.SERVICES[service].keys()) == []


@pytest.mark.parametrize("file", ELSEWHERE)
def test_the_stand_ins_that_are_named_check_each_call(file: str) -> None:
    text = (Path(__file__).parent / f"{file}.py").read_text()
    assert any(word in text for word in ("walker.check", "import World", "World,", "Cloud"))
