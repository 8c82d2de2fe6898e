"""The manifests of a project on a HyperPod cluster, as plain data by file.  Law: pure.

With HyperPod's inference operator it is an InferenceEndpointConfig, without it a Deployment and a Service, and where
they need it an autoscaler and a volume with its claim.
`hyperpod.overrides` is merged into the spec as RFC 7386 says: mappings key by key, null takes a field away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Path, nested
from mlcc.core.physical_names import joined
from mlcc.core.value_text import scalar_text
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.resolve.hyperpod import clusters, model_source, pods, scaling, volumes
from mlcc.resolve.result import Resolved, Rows

FOLDER = "manifests"
VOLUME, CLAIM, ENDPOINT, DEPLOYMENT, SERVICE = "volume", "volume-claim", "inference-endpoint", "deployment", "service"
AUTOSCALER = "autoscaler"
# By file: the schema of what stands in it, in the order in which they are applied.
SCHEMAS: Mapping[str, str] = {
    VOLUME: "kubernetes_volume",
    CLAIM: "kubernetes_volume_claim",
    ENDPOINT: "inference_endpoint_config",
    DEPLOYMENT: "kubernetes_deployment",
    SERVICE: "kubernetes_service",
    AUTOSCALER: "kubernetes_autoscaler",
}
_PATH = re.compile(rf"{FOLDER}/(?:[a-z0-9](?:-?[a-z0-9])*/)?({'|'.join(SCHEMAS)})\.yaml\Z")
PROJECT, ENVIRONMENT = "mlcc.dev/project", "mlcc.dev/environment"
# Nobody can have an address below this domain (RFC 2606): do/deploy puts the image's own address in its place.
IMAGE_LATER = "mlcc.invalid/"
PORT = "http"
# What a rollout may take beyond the start of a server: the image comes to a new node first.
PULL_S = 1200
NODE_LABEL = "node.kubernetes.io/instance-type"
SHARED_MEMORY = "/dev/shm"

Document = dict[str, Any]


def is_manifest(path: str) -> bool:
    """True for a path that some project may render."""
    return _PATH.match(path) is not None


def kind_of(path: str) -> str:
    """Which manifest lies at a path that some project may render."""
    found = _PATH.match(path)
    assert found is not None, f"BUG: {path} is no manifest"
    return found[1]


def schema_of(path: str) -> str:
    """The schema of the manifest at a path that some project may render."""
    return SCHEMAS[kind_of(path)]


def folder(env: str | None) -> str:
    """Where the manifests of an environment lie; None: the default one."""
    return f"{FOLDER}/{env}" if env else FOLDER


def object_name(project: str, env: str | None) -> str:
    """The objects' name.  A Service's name must begin with a letter."""
    name = joined(project, env or "")
    return name if name[0].isalpha() else joined("mlcc", project, env or "")


def documents(resolved: Resolved) -> dict[str, Document]:
    """The manifests of one environment by path; none on a target without."""
    rows = resolved.rows
    if rows.target is None or not rows.target.manifests or rows.architecture is None:
        return {}
    values = {path: value.value for path, value in resolved.values.items()}
    place = folder(resolved.env)
    metadata = _metadata(values, resolved.env)
    if values.get(("hyperpod", "operator"), True):
        return {f"{place}/{ENDPOINT}.yaml": _endpoint(values, rows, metadata)}
    found = {DEPLOYMENT: _deployment(values, rows, metadata), SERVICE: _service(metadata)}
    if scaling.is_scaled(values):
        found[AUTOSCALER] = scaling.autoscaler(values, rows, metadata)
    source = volumes.source(values)
    if source is not None:
        found[CLAIM], found[VOLUME] = volumes.documents(source, metadata)
    return {f"{place}/{name}.yaml": document for name, document in found.items()}


def identity(values: Mapping[Path, Any], env: str | None, name: str) -> Document:
    """What tells whose an object is: the metadata that its manifest must have.  name: which manifest."""
    metadata, source = _metadata(values, env), volumes.source(values)
    if name in (CLAIM, VOLUME) and source is not None:
        claim, volume = volumes.documents(source, metadata)
        return dict((claim if name == CLAIM else volume)["metadata"])
    return metadata


def merged(base: Any, over: Any) -> Any:
    """Two documents as one: RFC 7386."""
    if not isinstance(over, Mapping):
        return over
    found = dict(base) if isinstance(base, Mapping) else {}
    for key, value in over.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


# ---------------------------------------------------------------- parts of all kinds
def _metadata(values: Mapping[Path, Any], env: str | None) -> Document:
    project = str(values[("project", "name")])
    return {
        "name": object_name(project, env),
        "namespace": str(values.get(("hyperpod", "namespace"), "default")),
        "labels": {PROJECT: project, ENVIRONMENT: env or DEFAULT_ENVIRONMENT},
    }


def _image(values: Mapping[Path, Any]) -> str:
    named = values.get(("build", "image_uri"))
    repository = values.get(("build", "repository")) or f"mlcc/{values[('project', 'name')]}"
    return str(named) if named else f"{IMAGE_LATER}{repository}"


def _with_overrides(values: Mapping[Path, Any], spec: Document) -> Document:
    own = {path[2:]: value for path, value in values.items() if path[:2] == ("hyperpod", "overrides") and path[2:]}
    found: Document = merged(spec, nested(own))
    return found


def _replicas(values: Mapping[Path, Any]) -> Document:
    """The count of pods, where no autoscaler owns it."""
    return {} if scaling.is_scaled(values) else {"replicas": values.get(("hyperpod", "replicas"), 1)}


def _tags(values: Mapping[Path, Any]) -> dict[str, str]:
    return {str(path[1]): scalar_text(value) for path, value in values.items() if path[0] == "tags" and len(path) == 2}


def _instance_types(values: Mapping[Path, Any]) -> list[str]:
    listed = values.get(("hyperpod", "instance_types"), ())
    one = values.get(("deployment", "instance_type"))
    return [str(name) for name in listed] or ([str(one)] if one else [])


# ---------------------------------------------------------------- with the operator
def _endpoint(values: Mapping[Path, Any], rows: Rows, metadata: Document) -> Document:
    assert rows.architecture is not None
    container = rows.architecture.container
    source = model_source.config(values, rows)
    mount, own = model_source.mount(source, container)
    mounted = source["modelSourceType"] != model_source.IN_IMAGE
    account = values.get(("hyperpod", "service_account"))
    kubernetes = {
        **({"serviceAccountName": str(account)} if account else {}),
        **({"volumes": own} if own else {}),
    }
    variables, tags = model_source.environment(values, rows, mounted), sorted(_tags(values).items())
    spec: Document = {
        "modelName": metadata["name"],
        **_placement(_instance_types(values)),
        **_replicas(values),
        "invocationEndpoint": str(container["invocations"]).lstrip("/"),
        "loadBalancer": {"healthCheckPath": str(container["ping"])},
        "modelSourceConfig": source,
        **({"kubernetes": kubernetes} if kubernetes else {}),
        **({"tags": [{"name": name, "value": value} for name, value in tags]} if tags else {}),
        **({"autoScalingSpec": scaling.operator_spec(values, rows)} if scaling.is_scaled(values) else {}),
        "worker": {
            "image": _image(values),
            "modelInvocationPort": {"containerPort": int(container["port"]), "name": PORT},
            "modelVolumeMount": mount,
            "resources": pods.resources(values, rows),
            "probes": pods.probes(container),
            **({"environmentVariables": variables} if variables else {}),
        },
    }
    kind = {"apiVersion": "inference.sagemaker.aws.amazon.com/v1", "kind": "InferenceEndpointConfig"}
    return {**kind, "metadata": metadata, "spec": _with_overrides(values, spec)}


def _placement(types: list[str]) -> Document:
    if len(types) > 1:
        return {"instanceTypes": types}
    return {"instanceType": types[0]} if types else {}


# ---------------------------------------------------------------- without it
def _deployment(values: Mapping[Path, Any], rows: Rows, metadata: Document) -> Document:
    assert rows.architecture is not None
    deadline = int(rows.architecture.container["startup_timeout_s"]) + PULL_S
    spec: Document = {
        **_replicas(values),
        "progressDeadlineSeconds": deadline,
        "selector": {"matchLabels": dict(metadata["labels"])},
        "template": {"metadata": {"labels": dict(metadata["labels"])}, "spec": _pod(values, rows, metadata)},
    }
    kind = {"apiVersion": "apps/v1", "kind": "Deployment"}
    return {**kind, "metadata": metadata, "spec": _with_overrides(values, spec)}


def _pod(values: Mapping[Path, Any], rows: Rows, metadata: Document) -> Document:
    assert rows.architecture is not None
    container, account = rows.architecture.container, values.get(("hyperpod", "service_account"))
    resources, source = pods.resources(values, rows), volumes.source(values)
    variables = model_source.environment(values, rows, mounted=source is not None)
    server: Document = {
        "name": "server",
        "image": _image(values),
        "ports": [{"containerPort": int(container["port"]), "name": PORT}],
        **({"env": variables} if variables else {}),
        **({"resources": resources} if resources else {}),
        **pods.probes(container),
        "securityContext": {"allowPrivilegeEscalation": False},
    }
    pod: Document = {
        "automountServiceAccountToken": False,
        **({"serviceAccountName": str(account)} if account else {}),
        **_nodes(clusters.node_labels(values, _instance_types(values))),
        "tolerations": [
            {"key": name, "operator": "Exists", "effect": "NoSchedule"} for name in resources.get("limits", {})
        ],
        "terminationGracePeriodSeconds": int(container["stop_timeout_s"]),
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [server],
    }
    mounts: list[Document] = []
    if pods.devices(values, rows) > 1:  # NCCL joins the devices of a pod through shared memory: a pod has 64 MiB of it
        mounts.append({"name": "shared-memory", "mountPath": SHARED_MEMORY})
        pod["volumes"] = [{"name": "shared-memory", "emptyDir": {"medium": "Memory"}}]
    if source is not None:
        mounts.append(volumes.mount(source, str(container["model_dir"])))
        pod["volumes"] = [*pod.get("volumes", ()), volumes.of_pod(source, metadata)]
    if mounts:
        server["volumeMounts"] = mounts
    return {name: value for name, value in pod.items() if value != []}


def _nodes(types: list[str]) -> Document:
    """Which nodes take the pods: those of one type, or of a list, the first preferred."""
    if len(types) < 2:
        return {"nodeSelector": {NODE_LABEL: types[0]}} if types else {}

    def match(*names: str) -> Document:
        return {"matchExpressions": [{"key": NODE_LABEL, "operator": "In", "values": list(names)}]}

    preferred = [{"weight": max(100 - 5 * n, 1), "preference": match(name)} for n, name in enumerate(types)]
    return {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [match(*types)]},
                "preferredDuringSchedulingIgnoredDuringExecution": preferred,
            }
        }
    }


def _service(metadata: Document) -> Document:
    spec = {
        "type": "ClusterIP",
        "selector": dict(metadata["labels"]),
        "ports": [{"name": PORT, "port": 80, "targetPort": PORT}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
