"""Application Auto Scaling: what scales.  Law: one typed method a call; an empty list is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.io.aws.paging import elements

SERVICE, NAMESPACE = "application-autoscaling", "sagemaker"
# Of resource ids in one call (DescribeScalableTargets).
MOST_IDS = 50


class AutoScaling:
    """Reads."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def targets(self, resource_ids: Sequence[str]) -> list[dict[str, Any]]:
        """DescribeScalableTargets of some resources."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(resource_ids), MOST_IDS):
            wanted = {"ServiceNamespace": NAMESPACE, "ResourceIds": list(resource_ids[start : start + MOST_IDS])}
            found += elements(self._caller, SERVICE, "DescribeScalableTargets", wanted)
        return found

    def policies(self, resource_id: str) -> list[dict[str, Any]]:
        """DescribeScalingPolicies of one resource."""
        wanted = {"ServiceNamespace": NAMESPACE, "ResourceId": resource_id}
        return list(elements(self._caller, SERVICE, "DescribeScalingPolicies", wanted))
