"""The HyperPod clusters of an account that Amazon EKS orchestrates.  Law: asks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import SageMaker

# Of clusters that one answer names.
SHOWN = 20


class Cluster(NamedTuple):
    """A cluster: its name, SageMaker's word for its state, the EKS cluster behind it, and its groups of instances."""

    name: str
    status: str
    eks: str
    groups: tuple[str, ...]

    @property
    def words(self) -> str:
        """State, EKS cluster and groups."""
        return f"{self.status}; EKS {self.eks}; {', '.join(self.groups) or 'no instances'}"


def clusters(caller: Caller) -> Iterator[Cluster]:
    """Every cluster of the caller's region that EKS orchestrates, by name.  Raises AwsError."""
    sagemaker = SageMaker(caller)
    for name in sorted(sagemaker.clusters()):
        found = sagemaker.cluster(name)  # None of one that was deleted meanwhile
        eks = eks_arn(found or {})
        if found is not None and eks:
            groups = tuple(_group(one) for one in found.get("InstanceGroups") or ())
            yield Cluster(printable(name), printable(str(found.get("ClusterStatus", ""))), _last(eks), groups)


def eks_arn(found: Mapping[str, Any]) -> str:
    """The ARN of the EKS cluster behind a cluster; empty where Slurm orchestrates it.  found: of DescribeCluster."""
    return str(((found.get("Orchestrator") or {}).get("Eks") or {}).get("ClusterArn", ""))


def listed(caller: Caller) -> str:
    """The clusters in one line, for a hint; why they are not known where the caller may not ask."""
    try:
        found = [f"{one.name} ({one.words})" for one in clusters(caller)]
    except AwsError as problem:
        return f"(not known: {problem.code})"
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (", ".join(found[:SHOWN]) or "none") + more


def _group(one: Mapping[str, Any]) -> str:
    name, machine = (printable(str(one.get(key, ""))) for key in ("InstanceGroupName", "InstanceType"))
    return f"{name}: {one.get('CurrentCount', 0)} of {one.get('TargetCount', 0)} {machine}"


def _last(arn: str) -> str:
    return printable(arn.rpartition("/")[2])
