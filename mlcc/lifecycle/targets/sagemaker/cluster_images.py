"""Environments of a project whose pods use its images.  Law: pure; the lock says which, and no cluster is asked.

Whoever cleans one environment need not reach the cluster of another, and pods that are started anew pull their image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.text import printable
from mlcc.lifecycle.rendered_project import RenderedProject

# What tells one cluster from another.
CLUSTER = (("hyperpod", "cluster"), ("hyperpod", "eks_cluster"), ("deployment", "region"))


def users(project: RenderedProject) -> str:
    """Why the project's images stay, and what takes them away then; empty where no pods elsewhere use them.

    Environments in the cluster that this step asks itself do not count.
    """
    for name, values in _environments(project):
        row = project.registries.targets.get(str(values.get(("deployment", "target"), "")))
        if (
            row is None
            or not row.manifests
            or (project.target.manifests and _cluster(values) == _cluster(project.values))
        ):
            continue
        words = f"the environment {printable(name, 100)}" if name else "the project without an environment"
        step = f"do/clean repository --env {printable(name, 100)}" if name else "do/clean repository"
        if project.target.manifests:  # neither of two clusters knows of the other one's pods
            step = "aws ecr batch-delete-image, once neither is used,"
        return f"{words} is for {row.name}, whose pods may use them ({step} takes them away)"
    return ""


def _environments(project: RenderedProject) -> Iterator[tuple[str, Mapping[Path, Any]]]:
    """The environments of a project beside the chosen one, with their values; the one without a name is empty."""
    for name in (None, *project.lock.environments):
        if name != project.env:
            yield name or "", project.lock.environment(name)


def _cluster(values: Mapping[Path, Any]) -> tuple[Any, ...]:
    return tuple(values.get(path, "") for path in CLUSTER)
