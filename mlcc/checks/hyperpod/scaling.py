"""MLCC363: fewest replicas above the most."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, section
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC363"
PLACES = (
    ("spec", "autoScalingSpec"),
    ("spec", "intelligentRoutingSpec", "autoScalingSpec"),
    ("spec", "pdSpec", "autoScalingSpec", "prefillAutoScaling"),
    ("spec", "pdSpec", "autoScalingSpec", "decodingAutoScaling"),
)
# The operator's own defaults.
LOW, HIGH = 1, 5


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The API server compares no two fields."""
    for place in PLACES:
        found = section(document, *place)
        low, high = found.get("minReplicaCount", LOW), found.get("maxReplicaCount", HIGH)
        if found and isinstance(low, int) and isinstance(high, int) and low > high:
            message = f"minReplicaCount {low} is above maxReplicaCount {high}"
            yield Problem((*place, "minReplicaCount"), message, "lower the one or raise the other")


check = on_manifests(CODE, problems)
