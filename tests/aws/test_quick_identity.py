"""The first question without the SDK: signed as the SDK signs, and only in the plainest case."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials

from mlcc.io.aws import quick_identity
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.quick_identity import BODY, KIND, UNPLAIN, Credentials
from tests.aws.answering import AnsweringServer
from tests.aws.model_server import serving
from tests.helpers import build_tree

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
    assert quick_identity.plain({**KEYS, "AWS_PROFILE": "x"}, home) is None
    assert quick_identity.plain(KEYS, home, "x") is None
    build_tree(tmp_path, {".aws/config": "[default]\nregion = eu-west-1\n[profile x]\nrole_arn = y\n"})
    assert quick_identity.plain(KEYS, home) is not None
    build_tree(tmp_path, {".aws/config": "[default]\nendpoint_url = http://127.0.0.1:1\n"})
    assert quick_identity.plain(KEYS, home) is None
    (tmp_path / ".aws/config").unlink()
    (tmp_path / ".aws/config").symlink_to("nowhere")
    assert quick_identity.plain(KEYS, home) is None


OWN = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=s/e=c\n"
# ~/.aws/config, ~/.aws/credentials, the profile, and whether it is plain
FILES = [
    ("", f"[default]\n{OWN}", "", True),
    ("[default]\nregion = eu-west-1\noutput=json\ncli_pager =\n", f"# mine\n[default]\n{OWN}", "", True),
    ("[profile p]\nregion = eu-west-1\n", f"[default]\nx = y\n[p]\n{OWN}aws_session_token = t\n", "p", True),
    ("[profile q]\nrole_arn = r\ns3 =\n  a = b\n[profile p]\nregion=r\n", f"[p]\n{OWN}", "p", True),
    ("[profile p]\nrole_arn = r\nsource_profile = default\n", f"[default]\n{OWN}[p]\n{OWN}", "p", False),
    ("[profile p]\nsso_session = s\n", f"[p]\n{OWN}", "p", False),
    ("[profile p]\ncredential_process = /bin/x\n", f"[p]\n{OWN}", "p", False),
    ("[profile p]\nendpoint_url = http://x\n", f"[p]\n{OWN}", "p", False),
    ("[profile p]\nca_bundle = /x\n", f"[p]\n{OWN}", "p", False),
    ("[profile p]\ns3 =\n  addressing_style = path\n", f"[p]\n{OWN}", "p", False),
    ("[profile  p]\nrole_arn = r\n", f"[p]\n{OWN}", "p", False),
    ("  [profile p]\nrole_arn = r\n", f"[p]\n{OWN}", "p", False),
    ("[DEFAULT]\nrole_arn = r\n", f"[p]\n{OWN}", "p", False),
    ("[profile default]\nrole_arn = r\n", f"[default]\n{OWN}", "", False),
    ("no section = x\n", f"[default]\n{OWN}", "", False),
    ("", f"[p]\n{OWN}[p]\n{OWN}", "p", False),
    ("", f"[p]\n{OWN}{OWN}", "p", False),
    ("", f"[p]\n{OWN}more: x\n", "p", False),
    ("", f"[p]\n{OWN}\n role_arn = x\n", "p", False),
    ("", "[p]\naws_access_key_id = AKIDEXAMPLE\n", "p", False),
    ("", f"[other]\n{OWN}", "p", False),
    ("", f"[p]\n{OWN}# \u00e9\n", "p", False),
    ("", f"[p]\n{OWN}" + "#" * 300_000, "p", False),
    ("", f'["p q"]\n{OWN}', "p q", False),
]


@pytest.mark.parametrize(("config", "credentials", "profile", "is_plain"), FILES)
def test_keys_of_a_plain_profile_are_those_that_the_sdk_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, credentials: str, profile: str, is_plain: bool
) -> None:
    build_tree(tmp_path, {".aws/credentials": credentials, **({".aws/config": config} if config else {})})
    monkeypatch.setenv("HOME", str(tmp_path))
    found = quick_identity.plain({}, str(tmp_path), profile)
    assert (found is not None) == is_plain
    assert quick_identity.plain({"AWS_PROFILE": profile}, str(tmp_path)) == found
    if found is not None:
        theirs = session.Session(profile=profile or None).get_credentials()
        assert (found.key, found.secret, found.token) == (theirs.access_key, theirs.secret_key, theirs.token or "")


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with serving(AnsweringServer(GOOD.encode())) as found:
        yield found


class Sdk:
    """What the SDK would answer."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
        self.calls.append(operation)
        return {"Account": "by the SDK"}


def connected(server: AnsweringServer, made: list[Sdk], home: Path, **environ: str) -> Any:
    def make() -> Any:
        made.append(Sdk())
        return made[-1]

    found = {**KEYS, "AWS_ENDPOINT_URL": server.url, **environ}
    return quick_identity.connect("us-east-1", "amazonaws.com", found, str(home), "", lambda: NOW, make)


def test_the_first_question_does_not_wait_for_the_sdk(server: AnsweringServer, tmp_path: Path) -> None:
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
def test_any_other_answer_is_asked_again_by_the_sdk(
    server: AnsweringServer, tmp_path: Path, status: int, body: str
) -> None:
    server.status, server.body = status, body.encode()
    made: list[Sdk] = []
    caller = connected(server, made, tmp_path)
    assert caller.call("sts", "GetCallerIdentity", {}) == {"Account": "by the SDK"}
    assert made[0].calls == ["GetCallerIdentity"]


def test_nobody_there_is_asked_again_by_the_sdk(server: AnsweringServer, tmp_path: Path) -> None:
    server.server_close()
    made: list[Sdk] = []
    assert connected(server, made, tmp_path).call("sts", "GetCallerIdentity", {}) == {"Account": "by the SDK"}


def test_what_the_sdk_refuses_is_raised_where_it_is_needed(server: AnsweringServer, tmp_path: Path) -> None:
    def make() -> Any:
        raise AwsError("config", "Session", "ProfileNotFound", "no")

    environ = {**KEYS, "AWS_ENDPOINT_URL": server.url}
    caller = quick_identity.connect("us-east-1", "amazonaws.com", environ, str(tmp_path), "", lambda: NOW, make)
    assert caller.call("sts", "GetCallerIdentity", {})["Account"] == "123456789012"
    for _ in range(2):
        with pytest.raises(AwsError):
            caller.call("sagemaker", "ListModels", {})


@pytest.mark.parametrize(("region", "suffix"), [("", "amazonaws.com"), ("xx-east-1", "")])
def test_an_unknown_place_is_left_to_the_sdk(region: str, suffix: str, tmp_path: Path) -> None:
    sdk: Any = Sdk()
    assert quick_identity.connect(region, suffix, KEYS, str(tmp_path), "", lambda: NOW, lambda: sdk) is sdk
