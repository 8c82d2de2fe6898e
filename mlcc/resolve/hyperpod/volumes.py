"""The volume of a plain Deployment: a folder of S3, or an FSx file system, that is there already.  Law: pure.

Static provisioning by AWS's drivers: github.com/awslabs/mountpoint-s3-csi-driver docs/CONFIGURATION.md at 57c6bed and
github.com/kubernetes-sigs/aws-fsx-csi-driver examples/kubernetes/static_provisioning at 5b22712.  What a
PersistentVolume leads to can never be changed, so that its name holds a hash of it: another source is another volume.
Pods only read: a model is an input, and other projects may read the same folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlcc.core.model_names import kind
from mlcc.core.paths import Path
from mlcc.core.physical_names import CUT, hash_of, joined
from mlcc.core.records import NamedTuple

NAME = "model"
FSX: Path = ("hyperpod", "fsx")
FSX_ID: Path = (*FSX, "file_system_id")
# Kubernetes wants a size; neither driver looks at it.
SIZE = "1200Gi"
# A volume belongs to no namespace: this label says whose it is.
NAMESPACE = "mlcc.dev/namespace"


class Source(NamedTuple):
    """Where a volume leads: the driver, what it is given, the access mode, and the folder of the volume to mount.

    handle: by which the driver knows the volume; empty where any text of its own does.
    """

    driver: str
    attributes: Mapping[str, str]
    options: tuple[str, ...]
    access: str
    handle: str = ""
    folder: str = ""


def source(values: Mapping[Path, Any]) -> Source | None:
    """The volume that a plain Deployment needs; None for a model in the image, or that the engine fetches."""
    if FSX_ID in values:
        handle = str(values[FSX_ID])
        names = {"dnsname": "dns_name", "mountname": "mount_name"}
        given = {word: values.get((*FSX, key)) for word, key in names.items()}
        attributes = {word: str(value) for word, value in given.items() if value is not None}
        folder = str(values.get((*FSX, "model_path"), "")).strip("/")
        return Source("fsx.csi.aws.com", attributes, ("flock",), "ReadWriteMany", handle, folder)
    name = str(values.get(("model", "name"), ""))
    if kind(name) != "s3":
        return None
    bucket, _, prefix = name.removeprefix("s3://").partition("/")
    options = ["allow-other", f"region {values.get(('deployment', 'region'), '')}"]
    if prefix.strip("/"):
        options.append(f"prefix {prefix.strip('/')}/")
    return Source("s3.csi.aws.com", {"bucketName": bucket}, tuple(options), "ReadOnlyMany")


def names(found: Source, metadata: Mapping[str, Any]) -> tuple[str, str]:
    """The names of the claim and of the volume.  metadata: of the project's objects."""
    namespace = str(metadata["namespace"])
    whole = [namespace, found.driver, found.attributes, found.options, found.handle]
    claim = joined(str(metadata["name"]), NAME, hash_of(json.dumps(whole, sort_keys=True))[:CUT])
    return claim, joined(namespace, claim)


def documents(found: Source, metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The PersistentVolumeClaim and the PersistentVolume, each reserved for the other."""
    claim, volume = names(found, metadata)
    labels, namespace = dict(metadata["labels"]), str(metadata["namespace"])
    common = {"accessModes": [found.access], "storageClassName": ""}
    driver = {
        "driver": found.driver,
        "volumeHandle": found.handle or volume,
        "volumeAttributes": dict(found.attributes),
    }
    claimed = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": namespace, "labels": labels},
        "spec": {**common, "resources": {"requests": {"storage": SIZE}}, "volumeName": volume},
    }
    made = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume, "labels": {**labels, NAMESPACE: namespace}},
        "spec": {
            **common,
            "capacity": {"storage": SIZE},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": claim},
            "mountOptions": list(found.options),
            "csi": driver,
        },
    }
    return claimed, made


def of_pod(found: Source, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The volume as a pod names it."""
    return {"name": NAME, "persistentVolumeClaim": {"claimName": names(found, metadata)[0], "readOnly": True}}


def mount(found: Source, folder: str) -> dict[str, Any]:
    """The mount of a container.  folder: where its image looks for the model."""
    part = {"subPath": found.folder} if found.folder else {}
    return {"name": NAME, "mountPath": folder, "readOnly": True, **part}
