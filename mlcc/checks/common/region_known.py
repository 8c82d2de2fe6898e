"""MLCC111: a region that does not exist or has no SageMaker."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import nearest, quoted

CODE = "MLCC111"


def check(subject: Subject) -> Iterator[Finding]:
    """Compares the region with the registry's list."""
    name = subject.resolved.get("deployment.region")
    if name is None:
        return
    region = subject.registries.regions.get(str(name))
    path = ("deployment", "region")
    if region is None:
        near = nearest(str(name).replace("_", "-"), subject.registries.regions)
        hint = (f"did you mean {near}? " if near else "") + "`mlcc catalog regions` lists them"
        yield subject.finding(CODE, path, f"no region is called {quoted(str(name))}", hint)
    elif not region.sagemaker:
        yield subject.finding(
            CODE, path, f"SageMaker is not offered in {name}", "`mlcc catalog regions` shows where it is"
        )
