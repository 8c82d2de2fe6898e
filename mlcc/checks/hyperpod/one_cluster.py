"""MLCC393: a cluster that cannot be what the project says of it."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.hyperpod import clusters

CODE = "MLCC393"


def check(subject: Subject) -> Iterator[Finding]:
    """A project is deployed to one cluster, and one of EKS alone has no operator."""
    values = subject.resolved.values
    if not clusters.is_plain(values):
        return
    operator = values.get(clusters.OPERATOR)
    if clusters.CLUSTER in values:
        message = "hyperpod.cluster and hyperpod.eks_cluster name a cluster each"
        hint = "keep cluster for one of HyperPod, eks_cluster for one of Amazon EKS alone"
        yield subject.finding(CODE, clusters.PLAIN, message, hint)
    elif operator is not None and operator.value:
        message = "a cluster of Amazon EKS alone has no inference operator of HyperPod's"
        hint = "remove hyperpod.operator, or name a cluster of HyperPod in hyperpod.cluster"
        yield subject.finding(CODE, clusters.OPERATOR, message, hint)
