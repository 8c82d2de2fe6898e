"""Where the pods of a HyperPod cluster get their model from.  Law: pure.

The operator mounts a volume over the folder where the image keeps its model.  A model that is in the image, or that the
engine fetches by itself, therefore gets an empty volume that is mounted elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.model_names import kind
from mlcc.core.paths import Path
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.model_variables import with_every_prefix
from mlcc.resolve.hyperpod import pods
from mlcc.resolve.result import Rows

# The volume's name, and where it is mounted when the image needs none.
VOLUME, ELSEWHERE = "model", "/mnt/mlcc"
FSX = ("hyperpod", "fsx")
# The kind of source for a model that no volume holds.
IN_IMAGE = "kubernetesVolume"
# Keys whose variables make an engine fetch a model.
FETCHED_BY = ("model.name", "model.revision")
# What the operator's field takes as an id and as a commit.
_HUB_ID, _COMMIT = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+\Z"), re.compile(r"[0-9a-f]{40}\Z")
HUB_TOKEN = "HF_TOKEN"


def config(values: Mapping[Path, Any], rows: Rows) -> dict[str, Any]:
    """modelSourceConfig."""
    name = str(values.get(("model", "name"), ""))
    if (*FSX, "file_system_id") in values:
        return _fsx(values)
    if kind(name) == "s3":
        bucket, _, prefix = name.removeprefix("s3://").partition("/")
        region = str(values.get(("deployment", "region"), ""))
        place = {"modelLocation": prefix.rstrip("/")} if prefix.rstrip("/") else {}
        return {"modelSourceType": "s3", "s3Storage": {"bucketName": bucket, "region": region}, **place}
    if fetched_by_operator(values, rows):
        model: dict[str, Any] = {"modelId": name}
        if ("model", "revision") in values:
            model["commitSHA"] = str(values[("model", "revision")])
        if HUB_TOKEN in pods.secrets(values):
            model["tokenSecretRef"] = pods.secret(values, HUB_TOKEN)
        return {"modelSourceType": "huggingface", "huggingFaceModel": model}
    return {"modelSourceType": IN_IMAGE}


def _fsx(values: Mapping[Path, Any]) -> dict[str, Any]:
    names = {"file_system_id": "fileSystemId", "dns_name": "dnsName", "mount_name": "mountName"}
    found = {key: values.get((*FSX, key)) for key in names}
    storage = {names[key]: str(value) for key, value in found.items() if value is not None}
    path = str(values.get((*FSX, "model_path"), "")).strip("/")
    return {"modelSourceType": "fsx", "fsxStorage": storage, **({"modelLocation": path} if path else {})}


def fetched_by_operator(values: Mapping[Path, Any], rows: Rows) -> bool:
    """Whether the operator can fetch a model of the Hub: it knows ids with an organisation, and commits.

    Otherwise the engine fetches it; Triton always does, because the folder of models holds its repository.
    """
    name, revision = str(values.get(("model", "name"), "")), values.get(("model", "revision"))
    known = revision is None or _COMMIT.match(str(revision)) is not None
    return kind(name) == "hub" and rows.backend is None and known and _HUB_ID.match(name) is not None


def environment(values: Mapping[Path, Any], rows: Rows, mounted: bool) -> list[dict[str, Any]]:
    """The container's variables.  mounted: whether the model lies in a volume.

    An engine that gets the name of a model of the Hub fetches it, although it lies in the volume: it gets none,
    and serves the volume under the model's name, by which requests call it.
    """
    found, engine, name = pods.environment(values), rows.engine, str(values.get(("model", "name"), ""))
    if engine is None or not mounted or kind(name) != "hub":
        return found
    named = [engine.model_variables[key] for key in FETCHED_BY if key in engine.model_variables]
    named_by = {word for variable in named for word in with_every_prefix(engine, variable)}
    kept = [variable for variable in found if variable["name"] not in named_by]
    how = spelling.spelled(engine, "served_model_name")
    if how is not None and not how.key and ("engine", "served_model_name") not in values:
        kept.append({"name": spelling.variable(engine, how.option), "value": name.replace("$", "$$")})
    return sorted(kept, key=lambda variable: str(variable["name"]))


def mount(source: Mapping[str, Any], container: Mapping[str, Any]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """modelVolumeMount, and the volumes that it needs.  container: the facts of the architecture."""
    if source["modelSourceType"] == IN_IMAGE:
        return {"name": VOLUME, "mountPath": ELSEWHERE}, [{"name": VOLUME, "emptyDir": {}}]
    return {"name": VOLUME, "mountPath": str(container["model_dir"])}, []
