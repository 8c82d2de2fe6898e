"""Amazon EKS: clusters.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

from typing import Any

from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.sagemaker import is_missing

SERVICE = "eks"


class Eks:
    """Reads."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def cluster(self, name: str) -> dict[str, Any] | None:
        """DescribeCluster: among others `endpoint`, the address of the cluster's API server."""
        try:
            found: dict[str, Any] = self._caller.call(SERVICE, "DescribeCluster", {"name": name})["cluster"]
        except AwsError as problem:
            if is_missing(problem):
                return None
            raise
        return found
