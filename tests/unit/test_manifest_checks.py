"""Manifests of HyperPod: what the cluster refuses, what it lets through, and what mlcc renders.

The first two tables are asked of the real API server too (tests/k8s).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc import pipeline
from mlcc.checks import runner
from mlcc.checks.hyperpod.fits import quantity
from mlcc.core.findings import Finding, Severity
from mlcc.io.yaml import reader
from mlcc.registries.loader import load
from mlcc.render import manifest_files
from mlcc.resolve.hyperpod import manifests, pods
from mlcc.resolve.project import Project, resolve_project

ENDPOINT = "inference_endpoint_config"
BASE: dict[str, Any] = {
    "apiVersion": "inference.sagemaker.aws.amazon.com/v1",
    "kind": "InferenceEndpointConfig",
    "metadata": {"name": "chat", "namespace": "default", "labels": {"mlcc.dev/project": "chat"}},
    "spec": {
        "modelName": "chat",
        "instanceType": "ml.g5.xlarge",
        "modelSourceConfig": {"modelSourceType": "s3", "s3Storage": {"bucketName": "b", "region": "us-east-1"}},
        "worker": {
            "image": "x",
            "modelInvocationPort": {"containerPort": 8080, "name": "http"},
            "modelVolumeMount": {"name": "model"},
            "resources": {"limits": {"nvidia.com/gpu": 1}, "requests": {"cpu": "4"}},
        },
    },
}
GONE = object()
MONITORED = {"prometheusTrigger": {"serverAddress": "http://x"}}
TWICE = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
CHINA = {"acmArn": "arn:aws-cn:acm:cn-north-1:123456789012:certificate/ab", "domainName": "a.b"}
# By case, what is changed in the manifest above; GONE takes a field away.
REFUSED: dict[str, dict[str, Any]] = {
    "an unknown field": {"spec.replicass": 2},
    "an unknown field below": {"spec.worker.foo": 1},
    "a field of another spelling": {"spec.initialReplicaCount": 1},
    "no image": {"spec.worker.image": GONE},
    "no resources": {"spec.worker.resources": GONE},
    "no port": {"spec.worker.modelInvocationPort.containerPort": GONE},
    "no model name": {"spec.modelName": GONE},
    "a model name that is too long": {"spec.modelName": "a" * 64},
    "a model name that begins with a hyphen": {"spec.modelName": "-a"},
    "a model name that is a number": {"spec.modelName": 5},
    "replicas as text": {"spec.replicas": "2"},
    "replicas below zero": {"spec.replicas": -1},
    "an instance type of EC2": {"spec.instanceType": "g5.xlarge"},
    "an unknown source": {"spec.modelSourceConfig.modelSourceType": "gcs"},
    "a model of the Hub without organisation": {"spec.modelSourceConfig.huggingFaceModel": {"modelId": "gpt2"}},
    "a short commit": {"spec.modelSourceConfig.huggingFaceModel": {"modelId": "a/b", "commitSHA": "abc"}},
    "a bucket without region": {"spec.modelSourceConfig.s3Storage": {"bucketName": "b"}},
    "a file system without id": {"spec.modelSourceConfig.fsxStorage": {"mountName": "fsx"}},
    "port zero": {"spec.worker.modelInvocationPort.containerPort": 0},
    "a port above all": {"spec.worker.modelInvocationPort.containerPort": 70000},
    "a port as text": {"spec.worker.modelInvocationPort.containerPort": "8080"},
    "an unknown protocol": {"spec.worker.modelInvocationPort.name": "https"},
    "a variable that is a number": {"spec.worker.environmentVariables": [{"name": "A", "value": 1}]},
    "a variable twice": {"spec.worker.environmentVariables": TWICE},
    "a variable without name": {"spec.worker.environmentVariables": [{"value": "1"}]},
    "no quantity": {"spec.worker.resources.requests.cpu": "four"},
    "an unknown algorithm": {"spec.loadBalancer": {"routingAlgorithm": "random"}},
    "a health check without slash": {"spec.loadBalancer": {"healthCheckPath": "ping"}},
    "a health check of another host": {"spec.loadBalancer": {"healthCheckPath": "http://x/ping"}},
    "an algorithm in capitals": {"spec.loadBalancer": {"routingAlgorithm": "ROUND_ROBIN"}},
    "metrics too seldom": {"spec.metrics": {"metricsScrapeIntervalSeconds": 301}},
    "devices in a list": {"spec.worker.resources.limits": {"nvidia.com/gpu": [2]}},
    "metrics too often": {"spec.metrics": {"metricsScrapeIntervalSeconds": 1}},
    "a certificate of another partition": {"spec.tlsConfig": {"customCertificateConfig": CHINA}},
    "an endpoint name with a dot": {"spec.endpointName": "a.b"},
    "metrics from elsewhere": {"spec.autoScalingSpec": MONITORED},
    "scaling to below zero": {"spec.autoScalingSpec": {"minReplicaCount": -1}},
    "an unknown cache": {"spec.kvCacheSpec": {"l2CacheSpec": {"l2CacheBackend": "memcached"}}},
    "no requests at all": {"spec.worker.requestLimits": {"maxConcurrentRequests": 0}},
    "an overflow that is no error": {"spec.worker.requestLimits": {"overflowStatusCode": 200}},
    "a capture without scheme": {"spec.dataCapture": {"s3Uri": "b/x"}},
    "an unknown strategy": {"spec.intelligentRoutingSpec": {"routingStrategy": "random"}},
    "a name in capitals": {"metadata.name": "Deep"},
    "a tag without value": {"spec.tags": [{"name": "a"}]},
    "a label with a blank": {"metadata.labels": {"a": "b c"}},
}
VOLUME = {"modelSourceType": "kubernetesVolume"}
CACHE = {"l2CacheSpec": {"l2CacheBackend": "Redis"}}
# By case, the rule that finds it and the change.
LET_THROUGH: dict[str, tuple[str, dict[str, Any]]] = {
    "a model name with an underscore": ("MLCC362", {"spec.modelName": "a_b"}),
    "a name with a dot": ("MLCC362", {"metadata.name": "a.b"}),
    "fewest above most": ("MLCC363", {"spec.autoScalingSpec": {"minReplicaCount": 5, "maxReplicaCount": 2}}),
    "fewest above the most by default": ("MLCC363", {"spec.autoScalingSpec": {"minReplicaCount": 6}}),
    "a list with a type of EC2": ("MLCC364", {"spec.instanceTypes": ["g5"], "spec.instanceType": GONE}),
    "a list with one type of EC2": (
        "MLCC364",
        {"spec.instanceTypes": ["ml.g6.xlarge", "g6.2xlarge"], "spec.instanceType": GONE},
    ),
    "a volume of another name": (
        "MLCC367",
        {"spec.modelSourceConfig": VOLUME, "spec.kubernetes": {"volumes": [{"name": "other", "emptyDir": {}}]}},
    ),
    "a type and a list": ("MLCC364", {"spec.instanceTypes": ["ml.g5.xlarge"]}),
    "a type and an affinity": ("MLCC364", {"spec.nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchFields": [{"key": "a", "operator": "Exists"}]}}]}}),
    "the old count": ("MLCC365", {"spec.InitialReplicaCount": 1}),
    "empty replicas": ("MLCC365", {"spec.replicas": None}),
    "no time": ("MLCC366", {"spec.maxDeployTimeInSeconds": 0}),
    "a volume that is not there": ("MLCC367", {"spec.modelSourceConfig": VOLUME}),
    "a bucket that is not there": ("MLCC367", {"spec.modelSourceConfig": {"modelSourceType": "s3"}}),
    "a cache in capitals": ("MLCC368", {"spec.kvCacheSpec": CACHE}),
}  # fmt: skip
ACCEPTED: dict[str, dict[str, Any]] = {
    "as it is": {},
    "an empty endpoint name": {"spec.endpointName": ""},
    "another path": {"spec.invocationEndpoint": "v1/chat/completions"},
    "a status": {"status": {"state": "Nope"}},
    "several types": {"spec.instanceType": GONE, "spec.instanceTypes": ["ml.g5.xlarge", "ml.g5.2xlarge"]},
    "a number of devices": {
        "spec.worker.resources": {"limits": {"nvidia.com/gpu": 4}, "requests": {"nvidia.com/gpu": 4}}
    },
    "devices as text": {"spec.worker.resources.limits": {"nvidia.com/gpu": "2"}},
    "metrics as often as may be": {"spec.metrics": {"metricsScrapeIntervalSeconds": 5}},
    "a health check": {"spec.loadBalancer": {"healthCheckPath": "/ping"}},
    "a volume": {
        "spec.modelSourceConfig": VOLUME,
        "spec.kubernetes": {"volumes": [{"name": "model", "emptyDir": {}}]},
    },
}


def changed(change: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest above with some fields set, and others taken away."""
    found = copy.deepcopy(BASE)
    for dotted, value in change.items():
        *above, last = dotted.split(".")
        here = found
        for name in above:
            here = here.setdefault(name, {})
        if value is GONE:
            del here[last]
        else:
            here[last] = value
    return found


def codes(document: Mapping[str, Any], schema: str = ENDPOINT) -> set[str]:
    return {code for code, _ in runner.manifest_problems(schema, document)}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_cluster_refuses_is_found(case: str) -> None:
    assert codes(changed(REFUSED[case])) & {"MLCC360", "MLCC361"}


@pytest.mark.parametrize("case", LET_THROUGH)
def test_what_the_cluster_lets_through_is_found_by_its_rule(case: str) -> None:
    code, change = LET_THROUGH[case]
    assert codes(changed(change)) == {code}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_right_has_no_findings(case: str) -> None:
    assert codes(changed(ACCEPTED[case])) == set()


def test_every_rule_on_manifests_has_a_case() -> None:
    tested = {code for code, _ in LET_THROUGH.values()} | {"MLCC360", "MLCC361"}
    assert tested == set(runner.table(runner.HYPERPOD)) - {"MLCC369", "MLCC377", "MLCC390", "MLCC393"}


# ---------------------------------------------------------------- projects
HEAD = "version: 1\nproject: {name: iris}\ndeployment: {config: %s, target: hyperpod-eks%s}\n"
CLUSTER = "hyperpod: {cluster: ml-cluster%s}\n"


def http(more: str = "", hyperpod: str = "", deployment: str = "") -> str:
    return HEAD % ("http-fastapi", deployment) + CLUSTER % hyperpod + more


def vllm(more: str, hyperpod: str = "", deployment: str = ", region: us-east-1") -> str:
    return HEAD % ("transformers-vllm", deployment) + CLUSTER % hyperpod + more


KNOWN = load()


def read(text: str) -> Project:
    """A project, resolved and checked with the packaged registries, which are read once."""
    Path("mlcc.yaml").write_text(text)
    return pipeline.check(resolve_project(pipeline.load("mlcc.yaml"), KNOWN))


def findings(text: str) -> list[Finding]:
    return [f for f in read(text).findings if f.severity is Severity.ERROR]


def documents(text: str) -> dict[str, Any]:
    """The rendered manifests as YAML readers see them, which is what was built."""
    project = read(text)
    assert project.ok, project.findings
    built = manifests.documents(project.default)
    for resolved in project.environments.values():
        built |= manifests.documents(resolved)
    texts = manifest_files.files(project.default, project.environments)
    for path, document in built.items():
        loaded = reader.load_yaml(texts[path].encode(), path)
        assert loaded.root is not None
        assert not loaded.findings
        assert loaded.root.plain() == document
        assert runner.manifest_problems(manifests.schema_of(path), document) == []
    return built


def endpoint(text: str) -> dict[str, Any]:
    return dict(documents(text)["manifests/inference-endpoint.yaml"]["spec"])


OVERRIDE = "{cluster: c, overrides: {spec: 1, worker: {resources: {requests: {cpu: four}}}}}"
WRONG = {
    # mlcc.yaml, code, path, line
    "an override": (http(hyperpod=", overrides: {replicass: 2}"), "MLCC360", "hyperpod.overrides.replicass", 4),
    "no file system": (http(hyperpod=", fsx: {mount_name: fsx}"), "MLCC369", "hyperpod.fsx.mount_name", 4),
    "a plain file system": (
        http(hyperpod=", operator: false, fsx: {file_system_id: fs-0123456789abcdef0}"),
        "MLCC369",
        "hyperpod.fsx.file_system_id",
        4,
    ),
    "JumpStart": (vllm("model: {name: jumpstart://llama}\n"), "MLCC369", "model.name", 5),
    "a plain bucket": (http("model: {name: s3://bucket/m/}\n", ", operator: false"), "MLCC369", "model.name", 5),
    "an archive": (http("model: {name: s3://bucket/m.tar.gz}\n"), "MLCC369", "model.name", 5),
    "no region": (http("model: {name: s3://bucket/m/}\n"), "MLCC369", "model.name", 5),
    "a GPU of a processor": (http(hyperpod=", gpu_count: 1"), "MLCC377", "hyperpod.gpu_count", 4),
    "too many processors": (http(hyperpod=", cpu_request: '4'"), "MLCC377", "hyperpod.cpu_request", 4),
    "too much memory": (http(hyperpod=", memory_request: 16Gi"), "MLCC377", "hyperpod.memory_request", 4),
    "an unknown type": (http(hyperpod=", instance_types: [ml.zz.large]"), "MLCC377", "hyperpod.instance_types", 4),
    "another device": (http(hyperpod=", instance_types: [ml.g5.xlarge]"), "MLCC377", "hyperpod.instance_types", 4),
    "a type for endpoints": (http(hyperpod=", instance_types: [ml.m4.xlarge]"), "MLCC377", "hyperpod.instance_types", 4),
    "too small a split": (
        vllm("model: {name: Qwen/Qwen3-0.6B}\nengine: {tensor_parallel_size: 4}\n", ", gpu_count: 1",
             ", region: us-east-1, instance_type: ml.g5.12xlarge"),
        "MLCC143", "engine.tensor_parallel_size", 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_project_that_cannot_work(case: str) -> None:
    text, code, path, line = WRONG[case]
    assert [(f.code, f.path, f.line) for f in findings(text)] == [(code, path, line)]


def test_an_override_s_place_is_that_of_its_own_key() -> None:
    text = HEAD % ("http-fastapi", "") + "hyperpod:\n  cluster: c\n  overrides:\n    worker:\n      image: 5\n"
    assert [(f.path, f.line) for f in findings(text)] == [("hyperpod.overrides.worker.image", 8)]


SOURCES = {
    "in the image": (http(), {"modelSourceType": "kubernetesVolume"}, "/mnt/mlcc"),
    "in S3": (
        http("model: {name: s3://bucket/some/where/}\n", deployment=", region: eu-west-1"),
        {"modelSourceType": "s3", "s3Storage": {"bucketName": "bucket", "region": "eu-west-1"}, "modelLocation": "some/where"},
        "/opt/ml/model",
    ),
    "on FSx": (
        http(hyperpod=", fsx: {file_system_id: fs-0123456789abcdef0, dns_name: a.b, mount_name: f, model_path: m/x}"),
        {
            "modelSourceType": "fsx",
            "fsxStorage": {"fileSystemId": "fs-0123456789abcdef0", "dnsName": "a.b", "mountName": "f"},
            "modelLocation": "m/x",
        },
        "/opt/ml/model",
    ),
    "on the Hub": (
        vllm("model: {name: Qwen/Qwen3-0.6B}\nsecrets: {HF_TOKEN: {kubernetes: {name: hf, key: t}}}\n"),
        {
            "modelSourceType": "huggingface",
            "huggingFaceModel": {"modelId": "Qwen/Qwen3-0.6B", "tokenSecretRef": {"name": "hf", "key": "t"}},
        },
        "/opt/ml/model",
    ),
    "a branch of the Hub": (
        vllm("model: {name: Qwen/Qwen3-0.6B, revision: dev}\n"),
        {"modelSourceType": "kubernetesVolume"},
        "/mnt/mlcc",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_where_the_model_comes_from(case: str) -> None:
    text, source, mounted = SOURCES[case]
    spec = endpoint(text)
    assert spec["modelSourceConfig"] == source
    assert spec["worker"]["modelVolumeMount"]["mountPath"] == mounted


def test_an_engine_serves_the_volume_under_the_model_s_name() -> None:
    """An engine that gets a name fetches the model again, whatever lies in the volume."""
    for more, hyperpod, named in (
        ("", "", {"VLLM_SERVED_MODEL_NAME": "Qwen/Qwen3-0.6B"}),
        ("engine: {served_model_name: chat}\n", "", {"VLLM_SERVED_MODEL_NAME": "chat"}),
        ("", ", fsx: {file_system_id: fs-0123456789abcdef0}", {"VLLM_SERVED_MODEL_NAME": "Qwen/Qwen3-0.6B"}),
        ("", ", operator: false", {"VLLM_MODEL": "Qwen/Qwen3-0.6B"}),
    ):
        [document, *_] = documents(vllm("model: {name: Qwen/Qwen3-0.6B}\n" + more, hyperpod)).values()
        spec = document["spec"]
        pod = spec["worker"] if "worker" in spec else spec["template"]["spec"]["containers"][0]
        variables = {v["name"]: v["value"] for v in pod.get("environmentVariables", pod.get("env"))}
        found = {k: v for k, v in variables.items() if k in ("VLLM_MODEL", "VLLM_SERVED_MODEL_NAME")}
        assert found == named


def test_devices_are_those_of_the_instance_or_fewer() -> None:
    model, where = "model: {name: Qwen/Qwen3-0.6B}\n", ", region: us-east-1, instance_type: ml.g5.12xlarge"
    for hyperpod, count in (("", 4), (", gpu_count: 2", 2)):
        resources = endpoint(vllm(model, hyperpod, where))["worker"]["resources"]
        assert resources == {"limits": {"nvidia.com/gpu": count}, "requests": {"nvidia.com/gpu": count}}
    spec = endpoint(vllm(model + "engine: {tensor_parallel_size: max}\n", ", gpu_count: 2", where))
    values = {v["name"]: v.get("value") for v in spec["worker"]["environmentVariables"]}
    assert values["VLLM_TENSOR_PARALLEL_SIZE"] == "2", "max is what the pod has"


def test_overrides_are_merged_and_null_takes_away() -> None:
    over = ", replicas: 3, overrides: {instanceType: null, nodeAffinity: {}, worker: {workingDir: /x}, replicas: 5}"
    spec = endpoint(http(hyperpod=over))
    assert "instanceType" not in spec
    assert spec["replicas"] == 5
    assert spec["worker"]["workingDir"] == "/x"
    assert spec["worker"]["modelVolumeMount"]["name"] == "model"


def test_an_environment_has_manifests_of_its_own() -> None:
    prod = "environments: {prod: {hyperpod: {operator: false, replicas: 3}}, here: {deployment: {target: local}}}\n"
    found = documents(http(prod))
    assert sorted(found) == [
        "manifests/inference-endpoint.yaml",
        "manifests/prod/deployment.yaml",
        "manifests/prod/service.yaml",
    ]
    assert found["manifests/prod/deployment.yaml"]["metadata"]["name"] == "iris-prod"
    assert all(manifests.is_manifest(path) for path in found)


@pytest.mark.parametrize("path", ["manifests/x.yaml", "manifests/../deployment.yaml", "manifests/a/b/service.yaml"])
def test_other_paths_are_no_manifests(path: str) -> None:
    assert not manifests.is_manifest(path)


def test_a_plain_deployment_selects_its_own_pods_and_nodes() -> None:
    where = ", region: us-east-1, instance_type: ml.g5.12xlarge"
    text = vllm("model: {name: Qwen/Qwen3-0.6B}\n", ", operator: false, service_account: sa", where)
    found = documents(text)
    deployment, service = (found[f"manifests/{name}.yaml"] for name in ("deployment", "service"))
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert deployment["spec"]["template"]["metadata"]["labels"] == service["spec"]["selector"]
    assert pod["nodeSelector"] == {"node.kubernetes.io/instance-type": "ml.g5.12xlarge"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["volumes"] == [{"name": "shared-memory", "emptyDir": {"medium": "Memory"}}]
    assert pod["serviceAccountName"] == "sa"


def test_a_name_that_begins_with_a_digit_gets_a_letter() -> None:
    assert manifests.object_name("1st", None) == "mlcc-1st"
    assert manifests.object_name("iris", "prod") == "iris-prod"


# ---------------------------------------------------------------- hostile values
def expanded(text: str) -> str:
    """What Kubernetes makes of a value whose references name nothing, after k8s.io/kubernetes' own rules."""
    return re.sub(r"\$(?:(\$)|\(([^)]*)\))", lambda m: m[1] or "(gone)", text)


@given(st.text(alphabet="$()a{ ", max_size=12))
@pytest.mark.hypothesis
def test_a_value_reaches_the_container_as_it_is_written(value: str) -> None:
    [variable] = pods.environment({("env", "A"): value})
    assert expanded(variable["value"]) == value


HOSTILE = (
    "yes",
    "a: b",
    "- x",
    "*a",
    "&a b",
    "!!t",
    "{{x}}",
    "# x",
    "'",
    '"',
    "\\",
    "a\nspec: {}",
    "\x1b[2J",
    "\u2028",
    "~",
)


def test_no_value_leaves_its_place() -> None:
    """Whatever a value holds, a reader finds it where it was put, and nothing else (the writer has tests of its own)."""
    document = changed(
        {"spec.worker.environmentVariables": [{"name": f"A{n}", "value": v} for n, v in enumerate(HOSTILE)]}
    )
    loaded = reader.load_yaml(manifest_files.text(document).encode(), "m.yaml")
    assert loaded.root is not None
    assert loaded.root.plain() == document


def test_quantities() -> None:
    cases = {"500m": 0.5, "4": 4.0, "1Ki": 1024.0, "2G": 2e9, "1.5Gi": 1.5 * 1024**3, "x": None, "1Xi": None}
    assert {text: quantity(text) for text in cases} == cases


def test_a_path_with_a_dotted_label_is_shown_in_brackets() -> None:
    found = runner.manifest_problems(ENDPOINT, changed({"metadata.labels": {"mlcc.dev/project": "a b"}}))
    assert [p.words.partition(":")[0] for _, p in found] == ['metadata.labels["mlcc.dev/project"]']
