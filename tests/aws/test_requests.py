"""Every request of a first deployment of every config on every target, held against the services' own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc import pipeline
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.load.request import Request
from tests.aws import walker
from tests.functional.test_all_configs import PAIRS, fitting
from tests.helpers import ROOT, build_tree

TARGETS = ("async-inference", "batch-transform", "realtime-inference")
HEAD = "version: 1\nproject: {{name: {name}}}\ndeployment: {{config: {config}, target: {target}, region: {region}{more}}}\n"


def dry_run(text: str, folder: Path, env: str | None = None) -> dict[str, Any]:
    """The document of `do/deploy --dry-run`."""
    build_tree(folder, {"mlcc.yaml": text})
    project = pipeline.read(folder / "mlcc.yaml", Request())
    assert project.ok, project.findings
    pipeline.apply(project)
    context = Context(load_project(str(folder), env=env), {}, Silent(), lambda _: None, lambda: 0.0, {"dry_run": True})
    return dict(verbs.deploy(context).document)


def problems(document: dict[str, Any]) -> list[str]:
    return [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])]


def operations(document: dict[str, Any]) -> list[str]:
    return [c["operation"] for c in document["calls"]]


# ---------------------------------------------------------------- the walker itself
GOOD = {"ModelName": "a", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/x", "PrimaryContainer": {"Image": "i"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ModelName": "-a"}, "does not match"),
        ({"ModelName": "a" * 64}, "above 63"),
        ({"ModelName": 1}, "a string is wanted"),
        ({"Name": "a"}, "no member Name"),
        ({"Tags": [{"Key": "k"}]}, "Value is missing"),
        ({"PrimaryContainer": {"Mode": "Many"}}, "none of the enum"),
        ({"PrimaryContainer": {"Environment": {"A-B": "x"}}}, "does not match"),
        ({"VpcConfig": {"Subnets": [], "SecurityGroupIds": ["sg-1"]}}, "0 is below 1"),
        ({"EnableNetworkIsolation": "true"}, "a boolean is wanted"),
        ({"VpcConfig": None}, "null"),
    ],
)
def test_the_walker_finds(change: dict[str, Any], words: str) -> None:
    assert walker.problems("sagemaker", "CreateModel", GOOD) == []
    found = walker.problems("sagemaker", "CreateModel", GOOD | change)
    assert [words in one for one in found] == [True], found


# ---------------------------------------------------------------- every config on every target
@pytest.mark.parametrize(("config", "target"), [(c, t) for c, t in PAIRS if t in TARGETS])
def test_only_the_required_keys(config: str, target: str, tmp_path: Path) -> None:
    document = dry_run(fitting(config, target), tmp_path)
    assert problems(document) == []
    last = "CreateTransformJob" if target == "batch-transform" else "CreateEndpoint"
    assert {"CreateModel", last} <= set(operations(document))
    assert set(document["assumed"]) == {"account_id", "role_arn", "image"}


EVERYTHING = """
network: {subnets: [subnet-0a1b2c3d], security_group_ids: [sg-0a1b2c3d]}
encryption: {volume_kms_key_id: alias/mlcc, output_kms_key_id: alias/mlcc}
secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token, json_key: token}}
tags: {team: vision}
"""
ENDPOINT = """
endpoint:
  startup_timeout_s: 600
  model_download_timeout_s: 700
  volume_size_gb: 64
  routing_strategy: RANDOM
  data_capture_percent: 10
  data_capture_s3_uri: s3://bucket/capture/
  data_capture_modes: [Input]
  update_policy: POLICY
  rollback_alarms: [iris-errors]
"""
BOUNDS = "scaling: {min_count: 1, max_count: 4}"
METRIC = "scaling: {min_count: 0, max_count: 4, metric: SageMakerVariantInvocationsPerInstance, target_value: 5, scale_in_cooldown_s: 0}"
ALL = {
    "realtime-inference": EVERYTHING + ENDPOINT + BOUNDS + """
model: {name: s3://bucket/model/, accept_eula: true}
inference_components:
  - {name: a, cpu_count: 0.5, memory_mb: 2048, max_memory_mb: 4096, copy_count: 0, startup_timeout_s: 90,
     scaling: {min_count: 0, max_count: 3, target_value: 2.5, scale_in_cooldown_s: 10, scale_out_cooldown_s: 20}}
  - {name: b, image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1, env: {ONLY: b}, scaling: {metric: Own, max_count: 2}}
  - {name: c, enabled: false}
""",
    "async-inference": EVERYTHING + ENDPOINT + METRIC + """
model: {name: s3://bucket/model.tar.gz}
async:
  s3_output_path: s3://bucket/out/
  s3_failure_path: s3://bucket/failed/
  sns_success_topic: arn:aws:sns:us-east-1:123456789012:ok
  sns_error_topic: arn:aws:sns:us-east-1:123456789012:bad
  include_inference_response_in: [SUCCESS_NOTIFICATION_TOPIC]
  max_concurrent_invocations_per_instance: 4
""",
    "batch-transform": EVERYTHING + """
model: {name: s3://bucket/model.tar.gz}
batch:
  {input_path: s3://bucket/in/, s3_data_type: ManifestFile, output_path: s3://bucket/out/, content_type: text/csv, accept: text/csv,
   compression_type: Gzip, instance_count: 2, split_type: Line, assemble_with: Line, strategy: MultiRecord,
   join_source: Input, input_filter: "$[1:]", output_filter: "$[0,-1]", max_concurrent: 0, max_payload_mb: 0,
   invocations_timeout_s: 600, invocations_max_retries: 0, env: {WORKERS: 4}}
""",
}  # fmt: skip


@pytest.mark.parametrize("policy", ["all_at_once", "canary", "linear", "rolling"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_key(target: str, policy: str, tmp_path: Path) -> None:
    more = ', account_id: "123456789012", role_arn: "arn:aws:iam::123456789012:role/r", instance_type: ml.m5.2xlarge'
    text = HEAD.format(name="n" * 40, config="http-fastapi", target=target, region="us-east-1", more=more)
    document = dry_run(text + ALL[target].replace("POLICY", policy), tmp_path)
    assert problems(document) == []


def test_a_container_without_a_network_does_not_look_for_the_hub(tmp_path: Path) -> None:
    text = HEAD.format(
        name="chat", config="transformers-vllm", target="realtime-inference", region="us-east-1", more=""
    )
    text += "model: {name: s3://bucket/model/}\nnetwork: {isolation: true}\nenv: {HF_HOME: /tmp/hub}\n"
    document = dry_run(text, tmp_path)
    assert problems(document) == []
    model = document["calls"][0]["parameters"]
    assert model["EnableNetworkIsolation"] is True
    assert model["PrimaryContainer"]["Environment"]["HF_HUB_OFFLINE"] == "1"


def test_names_keep_to_the_limits_and_apart(tmp_path: Path) -> None:
    """Forty characters of project, an environment and components whose names differ in the last character only."""
    parts = "".join(f"  - {{name: {'c' * 39}{end}}}\n" for end in "ab")
    text = HEAD.format(name="p" * 40, config="http-flask", target="realtime-inference", region="us-east-1", more="")
    text += f"inference_components:\n{parts}environments: {{{'e' * 30}: {{env: {{A: b}}}}}}\n"
    document = dry_run(text, tmp_path, env="e" * 30)
    assert problems(document) == []
    made = [c["parameters"]["InferenceComponentName"] for c in document["calls"] if "Component" in c["operation"]]
    assert len(set(made)) == 2


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("us-west-2", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
    ],
)
def test_every_partition(region: str, partition: str, suffix: str, tmp_path: Path) -> None:
    text = HEAD.format(name="iris", config="http-flask", target="realtime-inference", region=region, more="")
    document = dry_run(text, tmp_path)
    assert problems(document) == []
    assert document["assumed"]["role_arn"].startswith(f"arn:{partition}:iam::")
    assert document["assumed"]["image"].startswith(f"123456789012.dkr.ecr.{region}.{suffix}/")


def test_the_example_of_the_repository(tmp_path: Path) -> None:
    document = dry_run((ROOT / "mlcc.example.yaml").read_text(), tmp_path)
    assert problems(document) == []
