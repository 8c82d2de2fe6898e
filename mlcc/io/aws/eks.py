"""Amazon EKS.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

from typing import Any

from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import is_missing


def cluster(caller: Caller, name: str) -> dict[str, Any] | None:
    """DescribeCluster: among others `endpoint`, the address of the cluster's API server."""
    try:
        found: dict[str, Any] = caller.call("eks", "DescribeCluster", {"name": name})["cluster"]
    except AwsError as problem:
        if is_missing(problem):
            return None
        raise
    return found
