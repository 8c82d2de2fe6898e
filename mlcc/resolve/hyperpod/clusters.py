"""Which cluster a project names: one of HyperPod, or one of Amazon EKS alone.  Law: pure.

A cluster of EKS alone has no inference operator of HyperPod's, so that it gets a plain Deployment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.paths import Path
from mlcc.resolve.candidates import Table

SECTION = "hyperpod"
CLUSTER: Path = (SECTION, "cluster")
PLAIN: Path = (SECTION, "eks_cluster")
OPERATOR: Path = (SECTION, "operator")
# Of both keys only the stronger source's stays: an environment may lie in a cluster of another kind than its base.
KINDS = {"cluster": "cluster", "eks_cluster": "eks_cluster"}


def is_plain(values: Mapping[Path, Any]) -> bool:
    """Whether the project names a cluster of EKS alone.  values: by path, of whatever form."""
    return PLAIN in values


def node_labels(values: Mapping[Path, Any], types: Sequence[str]) -> list[str]:
    """Instance types as the labels of nodes spell them: `ml.g5.xlarge` in HyperPod, `g5.xlarge` in EC2."""
    return [name.removeprefix("ml.") if is_plain(values) else name for name in types]


def keep_one_cluster(table: Table) -> None:
    """Keeps the cluster that the strongest source names; where it is one of EKS alone, no row offers an operator."""
    table.keep_strongest((SECTION,), KINDS)
    named = table.best(PLAIN)
    offered = table.best(OPERATOR)
    if named is not None and offered is not None and not offered.source.by_hand:
        table.drop(OPERATOR)
        table.put(OPERATOR, False, offered.source, f"{named.origin} names a cluster of EKS alone")
