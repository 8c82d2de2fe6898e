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
