"""MLCC369: a model that pods of the cluster cannot get."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.model_names import kind
from mlcc.core.text import quoted

CODE = "MLCC369"
NAME, FSX = ("model", "name"), ("hyperpod", "fsx")


def check(subject: Subject) -> Iterator[Finding]:
    """The operator mounts folders of S3 and FSx, and fetches models of the Hub; a plain Deployment mounts nothing."""
    resolved = subject.resolved
    name, operator = str(resolved.get("model.name", "")), resolved.get("hyperpod.operator", True)
    what, shown = kind(name), quoted(name, 60)
    volume = [path for path in resolved.values if path[:2] == FSX]
    if volume and not resolved.get("hyperpod.fsx.file_system_id"):
        hint = "mlcc set hyperpod.fsx.file_system_id fs-0123456789abcdef0"
        yield subject.finding(CODE, volume[0], "hyperpod.fsx has no file_system_id", hint)
        return
    if volume and operator:
        return
    if volume:
        hint = "name the volume in hyperpod.overrides.template, or set hyperpod.operator to true"
        yield subject.finding(CODE, volume[0], "only the inference operator mounts hyperpod.fsx", hint)
    if what in ("jumpstart", "registry"):
        hint = "copy the model into S3 or onto FSx, and name that (s3://bucket/prefix/, hyperpod.fsx)"
        yield subject.finding(CODE, NAME, f"pods cannot fetch {shown}", hint)
    elif what == "s3" and not operator:
        hint = "set hyperpod.operator to true, or put the model into the image (model: {name: ./path})"
        yield subject.finding(CODE, NAME, f"only the inference operator mounts {shown}", hint)
    elif what == "s3" and name.endswith(".tar.gz"):
        hint = "unpack it in S3, and name the folder: s3://bucket/prefix/"
        yield subject.finding(CODE, NAME, f"the operator mounts folders and unpacks nothing: {shown}", hint)
    elif what == "s3" and not resolved.get("deployment.region"):
        hint = "mlcc set deployment.region us-east-1"
        yield subject.finding(CODE, NAME, "the manifest names the region of the bucket, and none is set", hint)
