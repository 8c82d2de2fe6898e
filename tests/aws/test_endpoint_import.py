"""A running endpoint becomes mlcc.yaml again: the proof is that its live plan is empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.core.paths import format_path
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.lifecycle.targets.sagemaker.endpoint_import import propose
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
endpoint: {{volume_size_gb: 100, routing_strategy: LEAST_OUTSTANDING_REQUESTS, data_capture_percent: 10,
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
            SECURED.replace("endpoint:", "").replace("name: safe", "name: safe") + "endpoint: {name: other}\n",
            "other",
            None,
        ),
    ],
    ids=["components", "asynchronous", "secured", "environment", "isolated", "named"],
)
def test_the_live_plan_of_an_imported_endpoint_is_empty(text: str, name: str, env: str | None, tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(text, tmp_path / "original"), env))
    before = world.left()
    found = imported(world, name, tmp_path / "new")
    assert found.findings == ()
    assert world.left() == before
    again = written(found, tmp_path / "new")
    assert verbs.deploy(world.context(again, env, plan=True)).document["changes"] == []
    made = world.operations()
    verbs.deploy(world.context(again, env))
    assert set(world.operations()[len(made) :]) <= {"AddTags"}


def test_the_values_of_components(tmp_path: Path) -> None:
    world = World()
    verbs.deploy(world.context(render(COMPONENTS, tmp_path / "original")))
    values = by_path(imported(world, "chat", tmp_path / "new"))
    print(values)
