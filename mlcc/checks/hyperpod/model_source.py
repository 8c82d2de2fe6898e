"""MLCC369: a model that pods of the cluster cannot get."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.model_names import kind
from mlcc.core.paths import Path
from mlcc.core.text import quoted

CODE = "MLCC369"
NAME, FSX = ("model", "name"), ("hyperpod", "fsx")
# What the driver of FSx needs and cannot find out; the operator can.
ASKED = {"dns_name": "DNSName", "mount_name": "LustreConfiguration.MountName"}


def check(subject: Subject) -> Iterator[Finding]:
    """Folders of S3 and FSx are mounted, with the operator or by the drivers of the cluster."""
    resolved = subject.resolved
    name = str(resolved.get("model.name", ""))
    what, shown = kind(name), quoted(name, 60)
    volume = [path for path in resolved.values if path[:2] == FSX]
    if volume:
        yield from _file_system(subject, volume[0])
    elif what in ("jumpstart", "registry"):
        hint = "copy the model into S3 or onto FSx, and name that (s3://bucket/prefix/, hyperpod.fsx)"
        yield subject.finding(CODE, NAME, f"pods cannot fetch {shown}", hint)
    elif what == "s3" and name.endswith(".tar.gz"):
        hint = "unpack it in S3, and name the folder: s3://bucket/prefix/"
        yield subject.finding(CODE, NAME, f"folders are mounted, and nothing is unpacked: {shown}", hint)
    elif what == "s3" and not resolved.get("deployment.region"):
        hint = "mlcc set deployment.region us-east-1"
        yield subject.finding(CODE, NAME, "the manifest names the region of the bucket, and none is set", hint)


def _file_system(subject: Subject, place: Path) -> Iterator[Finding]:
    found = subject.resolved.get("hyperpod.fsx.file_system_id")
    if not found:
        hint = "mlcc set hyperpod.fsx.file_system_id fs-0123456789abcdef0"
        yield subject.finding(CODE, place, "hyperpod.fsx has no file_system_id", hint)
        return
    if subject.resolved.get("hyperpod.operator", True):
        return
    missing = [key for key in ASKED if not subject.resolved.get(f"hyperpod.fsx.{key}")]
    if missing:
        members = ",".join(ASKED[key] for key in missing)
        command = f"aws fsx describe-file-systems --file-system-ids {found} --query 'FileSystems[0].[{members}]'"
        message = f"without the inference operator hyperpod.fsx needs {' and '.join(missing)}"
        yield subject.finding(CODE, (*FSX, "file_system_id"), message, f"{command} prints what to write there")
