"""mlcc init --import and --import-endpoint on the command line: what is written, listed and refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers import SMALLEST, assert_no_traceback, build_tree, read_tree

CONFIG = """#!/bin/bash
# do-framework configuration
export PROJECT_NAME="iris"
export DEPLOYMENT_CONFIG="http-flask"
export FRAMEWORK="http"
export MODEL_SERVER="flask"
export AWS_REGION=${AWS_REGION:-eu-west-1}
export DEPLOYMENT_TARGET="realtime-inference"
export INSTANCE_TYPE="ml.m5.large"
export IC_GPU_COUNT="${IC_GPU_COUNT:-1}"
export MODEL_FORMAT="joblib"
export ROLE_ARN="$(touch ran; echo arn:aws:iam::123456789012:role/r)"
export IC_ENV_API_TOKEN="a-secret-of-somebody"
touch ran
"""


@pytest.fixture
def older() -> Path:
    return build_tree("older", {"do/config": CONFIG})


def test_a_project_is_taken_over_and_renders(mlcc: Any, older: Path) -> None:
    before = read_tree("older")
    done = mlcc("init", "--import", "older", "-C", "new", code=0)
    text = Path("new/mlcc.yaml").read_text()
    assert yaml.safe_load(text) == {
        "version": 1,
        "project": {"name": "iris"},
        "deployment": {
            "config": "http-flask",
            "target": "realtime-inference",
            "region": "eu-west-1",
            "instance_type": "ml.m5.large",
        },
        "endpoint": {"routing_strategy": "LEAST_OUTSTANDING_REQUESTS", "startup_timeout_s": 900},
        "model": {"format": "joblib"},
    }
    assert "older/do/config:10:1: note MLCC383" in done.stderr
    assert "older/do/config:12:1: warning MLCC382" in done.stderr
    assert "older/do/config:13:1: warning MLCC385 secrets.API_TOKEN" in done.stderr
    assert "older/do/config:14:1: warning MLCC382: only running this line" in done.stderr
    assert "#   API_TOKEN: {secretsmanager: ITS-NAME}" in text
    assert "a-secret-of-somebody" not in text + done.stderr + done.stdout
    assert read_tree("older") == before
    assert not Path("ran").exists()
    mlcc("validate", "new/mlcc.yaml", code=0)
    mlcc("apply", "new/mlcc.yaml", code=0)
    assert "export AWS_REGION='eu-west-1'\n" in Path("new/do/config").read_text()


def test_what_is_given_wins(mlcc: Any, older: Path) -> None:
    done = mlcc(
        "init", "moon", "--import", "older", "--region", "us-west-2", "--deployment-config", "http-fastapi", "-C", "new",
        "--json", code=0,
    )  # fmt: skip
    found = yaml.safe_load(Path("new/mlcc.yaml").read_text())
    assert (found["project"]["name"], found["deployment"]["region"]) == ("moon", "us-west-2")
    assert found["deployment"]["config"] == "http-fastapi"
    document = json.loads(done.stdout)
    assert document["file"] == "new/mlcc.yaml"
    assert {f["code"] for f in document["findings"]} == {"MLCC382", "MLCC383", "MLCC385"}


def test_errors_that_are_left_are_counted(mlcc: Any, older: Path) -> None:
    build_tree("older", {"do/config": CONFIG.replace("ml.m5.large", "ml.zz9.large")})
    done = mlcc("init", "--import", "older", "-C", "new", code=0)
    assert "mlcc validate -f new/mlcc.yaml finds 1 error; settle that, then mlcc apply" in done.stderr


def test_an_mlcc_yaml_that_is_there_stays(mlcc: Any, older: Path) -> None:
    build_tree("new", {"mlcc.yaml": SMALLEST})
    done = mlcc("init", "--import", "older", "-C", "new", code=1)
    assert "MLCC217" in done.stderr
    assert Path("new/mlcc.yaml").read_text() == SMALLEST


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--import", "nothing"], 1, "MLCC001"),
        (["--import", "."], 1, "MLCC386"),
        (["--import", "unnamed"], 1, "--deployment-config NAME"),
        (["--import", "unnamed", "--deployment-config", "http-flsk"], 1, "did you mean http-flask?"),
        (["--import", "older", "--import-endpoint", "x"], 2, "exclude each other"),
        (["--import-endpoint", "x", "--offline"], 2, "--offline forbids it"),
    ],
)
def test_what_cannot_be_imported(mlcc: Any, older: Path, arguments: list[str], code: int, says: str) -> None:
    build_tree("unnamed", {"do/config": "export PROJECT_NAME=x\n"})
    done = mlcc("init", *arguments, "-C", "new", code=code)
    assert says in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert_no_traceback(done)
    assert not Path("new").exists()
