"""`hyperpod.eks_cluster`: a cluster of Amazon EKS without HyperPod, which has no operator and EC2's names of nodes."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.checks.common import instance_offered, job_paths
from mlcc.core.values import Source
from tests.unit.test_manifest_checks import documents, read

ALONE = "eks_cluster: inference_1"
NODES = "node.kubernetes.io/instance-type"


def text(hyperpod: str, instance: str = "ml.m5.2xlarge", more: str = "") -> str:
    deployment = f"{{config: http-fastapi, target: hyperpod-eks, instance_type: {instance}}}"
    return f"version: 1\nproject: {{name: iris}}\ndeployment: {deployment}\nhyperpod: {{{hyperpod}}}\n{more}"


def codes(written: str) -> list[str]:
    return [finding.code for finding in read(written).findings]


def pod(written: str, place: str = "manifests") -> dict[str, Any]:
    return dict(documents(written)[f"{place}/deployment.yaml"]["spec"]["template"]["spec"])


def test_it_gets_a_plain_deployment_on_nodes_as_ec2_calls_them() -> None:
    assert set(documents(text(ALONE))) == {"manifests/deployment.yaml", "manifests/service.yaml"}
    assert pod(text(ALONE))["nodeSelector"] == {NODES: "m5.2xlarge"}
    assert pod(text("cluster: c, operator: false"))["nodeSelector"] == {NODES: "ml.m5.2xlarge"}
    listed = pod(text(ALONE + ", instance_types: [ml.m5.2xlarge, ml.m5.4xlarge]"))
    terms = listed["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0]["values"] == ["m5.2xlarge", "m5.4xlarge"]


def test_its_operator_says_where_it_comes_from() -> None:
    found = read(text(ALONE)).default.values[("hyperpod", "operator")]
    assert (found.value, found.source) == (False, Source.DEPLOYMENT_CONFIG)
    assert "names a cluster of EKS alone" in found.origin


@pytest.mark.parametrize(
    ("hyperpod", "found"),
    [
        (ALONE, []),
        (ALONE + ", operator: false", []),
        (ALONE + ", operator: true", ["MLCC393"]),
        (ALONE + ", cluster: c", ["MLCC393"]),
        ("cluster: c", []),
    ],
)
def test_a_cluster_is_of_one_kind(hyperpod: str, found: list[str]) -> None:
    assert codes(text(hyperpod)) == found


def test_an_environment_may_lie_in_a_cluster_of_the_other_kind() -> None:
    other = "environments: {prod: {hyperpod: {cluster: ml-cluster}}}\n"
    assert codes(text(ALONE, more=other)) == []
    found = documents(text(ALONE, more=other))
    assert "manifests/prod/inference-endpoint.yaml" in found
    assert "manifests/deployment.yaml" in found
    back = "environments: {dev: {hyperpod: {eks_cluster: small}}}\n"
    assert codes(text("cluster: ml-cluster", more=back)) == []
    assert pod(text("cluster: ml-cluster", more=back), "manifests/dev")["nodeSelector"] == {NODES: "m5.2xlarge"}


def test_hyperpod_s_list_of_instance_types_is_not_its_own() -> None:
    """ml.m4.xlarge is a type of endpoints and EC2, which HyperPod does not offer."""
    assert instance_offered.CODE in codes(text("cluster: c", "ml.m4.xlarge"))
    assert codes(text(ALONE, "ml.m4.xlarge")) == []
    listed = ", instance_types: [ml.m4.xlarge]"
    assert codes(text("cluster: c" + listed)) == ["MLCC377"]
    assert codes(text(ALONE + listed)) == []


def test_one_of_the_two_keys_is_needed() -> None:
    (finding,) = read(text("namespace: default")).findings
    assert finding.code == job_paths.CODE
    assert finding.message.startswith("hyperpod.cluster or hyperpod.eks_cluster is missing")
    assert "mlcc set hyperpod.eks_cluster inference-cluster" in finding.hint


def test_the_key_has_no_effect_on_another_target() -> None:
    written = text(ALONE).replace("hyperpod-eks", "realtime-inference")
    assert codes(written) == ["MLCC101"]
