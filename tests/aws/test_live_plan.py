"""The promise of the live plan, on generated projects: empty after a deployment, and after a change it names the change.

A key reaches a call where what shall be there differs; the table below says how the plan names each key then.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlcc import pipeline
from mlcc.core.paths import leaves, nested, parse_path
from mlcc.lifecycle.targets.sagemaker import account, comparison, verbs
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.load.request import Request
from tests.aws.account import World, loaded
from tests.aws.model_server import ModelServer
from tests.helpers import build_tree

# A deployment takes a tenth of a second here, so that the fast tests try few (MLCC_EXAMPLES: `make stress`).
FEW = settings(max_examples=int(os.environ.get("MLCC_EXAMPLES", "4")))
ROLE = "arn:aws:iam::123456789012:role/"
TOPIC = "arn:aws:sns:us-east-1:123456789012:"


class Key(NamedTuple):
    """A key of mlcc.yaml.

    values: that it may have; shown: what the live plan says of a change of it, as a pattern; alone: False where other
    keys need it, so that it always stands there.
    """

    values: st.SearchStrategy[Any]
    shown: str
    alone: bool = True


def of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


PATHS = of("s3://bucket/one/", "s3://bucket/two/", "s3://other/one/")
SCALING = st.fixed_dictionaries(
    {"max_count": of(2, 3)},
    optional={
        "min_count": of(0, 1, 2),
        "target_value": of(1, 4.5, 70),
        "scale_in_cooldown_s": of(0, 60, 300),
        "scale_out_cooldown_s": of(0, 60),
        "metric": of("Own", "METRIC"),
    },
)


def with_metric(name: str) -> st.SearchStrategy[Any]:
    return SCALING.map(lambda found: {**found, **({"metric": name} if found.get("metric") == "METRIC" else {})})


COPIES = with_metric("SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution")
SCALES = "scal|policy|alarm|Capacity|Cooldown|TargetValue|Metric|CopyCount"
CAPTURE = st.fixed_dictionaries(
    {"endpoint.data_capture_percent": of(5, 100), "endpoint.data_capture_s3_uri": PATHS},
    optional={"endpoint.data_capture_modes": of(["Input"], ["Output"], ["Input", "Output"])},
)
NETWORK = st.fixed_dictionaries(
    {
        "network.subnets": of(["subnet-1"], ["subnet-1", "subnet-2"]),
        "network.security_group_ids": of(["sg-1"], ["sg-2"]),
    },
    optional={"network.isolation": of(True)},
)
COMMON = {
    "env.LEVEL": Key(of("low", "high", 3, True), "Environment.LEVEL"),
    "env.OTHER": Key(of("", "x y", "#"), "Environment.OTHER"),
    "deployment.role_arn": Key(of(ROLE + "r", ROLE + "s"), "RoleArn", alone=False),
    "deployment.instance_type": Key(of("ml.m5.2xlarge", "ml.m5.4xlarge"), "InstanceType|Tags.mlcc:config-id", alone=False),
    "tags.team": Key(of("vision", "speech", ""), "Tags.team"),
    "ttl": Key(of("1h", "2d"), "never: the end of a life is renewed by each deployment"),
    "model.name": Key(PATHS, "ModelDataSource|ModelDataUrl|Tags.mlcc:config-id"),
    "network": Key(NETWORK, "VpcConfig|Isolation|HF_HUB_OFFLINE"),
    "secrets.TOKEN.secretsmanager": Key(of("mlcc/one", "mlcc/two"), "Environment.MLCC_SECRET_TOKEN"),
    "build.image_uri": Key(of(*(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/own:{n}" for n in "12")), "Image"),
    "encryption.volume_kms_key_id": Key(of("key/1", "alias/two"), "KmsKeyId"),
}  # fmt: skip
ENDPOINT = {
    **COMMON,
    "deployment.instance_count": Key(of(1, 2), "InitialInstanceCount"),
    "endpoint.name": Key(of("other", "Another-One"), "EndpointName|endpoint/"),
    "endpoint.variant_name": Key(of("Blue", "Green"), "VariantName|/variant/"),
    "endpoint.volume_size_gb": Key(of(30, 99), "VolumeSizeInGB"),
    "endpoint.startup_timeout_s": Key(of(60, 600, 900), "ContainerStartupHealthCheckTimeoutInSeconds"),
    "endpoint.model_download_timeout_s": Key(of(60, 600, 900), "ModelDataDownloadTimeoutInSeconds"),
    "endpoint.routing_strategy": Key(of("RANDOM", "LEAST_OUTSTANDING_REQUESTS"), "RoutingStrategy|RoutingConfig"),
    "endpoint.update_policy": Key(of("all_at_once", "canary", "linear", "rolling"), "never: of the next update"),
    "endpoint.rollback_alarms": Key(of(["errors"], ["errors", "slow"]), "never: of the next update"),
    "capture": Key(CAPTURE, "DataCaptureConfig"),
}


def component(name: str) -> dict[str, Key]:
    own = f"inference_components[{name}]."
    keys = {
        own + "enabled": Key(of(True, True, False), "component/"),
        own + "cpu_count": Key(of(0.25, 1, 2), "NumberOfCpuCoresRequired"),
        own + "memory_mb": Key(of(1024, 2048), "MinMemoryRequiredInMb"),
        own + "max_memory_mb": Key(of(4096, 8192), "MaxMemoryRequiredInMb"),
        own + "copy_count": Key(of(0, 1, 2), "CopyCount"),
        own + "startup_timeout_s": Key(of(60, 600, 700), "ContainerStartupHealthCheckTimeoutInSeconds"),
        own + "env.OWN": Key(of("a", 1), "Environment.OWN"),
        own + "env.LEVEL": Key(of("a", "low"), "Environment.LEVEL"),
        own + "model": Key(PATHS, "ModelDataSource"),
        own + "scaling": Key(COPIES, SCALES),
    }
    # its first key makes a component, and its last one takes it away
    return {key: row._replace(shown=f"{row.shown}|component/demo[a-z-]*-{name}$") for key, row in keys.items()}


HTTP = {
    **ENDPOINT,
    **component("a"),
    **component("b"),
    "scaling": Key(SCALING, "ManagedInstanceScaling|" + SCALES),
}
ADAPTER = st.fixed_dictionaries(
    {"artifact_url": of("s3://bucket/one.tar.gz", "s3://bucket/two.tar.gz"), "base": of("a", "b")},
    optional={"enabled": of(True, False)},
)
ENGINE = {
    **{name: key for name, key in HTTP.items() if "cpu_count" not in name and "memory_mb" not in name},
    "deployment.instance_type": Key(of("ml.g5.12xlarge", "ml.g5.24xlarge"), "InstanceType|config-id", alone=False),
    "model.name": Key(of("Qwen/Qwen3-0.6B", "Qwen/Qwen3-1.7B"), "VLLM_MODEL|config-id", alone=False),
    "engine.lora.enabled": Key(of(True), "never: it stays", alone=False),
    "engine.max_model_len": Key(of(1024, 2048), "Environment.VLLM_MAX_MODEL_LEN"),
    "adapters[legal]": Key(ADAPTER, "adapter/demo[a-z-]*-legal|config-id"),
    "adapters[poem]": Key(ADAPTER, "adapter/demo[a-z-]*-poem|config-id"),
    "inference_components[a].gpu_count": Key(of(1, 2), "NumberOfAcceleratorDevicesRequired|component/demo[a-z-]*-a$"),
    "inference_components[b].gpu_count": Key(of(1), "NumberOfAcceleratorDevicesRequired|component/demo[a-z-]*-b$"),
}
ASYNC = {
    **ENDPOINT,
    "scaling": Key(with_metric("SageMakerVariantInvocationsPerInstance"), SCALES),
    "encryption.output_kms_key_id": Key(of("key/1", "key/2"), "KmsKeyId"),
    "async.s3_output_path": Key(PATHS, "S3OutputPath", alone=False),
    "async.s3_failure_path": Key(PATHS, "S3FailurePath"),
    "async.sns_success_topic": Key(of(TOPIC + "a", TOPIC + "b"), "SuccessTopic"),
    "async.sns_error_topic": Key(of(TOPIC + "a", TOPIC + "b"), "ErrorTopic"),
    "async.include_inference_response_in": Key(of(["SUCCESS_NOTIFICATION_TOPIC"]), "IncludeInferenceResponseIn"),
    "async.max_concurrent_invocations_per_instance": Key(of(1, 4), "MaxConcurrentInvocationsPerInstance"),
}
JOB = {
    **COMMON,
    "encryption.output_kms_key_id": Key(of("key/1", "key/2"), "TransformOutput.KmsKeyId"),
    "batch.input_path": Key(of("s3://data/in/", "s3://data/in/a"), "S3Uri", alone=False),
    "batch.output_path": Key(of("s3://data/out/", "s3://data/other/"), "S3OutputPath", alone=False),
    "batch.content_type": Key(of("text/csv"), "ContentType", alone=False),
    "batch.accept": Key(of("text/csv", "text/plain"), "Accept"),
    "batch.instance_count": Key(of(1, 2), "InstanceCount"),
    "batch.split_type": Key(of("Line"), "SplitType", alone=False),
    "batch.assemble_with": Key(of("Line"), "AssembleWith", alone=False),
    "batch.strategy": Key(of("MultiRecord", "SingleRecord"), "BatchStrategy"),
    "batch.join_source": Key(of("Input"), "JoinSource"),
    "batch.input_filter": Key(of("$[1:]", "$[0]"), "InputFilter"),
    "batch.output_filter": Key(of("$[0]", "$[0:]"), "OutputFilter"),
    "batch.max_concurrent": Key(of(1, 4), "MaxConcurrentTransforms"),
    "batch.max_payload_mb": Key(of(1, 6), "MaxPayloadInMB"),
    "batch.invocations_timeout_s": Key(of(60, 600), "InvocationsTimeoutInSeconds"),
    "batch.invocations_max_retries": Key(of(0, 3), "InvocationsMaxRetries"),
    "batch.env.LEVEL": Key(of("a", 4), "Environment.LEVEL"),
}
TARGETS: dict[str, tuple[str, str, dict[str, Key]]] = {
    "components": ("http-fastapi", "realtime-inference", HTTP),
    "adapters": ("transformers-vllm", "realtime-inference", ENGINE),
    "asynchronous": ("http-fastapi", "async-inference", ASYNC),
    "batch": ("http-fastapi", "batch-transform", JOB),
}  # fmt: skip


def text(config: str, target: str, chosen: Mapping[str, Any]) -> str:
    """mlcc.yaml of what was drawn."""
    head = {"version": 1, "project.name": "demo", "deployment.config": config, "deployment.target": target}
    plain: dict[str, Any] = {**head, "deployment.region": "us-east-1", "environments.prod.env.LEVEL": "prod"}
    for name, value in chosen.items():
        inner = value if isinstance(value, dict) else {"": value}
        for key, item in inner.items():
            plain[key if "." in key else f"{name}.{key}" if key else name] = item
    return yaml.safe_dump(nested({parse_path(name) or (): value for name, value in plain.items()}), sort_keys=False)


class Change(NamedTuple):
    """What is deployed, and what it becomes: one key has another value, or none."""

    key: str
    before: dict[str, Any]
    after: dict[str, Any]
    env: str | None


@st.composite
def changes(draw: st.DrawFn, keys: Mapping[str, Key]) -> Change:
    needed = {name: key.values for name, key in keys.items() if not key.alone}
    before = draw(st.fixed_dictionaries(needed, optional={n: k.values for n, k in keys.items() if n not in needed}))
    key = draw(of(*keys))
    values = keys[key].values.map(lambda value: {key: value})
    new = draw(values if key in needed or key not in before else st.one_of(st.just({}), values))
    after = {name: value for name, value in before.items() if name != key} | new
    assume(after != before)
    return Change(key, before, after, draw(of(None, "prod")))


def deployable(yaml_text: str, folder: Path) -> Path:
    build_tree(folder, {"mlcc.yaml": yaml_text})
    project = pipeline.read(folder / "mlcc.yaml", Request())
    assume(project.ok)
    pipeline.apply(project)
    return folder


# What a service may show of its own where nobody gave it: taken out of mlcc.yaml, it stays until the next update.
STAYS = "Specification.StartupParameters."


def reaches(world: World, first: Path, second: Path, env: str | None) -> bool:
    """Whether the second project makes other calls than the first.

    Not those for what begins anew with each deployment, nor for what stands only in updates; the copies of a component
    that scales are the scaler's; and a tag that is not named any more may be somebody else's.
    """
    before, after = (
        kinds.wanted(project, account.ask(project, world, 0.0)) for project in (loaded(first, env), loaded(second, env))
    )
    if {(r.kind, r.name) for r in before.resources} != {(r.kind, r.name) for r in after.resources}:
        return True
    if any(before.tags.get(tag) != value for tag, value in after.tags.items() if tag != kinds.EXPIRES_TAG):
        return True
    for old, new in zip(before.resources, after.resources, strict=True):
        fields, others = dict(leaves(old.parameters)), dict(leaves(new.parameters))
        if comparison.is_scaled(new, after):
            fields[comparison.COPIES] = others[comparison.COPIES]
        if any(
            fields.get(path) != others.get(path) for path in (*others, *fields) if path in others or STAYS not in path
        ):
            return True
    return False


def named(document: Mapping[str, Any]) -> Iterator[str]:
    """What a live plan says."""
    yield from (str(change["path"]) for change in document["changes"])
    yield from (f"{v['path']}: {v['before']} -> {v['after']}" for v in document["values"])


def account_of(model: ModelServer) -> World:
    """Whether copies have room is no matter of a plan."""
    world = World(model.url, copies_need_room=False)
    world.cloud.buckets["data"] = {"in/a.csv": b"1,2\n3,4\n"}
    return world


def check(case: str, data: st.DataObject, world: World, folder: Path) -> None:
    """The promise, on one generated change."""
    config, target, keys = TARGETS[case]
    change = data.draw(changes(keys))
    first = deployable(text(config, target, change.before), folder / "first")
    second = deployable(text(config, target, change.after), folder / "second")

    def plan_of(project: Path) -> list[str]:
        """A job is a run: the next one is always there to be made, and each of its fields must differ."""
        found = list(named(verbs.deploy(world.context(project, change.env, plan=True)).document))
        return [line for line in found if not re.fullmatch("transform_job/[^/]*", line)]

    verbs.deploy(world.context(first, change.env))
    assert plan_of(first) == []
    # one checkout, whose mlcc.yaml changed: it has the record of the endpoints that it deployed (a job leaves none)
    if (recorded := first / ".mlcc/run").exists():
        shutil.copytree(recorded, second / ".mlcc/run", dirs_exist_ok=True)
    reached = reaches(world, first, second, change.env)
    shown = plan_of(second)
    assert bool(shown) == reached, shown
    assert not reached or any(re.search(keys[change.key].shown, line) for line in shown), shown
    world.sleep(60)
    verbs.deploy(world.context(second, change.env))
    assert plan_of(second) == []
    assert verbs.clean(world.context(second, change.env)).ok
    assert [arn for arn in world.account.tagged() if ":transform-job/" not in arn] == []
    assert world.left() == ["data"]


@pytest.mark.parametrize("case", TARGETS)
@FEW
@given(data=st.data())
def test_empty_after_a_deployment_and_never_after_a_change(
    case: str, model: ModelServer, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("projects")
    try:
        check(case, data, account_of(model), folder)
    finally:
        loaded.cache_clear()
        shutil.rmtree(folder)
