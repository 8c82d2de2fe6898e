"""MLCC365: a field without effect."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, spec_of
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC365"


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The server drops an empty replicas, and the operator does not read InitialReplicaCount any more."""
    spec = spec_of(document)
    if "InitialReplicaCount" in spec:
        yield Problem(("spec", "InitialReplicaCount"), "the operator does not read it any more", "use replicas")
    if "replicas" in spec and spec["replicas"] is None:
        yield Problem(("spec", "replicas"), "an empty value means one replica", "write a number, or remove it")


check = on_manifests(CODE, problems)
