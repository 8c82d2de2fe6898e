"""mlcc doctor --aws in a project on a HyperPod cluster, against our SageMaker, which has no clusters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.servers.devserver.web import DevServer
from tests.aws.account import render
from tests.helpers import Caller

TEXT = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, target: %s, region: us-east-1}\n"


@pytest.mark.parametrize(
    ("target", "options", "rows"),
    [
        ("hyperpod-eks", [], [("hyperpod cluster", "missing")]),
        ("realtime-inference", [], []),
        ("realtime-inference", ["--use", "hyperpod"], [("hyperpod cluster", "missing")]),
    ],
)
def test_a_project_on_a_cluster_gets_the_list(
    server: DevServer,
    mlcc: Caller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    options: list[str],
    rows: list[tuple[str, str]],
) -> None:
    text = TEXT % target + ("hyperpod: {cluster: c}\n" if target == "hyperpod-eks" else "")
    monkeypatch.chdir(render(text, tmp_path / "project"))
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found = json.loads(mlcc("doctor", "--aws", *options, "-o", "json").stdout)["checks"]
    assert [(c["what"], c["state"]) for c in found if c["what"] == "hyperpod cluster"] == rows


@pytest.mark.parametrize(
    ("target", "more", "quota"),
    [
        ("hyperpod-eks", "hyperpod: {cluster: c}\n", "ml.g5.xlarge for cluster usage"),
        (
            "batch-transform",
            "batch: {input_path: s3://bucket/in/, output_path: s3://bucket/out/}\n",
            "ml.g5.xlarge for transform job usage",
        ),
        ("realtime-inference", "", "ml.g5.xlarge for endpoint usage"),
        ("async-inference", "async: {s3_output_path: s3://bucket/out/}\n", "ml.g5.xlarge for endpoint usage"),
    ],
)
def test_the_quota_is_the_target_s_and_the_region_the_project_s(
    server: DevServer,
    mlcc: Caller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    more: str,
    quota: str,
) -> None:
    server.dispatcher.account.quotas[quota] = 3
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    text = (TEXT % target).replace("us-east-1}", "us-east-1, instance_type: ml.g5.xlarge}") + more
    monkeypatch.chdir(render(text, tmp_path / "project"))
    found = json.loads(mlcc("doctor", "--aws", "-o", "json").stdout)["checks"]
    assert [c["found"] for c in found if c["what"].startswith("quota")] == [f"{quota}: 3"]
    assert "region" not in {c["what"] for c in found}
