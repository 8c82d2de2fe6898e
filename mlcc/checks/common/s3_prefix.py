"""MLCC159: a prefix in S3 that is not written as one."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.text import quoted

CODE = "MLCC159"


def check(subject: Subject) -> Iterator[Finding]:
    """CreateModel takes a folder as S3Prefix, which must end in a slash; without it the name is that of one object."""
    components = subject.resolved.names("inference_components")
    paths: list[Path] = [("model", "name"), *(("inference_components", Item(name), "model") for name in components)]
    if subject.resolved.get("model.data_type") == "S3Object":
        return
    for path in paths:
        value = subject.resolved.values.get(path)
        name = str(value.value) if value is not None else ""
        if name.startswith("s3://") and not name.endswith(("/", ".tar.gz")):
            message = f"{quoted(name, 80)} is neither a prefix, which ends in a slash, nor a .tar.gz"
            yield subject.finding(CODE, path, message, f"write {name}/ for all that is below it"[:200])
