"""The first question without the SDK: signed as the SDK signs, and only in the plainest case."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials

from mlcc.io.aws import quick_identity
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.quick_identity import BODY, KIND, UNPLAIN, Credentials
from tests.aws.model_server import serving

NOW = 1_700_000_000.0
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
ARN = "arn:aws:sts::123456789012:assumed-role/r/s"
GOOD = f"<R><GetCallerIdentityResult><Arn>{ARN}</Arn><Account>123456789012</Account></GetCallerIdentityResult></R>"


@pytest.mark.parametrize("token", ["", "a-token-of-a-session"])
@pytest.mark.parametrize("host", ["sts.us-east-1.amazonaws.com", "127.0.0.1:4566"])
def test_it_signs_as_the_sdk_does(host: str, token: str) -> None:
    request = AWSRequest("POST", f"https://{host}/", data=BODY, headers={"Content-Type": KIND})
    own = Credentials(*KEYS.values(), token)
    SigV4Auth(SdkCredentials(own.key, own.secret, token or None), "sts", "us-east-1").add_auth(request)
    signed = datetime.datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%S%z")
    found = quick_identity.headers(host, "us-east-1", own, signed.timestamp())
    assert found["Authorization"] == request.headers["Authorization"]


# ---------------------------------------------------------------- when it is used
def test_only_the_plainest_case_is_answered(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert quick_identity.plain(KEYS, home) == Credentials(*KEYS.values(), "")
    for name in UNPLAIN:
        assert quick_identity.plain({**KEYS, name: "x"}, home) is None
    for name in KEYS:
        assert quick_identity.plain({k: v for k, v in KEYS.items() if k != name}, home) is None
    assert quick_identity.plain(KEYS, "") is None
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").symlink_to("nowhere")
    assert quick_identity.plain(KEYS, home) is None


class Server(ThreadingHTTPServer):
    """Answers with what a test says."""

    daemon_threads = True
    status, body = 200, GOOD

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        self.server.asked += 1
        body = self.server.body.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as found:
        yield found


class Sdk:
    """What the SDK would answer."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        return {"Account": "by the SDK"}


def connected(server: Server, made: list[Sdk], home: Path, **environ: str) -> Any:
    def make() -> Any:
        made.append(Sdk())
        return made[-1]

    found = {**KEYS, "AWS_ENDPOINT_URL": server.url, **environ}
    return quick_identity.connect("us-east-1", "amazonaws.com", found, str(home), lambda: NOW, make)


def test_the_first_question_does_not_wait_for_the_sdk(server: Server, tmp_path: Path) -> None:
    made: list[Sdk] = []
    caller = connected(server, made, tmp_path)
    assert caller.call("sts", "GetCallerIdentity", {}) == {"Account": "123456789012", "Arn": ARN}
    assert made == []
    assert caller.call("sagemaker", "ListModels", {}) == {"Account": "by the SDK"}
    assert (len(made), made[0].calls, server.asked) == (1, ["ListModels"], 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, GOOD), (500, ""), (200, ""), (200, "<Account>1</Account>"), (200, GOOD.replace("arn:", "urn:")),
        (302, ""), (200, "x" * 100_000),
    ],
)  # fmt: skip
def test_any_other_answer_is_asked_again_by_the_sdk(server: Server, tmp_path: Path, status: int, body: str) -> None:
    server.status, server.body = status, body
    made: list[Sdk] = []
    caller = connected(server, made, tmp_path)
    assert caller.call("sts", "GetCallerIdentity", {}) == {"Account": "by the SDK"}
    assert made[0].calls == ["GetCallerIdentity"]


def test_nobody_there_is_asked_again_by_the_sdk(server: Server, tmp_path: Path) -> None:
    server.server_close()
    made: list[Sdk] = []
    assert connected(server, made, tmp_path).call("sts", "GetCallerIdentity", {}) == {"Account": "by the SDK"}


def test_what_the_sdk_refuses_is_raised_where_it_is_needed(server: Server, tmp_path: Path) -> None:
    def make() -> Any:
        raise AwsError("config", "Session", "ProfileNotFound", "no")

    environ = {**KEYS, "AWS_ENDPOINT_URL": server.url}
    caller = quick_identity.connect("us-east-1", "amazonaws.com", environ, str(tmp_path), lambda: NOW, make)
    assert caller.call("sts", "GetCallerIdentity", {})["Account"] == "123456789012"
    for _ in range(2):
        with pytest.raises(AwsError):
            caller.call("sagemaker", "ListModels", {})


@pytest.mark.parametrize(("region", "suffix"), [("", "amazonaws.com"), ("xx-east-1", "")])
def test_an_unknown_place_is_left_to_the_sdk(region: str, suffix: str, tmp_path: Path) -> None:
    sdk: Any = Sdk()
    assert quick_identity.connect(region, suffix, KEYS, str(tmp_path), lambda: NOW, lambda: sdk) is sdk
