"""Commands without a project's steps ask AWS as the bootstrap profile says: its credentials, its region, its table."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws.answering import AnsweringServer
from tests.helpers import Caller, Result, build_tree

HERE = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, region: eu-west-1}\n"
KEYS = "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = none\n"
RECORD = {
    "id": "one", "projectName": "iris", "deploymentConfig": "http-fastapi", "status": "success",
    "endpointName": "iris", "region": "eu-west-1",
}  # fmt: skip


@pytest.fixture
def aws(mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    """A service that refuses every call, and a profile of ~/.aws that alone has keys."""
    build_tree(".", {"aws/credentials": KEYS, "mlcc.yaml": HERE})
    server = AnsweringServer(
        b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
    )
    server.status = 403
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_SHARED_CREDENTIALS_FILE": str(Path("aws/credentials").absolute()),
        "AWS_ENDPOINT_URL": server.url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.shutdown()
    server.server_close()


def signed_by(server: AnsweringServer, done: Result) -> tuple[str, str]:
    """The key and the region of the one question; the answer was refused in the service's words."""
    assert "no credentials" not in done.stderr
    (signature,) = server.signed
    key, _, region = signature.partition("Credential=")[2].split("/")[:3]
    return key, region


def test_a_record_is_compared_with_the_profile_s_credentials(mlcc: Caller, aws: AnsweringServer) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-west-2", "--aws-profile", "work", code=0)
    Path("records.jsonl").write_text(json.dumps(RECORD) + "\n")
    mlcc("registry", "log", "--from", "records.jsonl", code=0)
    assert signed_by(aws, mlcc("registry", "show", "1", "--live")) == ("AKIDWORK", "eu-west-1")


def test_projects_are_registered_where_the_profile_is(mlcc: Caller, aws: AnsweringServer) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-west-2", "--aws-profile", "work", "--prefix", "acme", code=0)
    assert signed_by(aws, mlcc("ci", "register")) == ("AKIDWORK", "us-west-2")
    (call,) = json.loads(mlcc("ci", "register", "--dry-run", code=0).stdout)["calls"]
    assert call["parameters"]["TableName"] == "acme-ci-table"


def test_without_a_profile_the_project_s_region_counts(
    mlcc: Caller, aws: AnsweringServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert signed_by(aws, mlcc("ci", "register")) == ("AKIDWORK", "eu-west-1")


def test_an_unknown_profile_of_aws_is_a_finding(mlcc: Caller, aws: AnsweringServer) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-west-2", "--aws-profile", "none", code=0)
    assert "MLCC" in mlcc("ci", "register", code=3).stderr
    assert aws.asked == 0


def test_doctor_asks_in_the_region_of_the_project_here(mlcc: Caller, aws: AnsweringServer) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-west-2", "--aws-profile", "work", code=0)
    mlcc("apply", "-q", code=0)
    assert signed_by(aws, mlcc("doctor", "--aws")) == ("AKIDWORK", "eu-west-1")
