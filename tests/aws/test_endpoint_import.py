"""A running endpoint becomes mlcc.yaml again: the proof is that its live plan is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.cli import imports
from mlcc.core.errors import UserError
from mlcc.core.paths import format_path
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.lifecycle.targets.sagemaker.imports import lifetime
from mlcc.lifecycle.targets.sagemaker.imports.containers import component_names
from mlcc.lifecycle.targets.sagemaker.imports.endpoint import propose
from mlcc.load import coerce, new_text
from mlcc.lookups.proposal import Proposal
from mlcc.registries import load
from tests.aws.account import World, render

ROLE = "arn:aws:iam::123456789012:role/r"
COMPONENTS = f"""version: 1
project: {{name: chat}}
deployment:
  {{config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge, role_arn: "{ROLE}", instance_count: 2}}
model: {{name: Qwen/Qwen3-0.6B, revision: main}}
engine: {{max_model_len: 4096, lora: {{enabled: true}}}}
env: {{GREETING: hello}}
scaling: {{min_count: 1, max_count: 4}}
endpoint: {{routing_strategy: LEAST_OUTSTANDING_REQUESTS, data_capture_percent: 10,
  data_capture_s3_uri: "s3://bucket/capture/", data_capture_modes: [Input]}}
tags: {{team: vision}}
inference_components:
  - {{name: a, gpu_count: 1, scaling: {{min_count: 0, max_count: 3, target_value: 4, scale_in_cooldown_s: 60}}}}
  - {{name: b, gpu_count: 2, copy_count: 1, memory_mb: 2048, env: {{GREETING: bye}}, startup_timeout_s: 900}}
adapters: [{{name: legal, base: a, artifact_url: "s3://bucket/legal.tar.gz"}}]
"""
ASYNC = f"""version: 1
project: {{name: iris}}
deployment: {{config: http-fastapi, target: async-inference, region: us-east-1, role_arn: "{ROLE}"}}
model: {{name: "s3://bucket/iris/", format: joblib}}
async: {{s3_output_path: "s3://bucket/out/", max_concurrent_invocations_per_instance: 4,
  sns_error_topic: "arn:aws:sns:us-east-1:123456789012:errors"}}
scaling: {{min_count: 0, max_count: 2}}
env: {{LOG_LEVEL: debug}}
endpoint: {{volume_size_gb: 100}}
"""
SECURED = f"""version: 1
project: {{name: safe}}
deployment: {{config: transformers-sglang, region: us-east-1, instance_type: ml.g5.xlarge, role_arn: "{ROLE}"}}
model: {{name: "s3://bucket/model/"}}
network: {{subnets: [subnet-1, subnet-2], security_group_ids: [sg-1]}}
encryption: {{volume_kms_key_id: key/1}}
secrets:
  HF_TOKEN: {{secretsmanager: hub/token}}
  API_KEY: {{secretsmanager: "arn:aws:secretsmanager:us-east-1:123456789012:secret:api-AbCdEf", json_key: key}}
environments: {{prod: {{env: {{LEVEL: high}}}}}}
"""
ISOLATED = f"""version: 1
project: {{name: alone}}
deployment: {{config: triton-vllm, target: async-inference, region: us-east-1, role_arn: "{ROLE}"}}
model: {{name: "s3://bucket/model/"}}
network: {{subnets: [subnet-1], security_group_ids: [sg-1], isolation: true}}
encryption: {{output_kms_key_id: key/1}}
async: {{s3_output_path: "s3://bucket/out/"}}
env_unset: [SAGEMAKER_TRITON_LOG_INFO]
"""


def imported(world: World, name: str, folder: Path, **given: str) -> Proposal:
    over = coerce.coerce_all({key.replace("__", "."): value for key, value in given.items()})
    return propose(name, str(folder / "mlcc.yaml"), over, load(), world, world.account.timeline.now)


def written(found: Proposal, folder: Path) -> Path:
    """The proposal as a rendered project, as init and apply make it."""
    row = load().deployment_configs[str(found.values["deployment", "config"])]
    return render(new_text.text(found.values, row, hub=False, comments=found.comments), folder)


def by_path(found: Proposal) -> dict[str, Any]:
    return {format_path(path): value for path, value in found.values.items()}


@pytest.mark.parametrize(
    ("text", "name", "env"),
    [
        (COMPONENTS, "chat", None),
        (ASYNC, "iris", None),
        (SECURED, "safe", None),
        (SECURED, "safe-prod", "prod"),
        (ISOLATED, "alone", None),
        (
            COMPONENTS.partition("inference_components:")[0].replace("max_count: 4", "max_count: 4, target_value: 7"),
            "chat",
            None,
        ),
        (COMPONENTS.replace("gpu_count: 2, copy", "model: Qwen/Qwen3-1.7B, gpu_count: 2, copy"), "chat", None),
        (
            SECURED.replace("endpoint:", "").replace("name: safe", "name: safe") + "endpoint: {name: other}\n",
            "other",
            None,
        ),
    ],
    ids=["components", "asynchronous", "secured", "environment", "isolated", "implied", "models", "named"],
)
def test_the_live_plan_of_an_imported_endpoint_is_empty(text: str, name: str, env: str | None, tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(text, tmp_path / "original"), env))
    before = world.left()
    found = imported(world, name, tmp_path / "new")
    assert found.findings == ()
    assert world.left() == before
    shown = f"do/deploy --env {env} --plan" if env else "do/deploy --plan"
    assert imports.comparison(imports.Wish(endpoint=name), found) == f", then {shown}"
    assert [shown in line for line in found.comments if "do/deploy" in line] == ([True] if env else [])
    again = written(found, tmp_path / "new")
    assert verbs.deploy(world.context(again, env, plan=True)).document["changes"] == []
    made = world.operations()
    verbs.deploy(world.context(again, env))
    assert set(world.operations()[len(made) :]) <= {"AddTags"}


@pytest.mark.parametrize("config", ["transformers-vllm", "http-fastapi"])
def test_instances_scale_and_the_only_component_does_not(config: str, tmp_path: Path) -> None:
    """As an earlier mlcc has made it: the imported project makes no scaler for the copies either."""
    world = World()
    model = "model: {name: Qwen/Qwen3-0.6B}\n" if config.startswith("transformers") else ""
    text = f"""version: 1
project: {{name: alone}}
deployment: {{config: {config}, region: us-east-1, role_arn: "{ROLE}"}}
{model}scaling: {{min_count: 1, max_count: 3}}
"""
    verbs.deploy(world.context(render(text, tmp_path / "original")))
    world.account.targets.clear()
    world.account.policies.clear()
    found = imported(world, "alone", tmp_path / "new")
    assert found.findings == ()
    assert by_path(found)["scaling.max_count"] == 3
    assert verbs.deploy(world.context(written(found, tmp_path / "new"), plan=True)).document["changes"] == []


def test_the_values_of_components(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(COMPONENTS, tmp_path / "original")))
    found = imported(world, "chat", tmp_path / "new", project__description="a bot")
    values = by_path(found)
    assert (
        values.items()
        >= {
            "project.name": "chat",
            "project.description": "a bot",
            "deployment.config": "transformers-vllm",
            "deployment.target": "realtime-inference",
            "deployment.instance_count": 2,
            "model.name": "Qwen/Qwen3-0.6B",
            "model.revision": "main",
            "env.VLLM_MAX_MODEL_LEN": "4096",
            "build.strategy": "none",
            "endpoint.data_capture_modes": ["Input"],
            "scaling.max_count": 4,
            "inference_components[a].scaling.min_count": 0,
            "inference_components[a].scaling.target_value": 4,
            "inference_components[b].env.GREETING": "bye",
            "inference_components[b].startup_timeout_s": 900,
            "adapters[legal].base": "a",
            "tags.team": "vision",
        }.items()
    )
    assert "inference_components[a].copy_count" not in values, "a scaler decides it"
    assert "env.VLLM_MODEL" not in values, "it is model.name"
    assert found.comments[0] == "deployment.config follows from the tag mlcc:config-id."


def test_the_account_and_the_lifetime_come_back(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(ASYNC + "ttl: 2d\n", tmp_path / "original")))
    found = imported(world, "iris", tmp_path / "new")
    assert by_path(found).items() >= {"deployment.account_id": "123456789012", "ttl": "2d"}.items()
    assert found.findings == ()
    assert any("mlcc:expires" in comment for comment in found.comments)


def test_a_lifetime_that_was_moved_is_not_guessed(tmp_path: Path) -> None:
    world = World()
    project = render(ASYNC, tmp_path / "original")
    verbs.deploy(world.context(project))
    world.sleep(1000)
    verbs.deploy(world.context(project))
    found = imported(world, "iris", tmp_path / "new")
    assert "ttl" not in by_path(found)
    (moved,) = [f for f in found.findings if f.code == "MLCC388"]
    assert "mlcc:expires was moved" in moved.message
    assert "mlcc set ttl" in moved.hint


@pytest.mark.parametrize(
    ("lived", "text"),
    [
        (8 * 3600, "8h"),
        (8 * 3600 - 200, "8h"),
        (172_000 + 800, "2d"),
        (3000, "50m"),
        (290, "5m"),
        (5000, ""),
        (0, ""),
        (-9, ""),
    ],
)
def test_a_lifetime_is_a_round_one(lived: float, text: str) -> None:
    assert lifetime.written(lived) == text


# ---------------------------------------------------------------- what mlcc has not made
VARIANT = {"VariantName": "AllTraffic", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1, "ModelName": "m"}


def made_by_hand(world: World, image: str, environment: dict[str, str], **config: Any) -> None:
    container = {"Image": image, "Environment": environment}
    world.call("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container})
    parameters = {"EndpointConfigName": "theirs", "ProductionVariants": [VARIANT], **config}
    world.call("sagemaker", "CreateEndpointConfig", parameters)
    world.call("sagemaker", "CreateEndpoint", {"EndpointName": "Their-Endpoint", "EndpointConfigName": "theirs"})
    world.sleep(3600)


OUTPUT = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/out/"}}}
DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.31.0-gpu-py312-cu130-ubuntu24.04-sagemaker"


def test_an_endpoint_that_mlcc_has_not_made(tmp_path: Path) -> None:
    world = World()
    secrets = {"HF_TOKEN": "hf_" + "a" * 30, "NOTE": "ghp_" + "b" * 36}
    made_by_hand(world, DLC, {"SM_VLLM_MODEL": "Qwen/Qwen3-0.6B", "SM_VLLM_MAX_MODEL_LEN": "2048", **secrets}, **OUTPUT)
    found = imported(world, "Their-Endpoint", tmp_path / "new")
    values = by_path(found)
    assert (
        values.items()
        >= {
            "project.name": "their-endpoint",
            "deployment.config": "transformers-vllm",
            "deployment.target": "async-inference",
            "framework.name": "vllm-dlc",
            "model.name": "Qwen/Qwen3-0.6B",
            "env.SM_VLLM_MAX_MODEL_LEN": "2048",
            "build.image_uri": DLC,
        }.items()
    )
    assert "endpoint.name" not in values
    assert [f.code for f in found.findings] == ["MLCC385", "MLCC385", "MLCC389"]
    text = (written(found, tmp_path / "new") / "mlcc.yaml").read_text()
    assert "  HF_TOKEN: {secretsmanager: ITS-NAME}" in text
    for secret in secrets.values():
        assert secret not in text + str(found)


@pytest.mark.parametrize(
    ("image", "environment"),
    [
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1", {"VLLM_MODEL": "Qwen/Qwen3-0.6B"}),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm:0.31.0", {"SM_VLLM_MODEL": "Qwen/Qwen3-0.6B"}),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/python:3.12", {}),
    ],
)
def test_a_config_that_nothing_proves_is_asked_for(image: str, environment: dict[str, str], tmp_path: Path) -> None:
    world = World()
    made_by_hand(world, image, environment, **OUTPUT)
    with pytest.raises(UserError, match="nothing tells which deployment config") as refused:
        imported(world, "Their-Endpoint", tmp_path)
    assert refused.value.findings[0].code == "MLCC387"
    assert "--deployment-config" in refused.value.findings[0].hint
    named = by_path(imported(world, "Their-Endpoint", tmp_path, deployment__config="http-flask"))
    assert named["deployment.config"] == "http-flask"
    with pytest.raises(UserError, match="no deployment config is called"):
        imported(world, "Their-Endpoint", tmp_path, deployment__config="http-nothing")


def test_what_cannot_be_described_is_listed(tmp_path: Path) -> None:
    world = World()
    second = {**VARIANT, "VariantName": "Second", "VolumeSizeInGB": 10}
    made_by_hand(world, DLC, {"SM_VLLM_MODEL": "a/b"}, **OUTPUT, ProductionVariants=[VARIANT, second])
    found = imported(world, "Their-Endpoint", tmp_path)
    assert [f.message for f in found.findings if f.code == "MLCC388"] == [
        "the variant 'Second' cannot be described by mlcc.yaml"
    ]


def scaled_by(world: World, policies: dict[str, dict[str, Any]]) -> None:
    """An endpoint of somebody else with a scaler.  policies: of target tracking, or of steps, by name."""
    made_by_hand(world, DLC, {"SM_VLLM_MODEL": "a/b"}, **OUTPUT)
    where = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/Their-Endpoint/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    world.call("application-autoscaling", "RegisterScalableTarget", {**where, "MinCapacity": 1, "MaxCapacity": 5})
    for name, settings in policies.items():
        kind = "StepScaling" if "AdjustmentType" in settings else "TargetTrackingScaling"
        policy = {"PolicyName": name, **where, "PolicyType": kind, f"{kind}PolicyConfiguration": settings}
        world.call("application-autoscaling", "PutScalingPolicy", policy)


METRIC = "SageMakerVariantInvocationsPerInstance"
PLAIN = {"TargetValue": 7.5, "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC}}
BACKLOG = {
    "MetricName": "ApproximateBacklogSizePerInstance",
    "Namespace": "AWS/SageMaker",
    "Dimensions": [{"Name": "EndpointName", "Value": "Their-Endpoint"}],
    "Statistic": "Average",
}


@pytest.mark.parametrize(
    ("settings", "read"),
    [
        (PLAIN, {"metric": METRIC, "target_value": 7.5}),
        ({**PLAIN, "DisableScaleIn": False}, {"metric": METRIC, "target_value": 7.5}),
        (
            {**PLAIN, "ScaleInCooldown": 600, "ScaleOutCooldown": 0},
            {"metric": METRIC, "target_value": 7.5, "scale_in_cooldown_s": 600, "scale_out_cooldown_s": 0},
        ),
        ({"TargetValue": 4.0, "CustomizedMetricSpecification": BACKLOG}, {"target_value": 4}),
    ],
)
def test_a_policy_of_target_tracking_is_read_whoever_made_it(
    settings: dict[str, Any], read: dict[str, Any], tmp_path: Path
) -> None:
    world = World()
    scaled_by(world, {"theirs": settings})
    found = imported(world, "Their-Endpoint", tmp_path)
    assert "MLCC388" not in {f.code for f in found.findings}
    values = {path: value for path, value in by_path(found).items() if path.startswith("scaling.")}
    assert values == {"scaling.min_count": 1, "scaling.max_count": 5} | {f"scaling.{k}": v for k, v in read.items()}


STEPS = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}


@pytest.mark.parametrize(
    "policies",
    [
        {"theirs": {**PLAIN, "DisableScaleIn": True}},
        {"theirs": {"TargetValue": 4.0, "CustomizedMetricSpecification": BACKLOG | {"Namespace": "theirs"}}},
        {"theirs": {"TargetValue": 4.0, "CustomizedMetricSpecification": BACKLOG | {"Statistic": "Maximum"}}},
        {"theirs": STEPS},
        {"first": PLAIN, "theirs": {**PLAIN, "TargetValue": 9.0}},
        {"theirs": PLAIN, "mlcc-tracking": {**PLAIN, "TargetValue": 9.0}},
    ],
)
def test_a_policy_that_says_more_is_listed(policies: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    world = World()
    scaled_by(world, policies)
    found = imported(world, "Their-Endpoint", tmp_path)
    assert [f.message for f in found.findings if f.code == "MLCC388"] == [
        "the scaling policy 'theirs' cannot be described by mlcc.yaml"
    ]
    kept = next((settings for name, settings in policies.items() if name != "theirs"), None)
    assert by_path(found).get("scaling.target_value") == (kept["TargetValue"] if kept is not None else None)


def test_what_a_deployment_would_change_is_listed(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(ASYNC, tmp_path / "original")))
    found = imported(world, "iris", tmp_path / "new", deployment__instance_count="3", env__LOG_LEVEL="info")
    assert {f.code for f in found.findings} == {"MLCC389"}
    messages = "\n".join(f.message for f in found.findings)
    assert "ProductionVariants[0].InitialInstanceCount of endpoint 'iris': 1 -> 3" in messages
    changes = verbs.deploy(world.context(written(found, tmp_path / "new"), plan=True)).document["changes"]
    assert changes


def test_a_difference_of_an_environment_names_it(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(SECURED, tmp_path / "original"), "prod"))
    found = imported(world, "safe-prod", tmp_path / "new", env__LEVEL="low")
    assert {f.hint for f in found.findings} == {"do/deploy --env prod --plan shows it again"}
    assert (
        "\n# What runs is the environment prod: compare it with do/deploy --env prod --plan.\n"
        in (written(found, tmp_path / "new") / "mlcc.yaml").read_text()
    )


def test_a_model_of_the_variant_itself(tmp_path: Path) -> None:
    world = World()
    made_by_hand(world, DLC, {"SM_VLLM_MODEL": "Qwen/Qwen3-0.6B"})
    found = imported(world, "Their-Endpoint", tmp_path)
    assert by_path(found)["deployment.target"] == "realtime-inference"
    assert [f.code for f in found.findings] == ["MLCC388", "MLCC389"]
    assert found.findings[0].message.startswith("a model of the variant itself")


def test_tags_and_variables_may_hold_anything(tmp_path: Path) -> None:
    world = World()
    made_by_hand(world, DLC, {"SM_VLLM_MODEL": "../$(id)", "A": "x: {y}\n# z", "B": "\x1b[2J"}, **OUTPUT)
    (endpoint,) = world.account.endpoints.values()
    endpoint.tags |= {
        "mlcc:project": "../../etc",
        "mlcc:environment": "a b",
        "team": "x\n- y: 'z",
        "k": "AKIA" + "A" * 16,
    }
    found = imported(world, "Their-Endpoint", tmp_path / "new")
    values = by_path(found)
    assert values["project.name"] == "their-endpoint"
    assert values["env.A"] == "x: {y}\n# z"
    assert not {"model.name", "env.B", "tags.k"} & set(values)
    codes = {f.code for f in found.findings}
    assert codes >= {"MLCC384", "MLCC388", "MLCC389"}
    assert "AKIA" not in str(found)


def test_what_others_have_on_the_endpoint_stays_theirs(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(COMPONENTS, tmp_path / "original")))
    theirs = dict(world.account.components["chat-b"].request)
    world.call("sagemaker", "CreateInferenceComponent", {**theirs, "InferenceComponentName": "theirs", "Tags": []})
    world.sleep(3600)
    found = imported(world, "chat", tmp_path / "new")
    assert [f.message for f in found.findings] == [
        "the component 'theirs' of another project cannot be described by mlcc.yaml"
    ]
    assert not [path for path in by_path(found) if "theirs" in path]
    again = written(found, tmp_path / "new")
    assert verbs.deploy(world.context(again, plan=True)).document["changes"] == []


def test_components_that_would_be_called_alike(tmp_path: Path) -> None:
    names = ["Chat-A", "chat-a", "chat_a", "p-chat-a", "-"]
    assert component_names(names, "p") == {
        "Chat-A": "chat-a", "chat-a": "chat-a-2", "chat_a": "chat-a-3", "p-chat-a": "chat-a-4", "-": "default",
    }  # fmt: skip


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no endpoint 'none' in us-east-1"):
        imported(World(), "none", tmp_path)
