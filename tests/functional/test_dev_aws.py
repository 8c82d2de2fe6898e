"""`mlcc dev aws` before it listens: what it refuses, and how.  That it serves is in tests/real/test_dev_aws.py."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from mlcc.servers.devserver import service
from mlcc.servers.devserver.service import CONTAINER, PROCESS, Settings
from tests.helpers import SMALLEST, assert_no_traceback, build_tree


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--beside", "127.0.0.1:4566"], "--beside '127.0.0.1:4566': no address of a server"),
        (["--beside", "file:///etc"], "no address of a server"),
        (["--account", "123"], "no number of twelve digits"),
        (["--speed", "0"], "--speed"),
        (["--launcher", "magic"], "'container'"),
    ],
)
def test_usage(mlcc: Any, arguments: list[str], says: str) -> None:
    done = mlcc("dev", "aws", *arguments, code=2)
    assert says in done.stderr
    assert done.stdout == ""


def test_a_folder_that_is_no_project(mlcc: Any) -> None:
    done = mlcc("dev", "aws", code=3)
    assert "mlcc apply" in done.stderr
    assert_no_traceback(done)


def test_a_port_that_is_taken(mlcc: Any) -> None:
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = mlcc("dev", "aws", "--port", str(other.getsockname()[1]), code=3)
    assert "MLCC380" in done.stderr
    assert "--port 0" in done.stderr


@pytest.mark.parametrize("beside", ["", "http://127.0.0.1:4566"])
def test_the_environment_leads_every_call_to_this_machine(beside: str) -> None:
    settings = Settings("us-east-1", "123456789012", "/state", PROCESS, beside=beside)
    found = service.variables(settings, "http://127.0.0.1:1", {"NO_PROXY": "example.com", "AWS_PROFILE": "work"})
    assert found["AWS_ENDPOINT_URL"] == (beside or "http://127.0.0.1:1")
    assert {
        found[f"AWS_ENDPOINT_URL_{name}"]
        for name in ("SAGEMAKER", "SAGEMAKER_RUNTIME", "CLOUDWATCH", "CLOUDWATCH_LOGS")
    } == {"http://127.0.0.1:1"}
    assert found["AWS_ENDPOINT_URL_ECR"] == "http://127.0.0.1:1", "a process has no image that could be pushed"
    assert "AWS_ENDPOINT_URL_ECR" not in service.variables(settings._replace(launcher=CONTAINER), "http://x", {})
    assert found["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] == "false"
    assert found["AWS_ACCESS_KEY_ID"] == found["AWS_SECRET_ACCESS_KEY"] == "mlcc-dev-aws"
    assert found["NO_PROXY"] == "example.com,127.0.0.1"
