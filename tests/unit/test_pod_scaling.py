"""scaling of mlcc.yaml on a cluster: what the manifests say of it, and what is refused instead of being ignored."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.checks import runner
from mlcc.core.findings import Severity
from tests.unit.test_manifest_checks import documents, endpoint, findings, http, read

NAMED = ", overrides: {endpointName: chat}"
ADDRESS = "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-0123"
PROMETHEUS = f", prometheus: {{server_address: '{ADDRESS}', query: 'sum(x)'}}"
PLAIN = ", operator: false, cpu_request: '1'"
LIMITS = "min_count: 1, max_count: 4, target_value: 60"


def scaled(words: str, hyperpod: str = "") -> str:
    return http(f"scaling: {{{words}}}\n", hyperpod)


def test_the_operator_scales_by_the_requests_of_its_endpoint() -> None:
    words = "min_count: 0, max_count: 4, target_value: 7.5, scale_in_cooldown_s: 600, scale_out_cooldown_s: 0"
    spec = endpoint(scaled(words, NAMED))
    assert spec["autoScalingSpec"] == {
        "minReplicaCount": 0,
        "maxReplicaCount": 4,
        "scaleDownStabilizationTime": 600,
        "scaleUpStabilizationTime": 0,
        "cooldownPeriod": 600,
        "cloudWatchTrigger": {
            "name": "mlcc",
            "namespace": "AWS/SageMaker",
            "metricName": "Invocations",
            "metricStat": "Sum",
            "metricType": "Average",
            "metricCollectionPeriod": 60,
            "dimensions": [{"name": "EndpointName", "value": "chat"}, {"name": "VariantName", "value": "AllTraffic"}],
            "targetValue": 7.5,
        },
    }
    assert "replicas" not in spec, "an autoscaler owns it"
    assert "autoScalingSpec" not in endpoint(http())
    assert endpoint(http())["replicas"] == 1


def test_the_operator_scales_by_prometheus() -> None:
    found = endpoint(scaled("max_count: 4, target_value: 5", PROMETHEUS))["autoScalingSpec"]
    trigger = {"name": "mlcc", "serverAddress": ADDRESS, "query": "sum(x)", "targetValue": 5}
    assert found == {"minReplicaCount": 1, "maxReplicaCount": 4, "prometheusTrigger": trigger}


def test_what_is_measured_may_be_an_override() -> None:
    trigger = ", overrides: {autoScalingSpec: {cloudWatchTrigger: {metricName: X, targetValue: 1}}}"
    found = endpoint(scaled("min_count: 1, max_count: 4", trigger))["autoScalingSpec"]
    own = {"metricName": "X", "targetValue": 1}
    assert found == {"minReplicaCount": 1, "maxReplicaCount": 4, "cloudWatchTrigger": own}


@pytest.mark.parametrize(("metric", "resource"), [("", "cpu"), (", metric: MemoryUtilization", "memory")])
def test_kubernetes_scales_by_what_pods_use(metric: str, resource: str) -> None:
    words = f"{LIMITS}, scale_in_cooldown_s: 600{metric}"
    found = documents(scaled(words, ", operator: false, cpu_request: '1', memory_request: 4Gi"))
    autoscaler = found["manifests/autoscaler.yaml"]
    assert autoscaler["metadata"] == found["manifests/deployment.yaml"]["metadata"]
    target = {"type": "Utilization", "averageUtilization": 60}
    assert autoscaler["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris"},
        "minReplicas": 1,
        "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {"name": resource, "target": target}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 600}},
    }
    assert "replicas" not in found["manifests/deployment.yaml"]["spec"]
    assert "manifests/autoscaler.yaml" not in documents(http(hyperpod=PLAIN))


WRONG = {
    # mlcc.yaml, the path of the finding, a word of its message, a word of its hint
    "no bounds": (scaled("target_value: 60", PLAIN), "scaling.target_value", "neither", "max_count"),
    "a count": (scaled(LIMITS, f"{PLAIN}, replicas: 2"), "hyperpod.replicas", "replicas", "min_count"),
    "a long wait": (
        scaled(f"{LIMITS}, scale_in_cooldown_s: 3601", PLAIN),
        "scaling.scale_in_cooldown_s",
        "3601",
        "at most 3600",
    ),
    "no target": (scaled("max_count: 4", PLAIN), "scaling.max_count", "target_value", "mlcc set"),
    "no target of the operator": (scaled("max_count: 4", NAMED), "scaling.max_count", "target_value", "mlcc set"),
    "another metric": (
        scaled(f"{LIMITS}, metric: ModelLatency", NAMED),
        "scaling.metric",
        "ModelLatency",
        "Invocations",
    ),
    "no endpoint": (scaled(f"{LIMITS}, metric: Invocations"), "scaling.metric", "SageMaker endpoint", "endpointName"),
    "no endpoint by default": (scaled(LIMITS), "scaling.max_count", "SageMaker endpoint", "prometheus"),
    "two metrics": (scaled(f"{LIMITS}, metric: Invocations", PROMETHEUS), "scaling.metric", "Prometheus", "remove"),
    "a query without an address": (
        scaled(LIMITS, ", prometheus: {query: up}"),
        "hyperpod.prometheus.query",
        "server_address",
        "mlcc set",
    ),
    "a query that scales nothing": (
        http(hyperpod=PROMETHEUS),
        "hyperpod.prometheus.server_address",
        "nothing",
        "add scaling",
    ),
    "a query without the operator": (
        scaled(LIMITS, PLAIN + PROMETHEUS),
        "hyperpod.prometheus.server_address",
        "only the inference operator",
        "CPUUtilization",
    ),
    "to zero": (
        scaled("min_count: 0, max_count: 4, target_value: 60", PLAIN),
        "scaling.min_count",
        "zero",
        "at least 1",
    ),
    "a metric that Kubernetes has not": (
        scaled(f"{LIMITS}, metric: Invocations", PLAIN),
        "scaling.metric",
        "Kubernetes does not scale by",
        "CPUUtilization, MemoryUtilization",
    ),
    "a part of a percent": (
        scaled("max_count: 4, target_value: 0.6", PLAIN),
        "scaling.target_value",
        "0.6",
        "whole number",
    ),
    "a share of nothing": (
        scaled(f"{LIMITS}, metric: MemoryUtilization", PLAIN),
        "scaling.metric",
        "asks for nothing",
        "memory_request",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_cluster_cannot_do_is_refused_once(case: str) -> None:
    text, path, word, hint = WRONG[case]
    [found] = findings(text)
    assert (found.code, found.path) == ("MLCC390", path)
    assert word in found.message
    assert hint in found.hint


def test_bounds_the_wrong_way_round_are_one_finding() -> None:
    for hyperpod in (NAMED, PLAIN):
        [found] = findings(scaled("min_count: 5, max_count: 2, target_value: 60", hyperpod))
        assert found.code == "MLCC126"


def test_no_section_is_left_unread() -> None:
    project = read(scaled(LIMITS, PLAIN))
    assert [f.code for f in project.findings if f.severity is Severity.WARNING] == []


AUTOSCALER: dict[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "iris", "namespace": "default", "labels": {}},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "iris"}, "maxReplicas": 2},
}


@pytest.mark.parametrize(
    "change",
    [
        {"maxReplicas": 0},
        {"minReplicas": 0},
        {"replicas": 2},
        {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601}}},
        {"metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]},
    ],
)
def test_an_edited_autoscaler_is_checked(change: dict[str, Any]) -> None:
    assert runner.manifest_problems("kubernetes_autoscaler", AUTOSCALER) == []
    edited = {**AUTOSCALER, "spec": {**AUTOSCALER["spec"], **change}}
    assert {code for code, _ in runner.manifest_problems("kubernetes_autoscaler", edited)} == {"MLCC360"}
