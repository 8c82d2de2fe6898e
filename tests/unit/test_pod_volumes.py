"""The volume of a plain Deployment: where it leads, how it is mounted, and whose it is."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.checks import runner
from tests.unit.test_manifest_checks import documents, findings, http, vllm

FILES = "fs-0123456789abcdef0"
DNS = f"{FILES}.fsx.us-east-1.amazonaws.com"
FSX = f", operator: false, fsx: {{file_system_id: {FILES}, dns_name: {DNS}, mount_name: abc{{}}}}".replace("{}", "%s")
S3 = http("model: {name: s3://bucket/some/where/}\n", ", operator: false", ", region: eu-west-1")


def manifests(text: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The volume, its claim, and the pod."""
    found = documents(text)
    pod = found["manifests/deployment.yaml"]["spec"]["template"]["spec"]
    return found["manifests/volume.yaml"], found["manifests/volume-claim.yaml"], pod


def test_a_file_system_is_mounted_by_its_driver() -> None:
    volume, _, pod = manifests(http(hyperpod=FSX % ", model_path: /m/x/"))
    assert volume["spec"]["csi"] == {
        "driver": "fsx.csi.aws.com",
        "volumeHandle": FILES,
        "volumeAttributes": {"dnsname": DNS, "mountname": "abc"},
    }
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volume["spec"]["mountOptions"] == ["flock"]
    mounted = {"name": "model", "mountPath": "/opt/ml/model", "readOnly": True}
    assert pod["containers"][0]["volumeMounts"] == [{**mounted, "subPath": "m/x"}]
    _, _, pod = manifests(http(hyperpod=FSX % ""))
    assert pod["containers"][0]["volumeMounts"] == [mounted]


def test_a_folder_of_s3_is_mounted_by_its_driver() -> None:
    volume, claim, pod = manifests(S3)
    csi = volume["spec"]["csi"]
    assert (csi["driver"], csi["volumeAttributes"]) == ("s3.csi.aws.com", {"bucketName": "bucket"})
    assert csi["volumeHandle"] == volume["metadata"]["name"], "the driver wants one that no other volume has"
    assert volume["spec"]["mountOptions"] == ["allow-other", "region eu-west-1", "prefix some/where/"]
    assert volume["spec"]["accessModes"] == claim["spec"]["accessModes"] == ["ReadOnlyMany"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["readOnly"] is True
    volume, _, _ = manifests(S3.replace("some/where/", ""))
    assert volume["spec"]["mountOptions"] == ["allow-other", "region eu-west-1"]


def test_volume_claim_and_pod_name_one_another() -> None:
    volume, claim, pod = manifests(S3)
    name = claim["metadata"]["name"]
    assert volume["spec"]["claimRef"] == {"namespace": "default", "name": name}
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == name
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""
    assert volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain", "the data is not the project's"
    assert "namespace" not in volume["metadata"]
    assert volume["metadata"]["labels"] == {**claim["metadata"]["labels"], "mlcc.dev/namespace": "default"}


def test_another_source_or_namespace_is_another_volume() -> None:
    """What a volume leads to cannot be changed, and volumes of two namespaces must not have one name."""
    texts = [
        S3,
        S3.replace("where", "else"),
        S3.replace("bucket", "pocket"),
        S3.replace("eu-west-1", "us-east-1"),
        S3.replace("operator: false", "operator: false, namespace: other"),
        http(hyperpod=FSX % ""),
        http(hyperpod=FSX.replace("abc", "def") % ""),
    ]
    found = [manifests(text) for text in texts]
    assert len({volume["metadata"]["name"] for volume, _, _ in found}) == len(texts)
    assert len({claim["metadata"]["name"] for _, claim, _ in found}) == len(texts)
    assert all(len(volume["metadata"]["name"]) <= 63 for volume, _, _ in found)


def test_devices_and_a_model_share_the_pod() -> None:
    text = vllm("model: {name: Qwen/Qwen3-0.6B}\n", FSX % "", ", region: us-east-1, instance_type: ml.g5.12xlarge")
    _, _, pod = manifests(text)
    assert [v["name"] for v in pod["volumes"]] == ["shared-memory", "model"]
    [server] = pod["containers"]
    assert [m["name"] for m in server["volumeMounts"]] == ["shared-memory", "model"]
    variables = {v["name"]: v.get("value") for v in server["env"]}
    assert "VLLM_MODEL" not in variables, "an engine that gets a name fetches the model again"
    assert variables["VLLM_SERVED_MODEL_NAME"] == "Qwen/Qwen3-0.6B"


def test_nothing_is_mounted_where_no_volume_is_needed() -> None:
    for text in (http(hyperpod=", operator: false"), vllm("model: {name: Qwen/Qwen3-0.6B}\n", ", operator: false")):
        assert sorted(documents(text)) == ["manifests/deployment.yaml", "manifests/service.yaml"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (http(hyperpod=FSX.replace(f" dns_name: {DNS},", "") % ""), "dns_name"),
        (http(hyperpod=FSX.replace(", mount_name: abc", "") % ""), "mount_name"),
        (S3.replace(", region: eu-west-1", ""), "region"),
        (S3.replace("where/", "model.tar.gz"), "unpacked"),
    ],
)
def test_what_a_driver_must_know_is_asked_for(text: str, word: str) -> None:
    [found] = findings(text)
    assert found.code == "MLCC369"
    assert word in found.message


@pytest.mark.parametrize(
    ("schema", "change"),
    [
        ("kubernetes_volume", {"capacity": {"storage": "much"}}),
        ("kubernetes_volume", {"persistentVolumeReclaimPolicy": "Delete"}),
        ("kubernetes_volume", {"accessMode": "ReadOnlyMany"}),
        ("kubernetes_volume_claim", {"accessModes": ["ReadMany"]}),
        ("kubernetes_volume_claim", {"resources": {}}),
    ],
)
def test_an_edited_manifest_is_checked(schema: str, change: dict[str, Any]) -> None:
    volume, claim, _ = manifests(S3)
    document = volume if schema == "kubernetes_volume" else claim
    edited = {**document, "spec": {**document["spec"], **change}}
    assert {code for code, _ in runner.manifest_problems(schema, edited)} == {"MLCC360"}
