"""What adds pods and takes them away.  Law: pure; renders no field that mlcc.yaml does not ask for.

With the operator it is its autoScalingSpec, which KEDA carries out; without it a HorizontalPodAutoscaler, which knows
the processors and the memory of pods.  Which metrics there are stands in registries/targets.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.records import NamedTuple
from mlcc.resolve.result import Rows

SECTION = "scaling"
PROMETHEUS = ("hyperpod", "prometheus")
ENDPOINT_NAME: Path = ("hyperpod", "overrides", "endpointName")
SPEC: Path = ("hyperpod", "overrides", "autoScalingSpec")
# Fields of the operator's that say what is measured.
TRIGGERS = ("cloudWatchTrigger", "cloudWatchTriggerList", "prometheusTrigger", "prometheusTriggerList")
# The namespace of SageMaker's metrics in CloudWatch, the variant of the operator's endpoints, and the seconds over
# which a metric is taken together (AWS's own example of the operator's scaling).
NAMESPACE, VARIANT, PERIOD_S = "AWS/SageMaker", "AllTraffic", 60
# What Kubernetes keeps a recommendation for, at most (stabilizationWindowSeconds).
LONGEST_S = 3600


class Window(NamedTuple):
    """A cooldown of mlcc.yaml: its key, the operator's field, and the autoscaler's direction."""

    key: str
    field: str
    direction: str


WINDOWS = (
    Window("scale_in_cooldown_s", "scaleDownStabilizationTime", "scaleDown"),
    Window("scale_out_cooldown_s", "scaleUpStabilizationTime", "scaleUp"),
)


def is_scaled(values: Mapping[Path, Any]) -> bool:
    """Whether mlcc.yaml has a scaling section."""
    return any(path[0] == SECTION for path in values)


def limits(values: Mapping[Path, Any]) -> tuple[int, int]:
    """The fewest pods and the most.  A lower bound above its upper one is another rule's (MLCC126)."""
    least, most = values.get((SECTION, "min_count")), values.get((SECTION, "max_count"))
    low = int(least if least is not None else 1)
    return low, max(int(most if most is not None else low), low, 1)


def metric(values: Mapping[Path, Any], known: Mapping[str, str]) -> str:
    """The metric that mlcc.yaml names, else the first of those that are known."""
    return str(values.get((SECTION, "metric")) or next(iter(known), ""))


def has_own_trigger(values: Mapping[Path, Any]) -> bool:
    """Whether hyperpod.overrides says what is measured."""
    return any(path[: len(SPEC)] == SPEC and path[len(SPEC)] in TRIGGERS for path in values if len(path) > len(SPEC))


def is_measured(values: Mapping[Path, Any]) -> bool:
    """Whether scaling itself says what is measured: it names a metric or a target, or nothing else does."""
    named = any((SECTION, key) in values for key in ("metric", "target_value"))
    return named or not has_own_trigger(values)


def operator_spec(values: Mapping[Path, Any], rows: Rows) -> dict[str, Any]:
    """autoScalingSpec."""
    low, high = limits(values)
    found: dict[str, Any] = {"minReplicaCount": low, "maxReplicaCount": high}
    for window in WINDOWS:
        seconds = values.get((SECTION, window.key))
        if seconds is not None:  # 0 is a wish, too
            found[window.field] = seconds
    if low == 0 and "scaleDownStabilizationTime" in found:
        found["cooldownPeriod"] = found["scaleDownStabilizationTime"]  # of the last step, to zero
    if (*PROMETHEUS, "query") in values:
        return {**found, "prometheusTrigger": _prometheus(values)}
    return {**found, "cloudWatchTrigger": _cloudwatch(values, rows)} if is_measured(values) else found


def _target(values: Mapping[Path, Any]) -> dict[str, Any]:
    value = values.get((SECTION, "target_value"))
    return {"targetValue": value} if value is not None else {}


def _prometheus(values: Mapping[Path, Any]) -> dict[str, Any]:
    address, query = (str(values.get((*PROMETHEUS, key), "")) for key in ("server_address", "query"))
    return {"name": "mlcc", "serverAddress": address, "query": query, **_target(values)}


def _cloudwatch(values: Mapping[Path, Any], rows: Rows) -> dict[str, Any]:
    known = rows.target.endpoint_metrics if rows.target is not None else {}
    name = metric(values, known)
    dimensions = {"EndpointName": str(values.get(ENDPOINT_NAME, "")), "VariantName": VARIANT}
    return {
        "name": "mlcc",
        "namespace": NAMESPACE,
        "metricName": name,
        "metricStat": known.get(name, "Average"),
        "metricType": "Average",  # of one pod
        "metricCollectionPeriod": PERIOD_S,
        "dimensions": [{"name": key, "value": value} for key, value in dimensions.items()],
        **_target(values),
    }


def autoscaler(values: Mapping[Path, Any], rows: Rows, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The HorizontalPodAutoscaler of a plain Deployment.

    What it cannot be is a finding of checks/hyperpod/scaled_by, and not of the schema a second time.
    """
    low, high = limits(values)
    known = rows.target.pod_metrics if rows.target is not None else {}
    resource = known.get(metric(values, known)) or next(iter(known.values()), "")
    target = {"type": "Utilization", "averageUtilization": max(int(values.get((SECTION, "target_value"), 1)), 1)}
    behavior = {
        window.direction: {"stabilizationWindowSeconds": min(values[SECTION, window.key], LONGEST_S)}
        for window in WINDOWS
        if (SECTION, window.key) in values
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"]},
        "minReplicas": max(low, 1),
        "maxReplicas": high,
        "metrics": [{"type": "Resource", "resource": {"name": resource, "target": target}}],
        **({"behavior": behavior} if behavior else {}),
    }
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": dict(metadata), "spec": spec}
