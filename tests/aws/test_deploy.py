"""Deployments on our own SageMaker server, from nothing to nothing, and what goes wrong on the way."""

from __future__ import annotations

import pytest

from mlcc.core.errors import MlccError, UserError
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.faults import ERROR, EXECUTED, Fault
from tests.aws import walker
from tests.aws.account import World, rendered

HEAD = """version: 1
project: {name: chat}
deployment:
  {config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge,
   role_arn: "arn:aws:iam::123456789012:role/r", account_id: "123456789012"}
model: {name: Qwen/Qwen3-0.6B}
engine: {lora: {enabled: true}}
"""
TWO = HEAD + """inference_components:
  - {name: a, gpu_count: 1, scaling: {min_count: 0, max_count: 3, target_value: 4}}
  - {name: b, gpu_count: 1}
adapters: [{name: legal, base: b, artifact_url: s3://bucket/legal.tar.gz}]
"""  # fmt: skip
CLASSIC = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: async-inference, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
async: {s3_output_path: s3://bucket/out/}
scaling: {min_count: 0, max_count: 2}
"""
SCALED = (
    HEAD
    + "scaling: {min_count: 0, max_count: 4, metric: METRIC, target_value: 6, scale_in_cooldown_s: 70, scale_out_cooldown_s: 0}\n"
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("text", [TWO, CLASSIC, SCALED], ids=["components", "asynchronous", "scaled"])
def test_from_nothing_to_nothing(world: World, text: str) -> None:
    project = rendered(text)
    assert verbs.deploy(world.context(project)).document["status"] == "InService"
    assert world.running
    made = world.operations()
    world.sleep(3600)
    now = world.account.timeline.now
    assert verbs.deploy(world.context(project)).document["status"] == "InService"
    assert set(world.operations()[len(made) :]) <= {"AddTags"}, "a second deployment changes nothing"
    account = world.account
    tables = (account.models, account.configs, account.endpoints, account.components)
    ends = {thing.tags["mlcc:expires"] for table in tables for thing in table.values()}
    assert ends == {str(int(now) + 8 * 3600)}, "and begins the time to live anew"
    assert verbs.clean(world.context(project)).ok
    assert world.left() == []
    assert world.running == []


def test_a_failed_update_is_seen_and_the_next_one_succeeds(world: World) -> None:
    """In that order: the status is InService in both cases, and the old reason stays."""
    verbs.deploy(world.context(rendered(TWO)))
    broken = rendered(TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: broken}}"))
    with pytest.raises(UserError) as failed:
        verbs.deploy(world.context(broken))
    assert failed.value.findings[0].code == "MLCC324"
    assert "ping health check" in failed.value.findings[0].message
    mended = rendered(TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: fine}}"))
    verbs.deploy(world.context(mended))
    assert world.account.components["chat-b"].reason, "it outlives the success"
    assert [c.image.environment.get("NOTE") for c in world.running].count("fine") == 1


def test_a_failed_creation_is_made_anew(world: World) -> None:
    broken = rendered(TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: broken}}"))
    with pytest.raises(UserError) as failed:
        verbs.deploy(world.context(broken))
    assert failed.value.findings[0].code == "MLCC323"
    verbs.deploy(world.context(rendered(TWO)))
    assert verbs.clean(world.context(rendered(TWO))).ok
    assert world.left() == []


def test_what_is_somebody_else_s_is_left_alone(world: World) -> None:
    project = rendered(TWO)
    role = "arn:aws:iam::123456789012:role/r"
    variant = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "theirs", "ProductionVariants": [variant], "ExecutionRoleArn": role}
    world.call("sagemaker", "CreateEndpointConfig", config)
    world.call("sagemaker", "CreateEndpoint", {"EndpointName": "chat", "EndpointConfigName": "theirs"})
    world.sleep(600)
    before = world.left()
    for verb in (verbs.deploy, verbs.clean):
        with pytest.raises(UserError) as refused:
            verb(world.context(project))
        assert refused.value.findings[0].code == "MLCC321"
    assert world.left() == before


COPIES = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"


@pytest.mark.parametrize("metric", [COPIES, "Own"])
def test_scaling_of_a_project_that_lists_no_components_scales_its_copies(world: World, metric: str) -> None:
    """All of it: metric, target and cooldowns; the fewest are zero, so an alarm wakes the first copy."""
    project = rendered(SCALED.replace("METRIC", metric))
    verbs.deploy(world.context(project))
    where = "inference-component/chat-default"
    target = world.account.targets[where]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 4)
    kept = world.account.policies[where, "mlcc-tracking"]["TargetTrackingScalingPolicyConfiguration"]
    kind = "PredefinedMetricSpecification" if metric == COPIES else "CustomizedMetricSpecification"
    assert metric in kept.pop(kind).values()
    assert kept == {"TargetValue": 6.0, "ScaleInCooldown": 70, "ScaleOutCooldown": 0}
    assert (where, "mlcc-wake-up") in world.account.policies
    assert world.account.alarms
    [variant] = next(iter(world.account.configs.values())).request["ProductionVariants"]
    assert variant["ManagedInstanceScaling"] == {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}


# ---------------------------------------------------------------- faults
def changing(text: str) -> list[str]:
    """The operations that a deployment and its end are made of."""
    world = World()
    project = rendered(text)
    verbs.deploy(world.context(project))
    verbs.clean(world.context(project))
    return list(dict.fromkeys(world.operations()))


OPERATIONS = [
    "CreateModel", "CreateEndpointConfig", "CreateEndpoint", "CreateInferenceComponent", "RegisterScalableTarget",
    "PutScalingPolicy", "PutMetricAlarm", "DeleteAlarms", "DeleteScalingPolicy", "DeregisterScalableTarget",
    "DeleteInferenceComponent", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel",
]  # fmt: skip


def test_the_list_of_operations_is_whole() -> None:
    assert changing(TWO) == OPERATIONS


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_reply_does_no_harm(world: World, operation: str) -> None:
    """The call was carried out, and nobody knows: nothing is made twice, nothing is left."""
    project = rendered(TWO)
    world.dispatcher.faults.add(Fault(operation, EXECUTED))
    verbs.deploy(world.context(project))
    verbs.clean(world.context(project))
    assert world.left() == []
    assert world.running == []


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "User: x is not authorized to perform: y"),
        ("ResourceLimitExceeded", "The account-level service limit 'ml.g5.12xlarge for endpoint usage' is 0 Instances"),
        ("InternalFailure", "An internal failure occurred."),
        ("ExpiredTokenException", "The security token included in the request is expired"),
    ],
)
def test_an_error_is_one_sentence_and_clean_leaves_nothing(
    world: World, operation: str, code: str, message: str
) -> None:
    project = rendered(TWO)
    world.dispatcher.faults.add(Fault(operation, ERROR, code, message, 400))
    problems = []
    for verb in (verbs.deploy, verbs.clean):
        try:
            verb(world.context(project))
        except MlccError as problem:
            problems += problem.findings
    assert len(problems) == 1
    assert message in problems[0].message
    assert operation in problems[0].message
    verbs.deploy(world.context(project))
    assert verbs.deploy(world.context(project, plan=True)).document["changes"] == []
    verbs.clean(world.context(project))
    assert world.left() == []
    assert world.running == []


def test_what_goes_while_it_is_looked_at_is_gone(world: World) -> None:
    """A resource may go between two reads of it; it is not taken for somebody else's then."""
    project = rendered(TWO)
    verbs.deploy(world.context(project))
    world.dispatcher.faults.add(Fault("ListTags", ERROR, "ValidationException", 'Could not find resource "x".', 400))
    assert verbs.clean(world.context(project)).ok
    assert world.left() == []


def test_the_live_plan_names_the_fields(world: World) -> None:
    first = rendered(TWO)
    created = verbs.deploy(world.context(first, plan=True)).document
    assert set(created["summary"]) == {"create"}
    assert world.left() == []
    verbs.deploy(world.context(first))
    assert verbs.deploy(world.context(first, plan=True)).document["changes"] == []
    text = (
        TWO.replace("gpu_count: 1}", "gpu_count: 1, memory_mb: 2048, env: {NOTE: new}}")
        + "endpoint: {routing_strategy: RANDOM}\n"
    )
    changed = verbs.deploy(world.context(rendered(text), plan=True)).document
    found = {v["path"]: (v["before"], v["after"]) for v in changed["values"]}
    assert found == {
        "component/chat-b/Specification.ComputeResourceRequirements.MinMemoryRequiredInMb": (1024, 2048),
        "component/chat-b/PrimaryContainer.Environment.NOTE": (None, "new"),
        "endpoint/chat/ProductionVariants[0].RoutingConfig.RoutingStrategy": (None, "RANDOM"),
    }


def test_the_live_plan_looks_into_the_model_of_a_variant(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    changed = verbs.deploy(world.context(rendered(CLASSIC + "env: {NOTE: new}\n"), plan=True)).document
    found = {v["path"]: (v["before"], v["after"]) for v in changed["values"]}
    assert found == {"endpoint/iris/PrimaryContainer.Environment.NOTE": (None, "new")}


def test_logs_are_joined_by_time_without_secrets(world: World) -> None:
    project = rendered(TWO)
    now = int(world.account.timeline.now * 1000)
    world.cloud.logs = {
        "/aws/sagemaker/InferenceComponents/chat-a": [
            {"timestamp": now - 90_000_000, "message": "of the day before"},
            {"timestamp": now - 3000, "message": "first\n"},
            {"timestamp": now - 1000, "message": "third \x1b[31m hf_" + "a1B2" * 9},
            {"timestamp": now - 500, "message": "fourth"},
        ],
        "/aws/sagemaker/Endpoints/chat": [{"timestamp": now - 2000, "message": "second"}],
    }
    shown = verbs.logs(world.context(project)).document["lines"]
    assert shown == ["first", "second", "third \\x1b[31m ***REDACTED***", "fourth"]
    assert verbs.logs(world.context(project, lines=1)).document["lines"] == ["fourth"]


def test_logs_of_what_was_never_there_are_empty(world: World) -> None:
    assert verbs.logs(world.context(rendered(TWO))).document["lines"] == []


def test_status_says_why(world: World) -> None:
    broken = rendered(TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: broken}}"))
    with pytest.raises(UserError):
        verbs.deploy(world.context(broken))
    now = int(world.account.timeline.now * 1000)
    world.cloud.logs = {
        "/aws/sagemaker/InferenceComponents/chat-b": [{"timestamp": now, "message": "no such file: model"}]
    }
    assert not [c for c in verbs.status(world.context(broken)).document["components"] if "log" in c]
    why = verbs.status(world.context(broken, why=True))
    failed = {c["name"]: c for c in why.document["components"]}["chat-b"]
    assert (failed["status"], failed["log"]) == ("Failed", ["no such file: model"])
    assert "ping health check" in failed["reason"]
    assert "    no such file: model" in why.lines


def test_a_dry_run_of_clean_names_all_that_would_go(world: World) -> None:
    project = rendered(TWO)
    document = verbs.clean(world.context(project, dry_run=True, what="endpoint")).document
    shown = [c["operation"] for c in document["calls"]]
    assert world.left() == []
    verbs.deploy(world.context(project))
    made = world.operations()
    verbs.clean(world.context(project))
    assert sorted(shown) == sorted(world.operations()[len(made) :])
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []


def test_a_time_limit_is_kept_and_the_next_deployment_goes_on(world: World) -> None:
    project = rendered(TWO)
    with pytest.raises(UserError) as late:
        verbs.deploy(world.context(project, timeout=30))
    assert late.value.findings[0].code == "MLCC322"
    verbs.deploy(world.context(project))
    assert world.operations().count("CreateEndpoint") == 1
