"""MLCC395: a volume for an instance type that has disks of its own."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path, format_path

CODE = "MLCC395"
SIZE: Path = ("endpoint", "volume_size_gb")
KEY: Path = ("encryption", "volume_kms_key_id")


def check(subject: Subject) -> Iterator[Finding]:
    """SageMaker attaches no volume there: it refuses a size, and for a transform job a key (of an endpoint it is
    ignored: TransformResources and CreateEndpointConfig in AWS's API reference).
    """
    instance, target = subject.rows.instance, subject.rows.target
    if instance is None or target is None or not instance.local_storage:
        return
    refused = {SIZE: "endpoint" in target.uses, KEY: "batch" in target.uses}
    for path, counts in refused.items():
        if counts and path in subject.resolved.values:
            message = f"{instance.name} has disks of its own, and SageMaker refuses {format_path(path)} with them"
            yield subject.finding(CODE, path, message, "remove it: the disks are used, and encrypted by the hardware")
