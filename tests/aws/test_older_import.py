"""A deployed project of the older tool is imported, planned and deployed; its own resources stay as they are.

What the older tool makes is made here by the calls of its scripts (deploy.d/* and lib/*.sh of ml-container-creator 1.6):
under names with a time, without tags, a component from a container and not from a model.  So the two cannot be the same
resources; docs/aws.md has the list of what is not alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.paths import leaves
from mlcc.lifecycle.targets.sagemaker import transform_jobs, verbs
from mlcc.load import new_text
from mlcc.lookups import older_project
from mlcc.registries import load
from tests.aws.account import World, render
from tests.aws.cloud import NUMBER, REGION
from tests.aws.model_server import ModelServer
from tests.helpers import build_tree

AT = "1700000000"
ROLE = f"arn:aws:iam::{NUMBER}:role/r"
IMAGE = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/ml-container-creator:demo-latest"
HEAD = {
    "PROJECT_NAME": "demo",
    "AWS_REGION": REGION,
    "BUILD_TARGET": "codebuild",
    "CODEBUILD_COMPUTE_TYPE": "BUILD_GENERAL1_LARGE",
    "IC_GPU_COUNT": "1",
    "ROLE_ARN": ROLE,
    "ECR_REPOSITORY_NAME": "ml-container-creator",
}
CHAT = {
    **HEAD,
    "DEPLOYMENT_CONFIG": "transformers-vllm",
    "DEPLOYMENT_TARGET": "realtime-inference",
    "INSTANCE_TYPE": "ml.g5.12xlarge",
    "INFERENCE_AMI_VERSION": "al2023-ami-sagemaker-inference-gpu-4-1",
    "MODEL_NAME": "Qwen/Qwen3-0.6B",
    "IC_ENV_VLLM_MAX_MODEL_LEN": "4096",
}
PARTS = {
    "default": {"IC_IMAGE_TAG": "demo-latest", "IC_GPU_COUNT": "2", "IC_COPY_COUNT": "1", "IC_MIN_MEMORY_MB": "1024", "IC_STARTUP_TIMEOUT": "900"},
    "small": {"IC_COPY_COUNT": "2", "IC_MIN_MEMORY_MB": "2048", "IC_STARTUP_TIMEOUT": "600"},
}  # fmt: skip
ADAPTER = {"ADAPTER_NAME": "legal", "ADAPTER_WEIGHTS_URI": "s3://bucket/legal.tar.gz"}
ASYNC = {
    **HEAD,
    "DEPLOYMENT_CONFIG": "http-fastapi",
    "DEPLOYMENT_TARGET": "async-inference",
    "INSTANCE_TYPE": "ml.m5.xlarge",
    "ASYNC_S3_OUTPUT_PATH": "s3://data/out/",
    "ASYNC_SNS_SUCCESS_TOPIC": f"arn:aws:sns:{REGION}:{NUMBER}:done",
    "ASYNC_SNS_ERROR_TOPIC": f"arn:aws:sns:{REGION}:{NUMBER}:failed",
    "ASYNC_MAX_CONCURRENT_INVOCATIONS": "4",
}
BATCH = {
    **HEAD,
    "DEPLOYMENT_CONFIG": "http-fastapi",
    "DEPLOYMENT_TARGET": "batch-transform",
    "INSTANCE_TYPE": "ml.m5.xlarge",
    "BATCH_INPUT_PATH": "s3://data/in/",
    "BATCH_OUTPUT_PATH": "s3://data/out/",
    "BATCH_INSTANCE_COUNT": "1",
    "BATCH_SPLIT_TYPE": "Line",
    "BATCH_STRATEGY": "MultiRecord",
    "BATCH_JOIN_SOURCE": "None",
}


# ---------------------------------------------------------------- what the older scripts call
def endpoint(world: World, name: str, config: str, variant: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    shared = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, **variant}
    parameters = {"EndpointConfigName": config, "ProductionVariants": [shared], **more}
    world.call("sagemaker", "CreateEndpointConfig", parameters)
    world.call("sagemaker", "CreateEndpoint", {"EndpointName": name, "EndpointConfigName": config})
    world.sleep(1800)


def components(world: World, own: Mapping[str, str], parts: Mapping[str, Mapping[str, str]]) -> None:
    """deploy.d/realtime-inference: an endpoint for components, then one for each do/ic/*.conf, and do/adapter add."""
    variant = {"InstanceType": own["INSTANCE_TYPE"], "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}}
    variant |= {"InferenceAmiVersion": own["INFERENCE_AMI_VERSION"]} if "INFERENCE_AMI_VERSION" in own else {}
    endpoint(world, f"demo-endpoint-{AT}", f"demo-epc-{AT}", variant, {"ExecutionRoleArn": own["ROLE_ARN"]})
    for part, settings in parts.items() or [("ic", {})]:
        name = f"demo-{part}-{AT}"
        needs = {
            "NumberOfAcceleratorDevicesRequired": int(settings.get("IC_GPU_COUNT", own["IC_GPU_COUNT"])),
            "MinMemoryRequiredInMb": int(settings.get("IC_MIN_MEMORY_MB", 1024)),
        }
        timeout = int(settings.get("IC_STARTUP_TIMEOUT", 900))
        specification = {
            "Container": {"Image": IMAGE, "Environment": {"INFERENCE_COMPONENT_NAME": name}},
            "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": timeout},
            "ComputeResourceRequirements": needs,
        }
        component(world, name, specification, int(settings.get("IC_COPY_COUNT", 1)))
    if "ENABLE_LORA" in own:
        container = {"ArtifactUrl": ADAPTER["ADAPTER_WEIGHTS_URI"]}
        base = {"BaseInferenceComponentName": f"demo-default-{AT}", "Container": container}
        component(world, "demo-adapter-legal", base)


def component(world: World, name: str, specification: Mapping[str, Any], copies: int = 0) -> None:
    runtime = {"VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": copies}} if copies else {}
    parameters = {"InferenceComponentName": name, "EndpointName": f"demo-endpoint-{AT}", **runtime}
    world.call("sagemaker", "CreateInferenceComponent", {**parameters, "Specification": specification})
    world.sleep(600)


def model(world: World, name: str, own: Mapping[str, str]) -> None:
    parameters = {"ModelName": name, "PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": own["ROLE_ARN"]}
    world.call("sagemaker", "CreateModel", parameters)


def asynchronous(world: World, own: Mapping[str, str], parts: Mapping[str, Mapping[str, str]]) -> None:
    """deploy.d/async-inference."""
    model(world, f"demo-async-model-{AT}", own)
    topics = {"SuccessTopic": own["ASYNC_SNS_SUCCESS_TOPIC"], "ErrorTopic": own["ASYNC_SNS_ERROR_TOPIC"]}
    output = {"S3OutputPath": own["ASYNC_S3_OUTPUT_PATH"], "NotificationConfig": topics}
    limit = {"MaxConcurrentInvocationsPerInstance": int(own["ASYNC_MAX_CONCURRENT_INVOCATIONS"])}
    variant = {"ModelName": f"demo-async-model-{AT}", "InstanceType": own["INSTANCE_TYPE"]}
    more = {"AsyncInferenceConfig": {"OutputConfig": output, "ClientConfig": limit}}
    endpoint(world, f"demo-async-ep-{AT}", f"demo-async-epc-{AT}", variant, more)


def job(world: World, own: Mapping[str, str], parts: Mapping[str, Mapping[str, str]]) -> None:
    """deploy.d/batch-transform."""
    model(world, f"demo-batch-model-{AT}", own)
    joined = own["BATCH_JOIN_SOURCE"] == "Input"
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": own["BATCH_INPUT_PATH"]}}
    answers = {"Accept": "application/json", "AssembleWith": own["BATCH_SPLIT_TYPE"]} if joined else {}
    parameters = {
        "TransformJobName": f"demo-batch-job-{AT}",
        "ModelName": f"demo-batch-model-{AT}",
        "TransformInput": {
            "DataSource": source,
            "ContentType": "application/json",
            "SplitType": own["BATCH_SPLIT_TYPE"],
        },
        "TransformOutput": {"S3OutputPath": own["BATCH_OUTPUT_PATH"], **answers},
        "TransformResources": {"InstanceType": own["INSTANCE_TYPE"], "InstanceCount": int(own["BATCH_INSTANCE_COUNT"])},
        "MaxConcurrentTransforms": int(own.get("BATCH_MAX_CONCURRENT_TRANSFORMS", 1)),
        "MaxPayloadInMB": int(own.get("BATCH_MAX_PAYLOAD_IN_MB", 6)),
        "BatchStrategy": own["BATCH_STRATEGY"],
        **({"DataProcessing": {"JoinSource": "Input"}} if joined else {}),
    }
    world.call("sagemaker", "CreateTransformJob", parameters)
    world.sleep(1800)


# ---------------------------------------------------------------- the import
def older(folder: Path, own: Mapping[str, str], parts: Mapping[str, Mapping[str, str]]) -> Path:
    """Its project, as it is after do/deploy."""

    def conf(values: Mapping[str, str]) -> str:
        return "".join(f'export {name}="{value}"\n' for name, value in values.items())

    recorded = {"ENDPOINT_NAME": f"demo-endpoint-{AT}", "ENDPOINT_CONFIG_NAME": f"demo-epc-{AT}"}
    files = {"do/config": conf({**own, **recorded})}
    files |= {f"do/ic/{p}.conf": conf({**v, "IC_DEPLOYED_NAME": f"demo-{p}-{AT}"}) for p, v in parts.items()}
    files |= {"do/adapters/legal.conf": conf(ADAPTER)} if "ENABLE_LORA" in own else {}
    return build_tree(folder, files)


def imported(folder: Path, new: Path) -> tuple[Path, list[str]]:
    """The project as init --import and apply make it, and what was listed."""
    found = older_project.read(str(folder), load())
    row = load().deployment_configs[str(found.values["deployment", "config"])]
    text = new_text.text(found.values, row, hub=False, comments=found.comments)
    return render(text, new), [f.message for f in found.findings]


def tables(world: World) -> dict[str, Any]:
    """Everything of SageMaker that is there, with its request."""
    account = world.account
    every = (account.models, account.configs, account.endpoints, account.components, account.jobs)
    return {thing.arn: (thing.request, thing.tags, thing.status) for table in every for thing in table.values()}


def unlike(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Members in which two requests differ, by path; what a service takes where nobody says it is no difference."""
    old, new = (dict(leaves(made, into_lists=True)) for made in (before, after))
    paths = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    usual = transform_jobs.STANDARD
    return {
        p
        for p in paths
        if not (p in usual and usual[p] in (old.get(p), new.get(p)) and None in (old.get(p), new.get(p)))
    }


def pairs(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Requests of the older tool's resources, each with that of mlcc's own."""
    for arn in theirs:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        part = {"ic": "default", "adapter": "legal"}.get(name.split("-")[1], name.split("-")[1])
        wanted = f"{kind}/demo-{part}" if kind == "inference-component" else f"{kind}/"
        (one,) = (found for other, found in ours.items() if other.rpartition(":")[2].startswith(wanted))
        yield theirs[arn][0], one[0]


NAMES = {"EndpointConfigName", "EndpointName", "InferenceComponentName", "ModelName", "TransformJobName"}
# What of the container comes from an image and not from do/config: it is built anew, and reads variables of its own.
CONTAINER = ("PrimaryContainer.", "Specification.Container.", "Specification.ModelName")
CASES = {
    "components": (components, CHAT, PARTS, set()),
    "adapters": (components, {**CHAT, "ENABLE_LORA": "true"}, PARTS, {"Specification.BaseInferenceComponentName"}),
    "the older form": (components, CHAT, {}, set()),
    "asynchronous": (asynchronous, ASYNC, {}, {"ProductionVariants[0].ModelName", "ProductionVariants[0].InitialVariantWeight"}),
    "batch": (job, BATCH, {}, set()),
    "joined": (job, {**BATCH, "BATCH_JOIN_SOURCE": "Input"}, {}, set()),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_runs_stays_and_what_is_made_beside_it_is_alike(case: str, model: ModelServer, tmp_path: Path) -> None:
    make, own, parts, more = CASES[case]
    world = World(model.url)
    world.cloud.buckets["data"] = {"in/a.csv": b"11\n22\n"}
    make(world, own, parts)
    theirs = tables(world)
    project, listed = imported(older(tmp_path / "older", own, parts), tmp_path / "new")
    assert [m for m in listed if "ENDPOINT_NAME" in m]
    planned = verbs.deploy(world.context(project, plan=True)).document
    assert set(planned["summary"]) == {"create"}
    assert planned["values"] == []
    verbs.deploy(world.context(project))
    assert verbs.deploy(world.context(project, plan=True)).document["summary"] in ({}, {"create": 1})
    ours = {arn: found for arn, found in tables(world).items() if arn not in theirs}
    differ: set[str] = set()
    for old, new in pairs(theirs, ours):
        differ |= {p for p in unlike(old, new) if not (p in NAMES or p.startswith(CONTAINER))}
    assert differ == more
    assert verbs.clean(world.context(project)).ok
    assert {arn: found for arn, found in tables(world).items() if arn in theirs} == theirs
