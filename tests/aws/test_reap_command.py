"""mlcc reap on the command line: where it looks, and which time counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.servers.devserver.web import DevServer
from tests.helpers import Caller, applied

PROJECT = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, region: eu-west-1}\n"
ROLE = "arn:aws:iam::123456789012:role/r"
HOUR = 3600


@pytest.fixture
def here(mlcc: Caller) -> Path:
    return applied(".", PROJECT)


def looks_in(mlcc: Caller, *arguments: str) -> str:
    """The region that is named before the first question, which nobody's credentials end."""
    done = mlcc("reap", "--dry-run", *arguments, code=3)
    first = done.stderr.splitlines()[0]
    assert first.startswith("looking in ")
    return first.removeprefix("looking in ")


def test_the_region_of_the_project_counts_after_the_environment_s(
    mlcc: Caller, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-west-2", code=0)
    mlcc("bootstrap", "add", "other", "--region", "ap-south-1", code=0)
    assert looks_in(mlcc) == "eu-west-1"
    assert looks_in(mlcc, "--profile", "other") == "ap-south-1"
    monkeypatch.setenv("AWS_REGION", "us-east-2")
    assert looks_in(mlcc) == "us-east-2"
    assert looks_in(mlcc, "--region", "ca-central-1") == "ca-central-1"
    monkeypatch.delenv("AWS_REGION")
    Path("empty").mkdir()
    assert looks_in(mlcc, "-C", "empty") == "us-west-2", "the profile in use"


def test_a_broken_do_config_is_no_other_region(mlcc: Caller, here: Path) -> None:
    Path("do/config").write_text("AWS_REGION=$(id)\n")
    assert "MLCC301" in mlcc("reap", "--dry-run", code=1).stderr


def test_another_time_is_only_shown(mlcc: Caller) -> None:
    assert "add --dry-run" in mlcc("reap", "--at", "9h", "--yes", code=2).stderr
    for text in ("9x", "2027-02-31", "tomorrow"):
        assert "2027-01-31" in mlcc("reap", "--at", text, "--dry-run", code=2).stderr


@pytest.mark.real
def test_at_lists_what_will_be_past_its_time(mlcc: Caller, server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's clock may be moved as it likes: what expires is compared with a time that is named."""
    import time

    from mlcc.io.aws.connection import Connection

    aws = Connection("us-east-1")
    until = int(time.time()) + 8 * HOUR
    tags = {"mlcc:project": "iris", "mlcc:environment": "default", "mlcc:expires": str(until)}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    variant = {"VariantName": "v", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    config = {"EndpointConfigName": "c", "ProductionVariants": [variant], "ExecutionRoleArn": ROLE}
    aws.call("sagemaker", "CreateEndpointConfig", config)
    aws.call("sagemaker", "CreateEndpoint", {"EndpointName": "iris", "EndpointConfigName": "c", "Tags": pairs})
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    def found(*arguments: str) -> list[str]:
        document = json.loads(mlcc("reap", "--dry-run", "--json", *arguments, code=0).stdout)
        assert (document["region"], document["dry_run"]) == ("us-east-1", True)
        return [one["name"] for one in document["expired"]]

    assert found() == found("--at", "7h") == []
    assert found("--at", "9h") == found("--at", "2099-12-31") == found("--at", "2099-12-31T10:00") == ["iris"]
