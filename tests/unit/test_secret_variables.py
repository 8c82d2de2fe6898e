"""Secrets of a container: what it gets of them, and how its entry point reads them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mlcc import pipeline
from mlcc.core.paths import parse_path
from mlcc.registries.loader import load
from mlcc.resolve import secret_variables
from tests.helpers import ROOT, SMALLEST, build_tree, needed
from tests.unit.test_serve_script import module

FILE = ROOT / "cookiecutters/common/{{cookiecutter.root}}/code/with_secrets"
program = module(FILE, "with_secrets")
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlcc/hf-token-AbCdEf"
KEY = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-real-key", "AWS_REGION": "eu-west-1"}
CANARY = "canary-5f2b"


# ---------------------------------------------------------------- what a container gets
def reported(**values: Any) -> dict[str, str]:
    return secret_variables.variables({parse_path(f"secrets.HF_TOKEN.{k}") or (): v for k, v in values.items()})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"secretsmanager": "mlcc/hf-token"}, "mlcc/hf-token"),
        ({"secretsmanager": ARN}, ARN),
        ({"secretsmanager": ARN, "json_key": "token"}, f"{ARN}:token::"),
        ({"secretsmanager": "a", "json_key": "token", "phase": "runtime"}, "a:token::"),
        ({"secretsmanager": "a", "phase": "build"}, None),
        ({"env": "HF_TOKEN"}, None),
    ],
)
def test_a_container_gets_the_place_of_a_secret(values, expected):
    assert reported(**values) == ({} if expected is None else {"MLCC_SECRET_HF_TOKEN": expected})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mlcc/hf-token", ("mlcc/hf-token", "", "")),
        ("mlcc/hf-token:token::", ("mlcc/hf-token", "token", "")),
        (ARN, (ARN, "", "eu-west-1")),
        (f"{ARN}:token::", (ARN, "token", "eu-west-1")),
        (f"{ARN}:::", (ARN, "", "eu-west-1")),
        ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:x", ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:x", "", "cn-north-1")),
    ],
)  # fmt: skip
def test_the_place_of_a_secret_is_read_back(text, expected):
    assert program.reference(text) == expected


SECRETS = "secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token}}\n"
OVERLAY = f"environments: {{prod: {{{SECRETS.strip()}}}}}\n"


@pytest.mark.parametrize("extra", ["", SECRETS, OVERLAY, SECRETS.replace("}}", ", phase: build}}")])
@pytest.mark.parametrize("config", sorted(load().deployment_configs))
def test_the_entry_point_of_every_image_reads_them(config, extra):
    build_tree(".", {"mlcc.yaml": SMALLEST.replace("http-fastapi", config) + needed(config) + extra})
    project = pipeline.read("mlcc.yaml")
    assert project.ok, project.findings
    tree = pipeline.render(project, ["/tmp"])
    engine = project.default.rows.engine
    theirs = list(engine.entrypoint) if engine is not None else []
    assert not theirs or (engine is not None and engine.style == "image")
    lines = [x for x in tree["Dockerfile"].data.decode().splitlines() if x.startswith(("ENTRYPOINT", 'COPY ["code/"'))]
    if extra in (SECRETS, OVERLAY):
        assert tree["code/with_secrets"].data == FILE.read_bytes()
        assert tree["code/with_secrets"].mode == 0o755
        words = ["/opt/program/with_secrets", *(theirs or ["/opt/program/serve"])]
        assert lines == ['COPY ["code/", "/opt/program/"]', f"ENTRYPOINT {json.dumps(words)}"]
    else:
        assert "code/with_secrets" not in tree
        assert lines[-1:] == ([] if theirs else ['ENTRYPOINT ["/opt/program/serve"]'])


@pytest.mark.parametrize("name", [n for n, e in load().engines.items() if e.style == "image"])
def test_an_image_that_starts_its_engine_itself_names_its_entry_point(name):
    assert load().engines[name].entrypoint


# ---------------------------------------------------------------- how they are read
def test_requests_are_signed_as_botocore_signs_them():
    body, now = b'{"SecretId": "a"}', datetime(2026, 11, 21, 8, 30, tzinfo=timezone.utc)
    for token in ("", "a-session-token"):
        key = program.Credentials("AKIDEXAMPLE", "not-a-real-key", token)
        url = "https://secretsmanager.eu-west-1.amazonaws.com/"
        ours = program.signed(url, "eu-west-1", body, key, now)
        output_text = {k: v for k, v in ours.items() if k in ("content-type", "x-amz-target")}
        request = AWSRequest("POST", url, headers=output_text, data=body)
        signer = SigV4Auth(Credentials(key.key_id, key.secret, token or None), "secretsmanager", "eu-west-1")
        request.context["timestamp"] = ours["x-amz-date"]
        request.headers["X-Amz-Date"] = ours["x-amz-date"]
        if token:
            request.headers["X-Amz-Security-Token"] = token
        text = signer.string_to_sign(request, signer.canonical_request(request))
        assert ours["authorization"].endswith(signer.signature(text, request))


def test_every_region_has_its_address():
    regions = load().regions
    assert len(regions) > 30
    for name, row in regions.items():
        assert program.endpoint({}, name) == f"https://secretsmanager.{name}.{row.dns_suffix}/"


def answers(*replies: Any) -> Callable[[urllib.request.Request], bytes]:
    """What asking gives, in turn; requests are kept in `asked`."""
    left = list(replies)

    def ask(request: urllib.request.Request) -> bytes:
        ask.asked.append(request)  # type: ignore[attr-defined]
        return json.dumps(left.pop(0)).encode()

    ask.asked = []  # type: ignore[attr-defined]
    return ask


def test_credentials_come_from_the_environment_or_from_the_container_s_endpoint(tmp_path):
    ask: Any = answers(
        {"AccessKeyId": "a", "SecretAccessKey": "b", "Token": "c"}, {"AccessKeyId": "a", "SecretAccessKey": "b"}
    )
    assert program.credentials(KEY, ask) == ("AKIDEXAMPLE", "not-a-real-key", "")
    assert not ask.asked
    relative = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"}
    assert program.credentials(relative, ask) == ("a", "b", "c")
    assert ask.asked[0].full_url == "http://169.254.170.2/v2/credentials/x"
    token = tmp_path / "token"
    token.write_text("Bearer x\n")
    full = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }
    assert program.credentials(full, ask) == ("a", "b", "")
    assert ask.asked[1].get_header("Authorization") == "Bearer x"
    with pytest.raises(program.Refused, match="no credentials"):
        program.credentials({}, ask)


def read(text: str, *replies: Any, environ: Mapping[str, str] = KEY) -> dict[str, str]:
    found: dict[str, str] = program.with_secrets({**environ, "MLCC_SECRET_HF_TOKEN": text}, answers(*replies))
    return found


def test_values_stand_under_their_names():
    assert read("a", {"SecretString": CANARY})["HF_TOKEN"] == CANARY
    assert read("a:token::", {"SecretString": json.dumps({"token": CANARY})})["HF_TOKEN"] == CANARY
    assert read("a", {"SecretString": ""})["HF_TOKEN"] == ""
    assert "MLCC_SECRET_HF_TOKEN" not in read("a", {"SecretString": CANARY})
    assert program.with_secrets({"A": "b", "MLCC_SECRET_X": "", "MLCC_SECRET_": "x"}, answers()) == {"A": "b"}
    for value in (True, 7, {"a": "b"}):
        assert read("a:token::", {"SecretString": json.dumps({"token": value})})["HF_TOKEN"] == json.dumps(value)


@pytest.mark.parametrize(
    ("text", "reply", "words"),
    [
        ("a", {"SecretBinary": "AAAA"}, "it holds bytes"),
        ("a:other::", {"SecretString": json.dumps({"token": CANARY})}, "no JSON object with a key other"),
        ("a:token::", {"SecretString": CANARY}, "no JSON object with a key token"),
        ("a:token::", {"SecretString": json.dumps([CANARY])}, "no JSON object with a key token"),
        ("a:token::", {"SecretString": "[" * 100_000}, "no JSON object with a key token"),
        ("a:token::", {"SecretString": json.dumps({"token": None, "other": CANARY})}, "of its key token is null"),
        ("a", {"SecretString": f"{CANARY}\0"}, "no variable can hold it"),
        ("a", {"SecretString": f"{CANARY}\ud800"}, "no variable can hold it"),
        ("a", [CANARY], "the answer cannot be read"),
        ("a", {"SecretString": {"a": CANARY}}, "the answer cannot be read"),
    ],
)
def test_what_cannot_be_read_ends_the_container_and_shows_no_value(text, reply, words):
    with pytest.raises(program.Refused, match=words) as caught:
        read(text, reply)
    assert str(caught.value).startswith("with_secrets: HF_TOKEN (a): ")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({**KEY, "AWS_ENDPOINT_URL": "localhost:8000"}, "AWS_ENDPOINT_URL is no address"),
        ({**KEY, "AWS_ENDPOINT_URL": "http://127.0.0.1:abc"}, "AWS_ENDPOINT_URL is no address"),
        ({**KEY, "AWS_ENDPOINT_URL": "http://127.0.0.1 :80"}, "AWS_ENDPOINT_URL is no address"),
        ({**KEY, "AWS_SECRET_ACCESS_KEY": "a\nb"}, "not of the form that AWS gives"),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "nowhere"}, "is no address"),
        (
            {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\nb"},
            "more than one line",
        ),
        ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, "endpoint gave none"),
    ],
)
def test_an_environment_that_is_wrong(environ, words):
    with pytest.raises(program.Refused, match=words):
        read("a", None, environ=environ)


def test_a_name_needs_a_region_and_an_arn_brings_one():
    without = {k: v for k, v in KEY.items() if k != "AWS_REGION"}
    with pytest.raises(program.Refused, match="no region"):
        read("a", environ=without)
    assert read(ARN, {"SecretString": CANARY}, environ=without)["HF_TOKEN"] == CANARY


# ---------------------------------------------------------------- over HTTP, as a process
class Service(BaseHTTPRequestHandler):
    """Secrets Manager as far as GetSecretValue goes, on this machine: what it answers is in `replies`, in turn."""

    replies: list[tuple[int, Any]]

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = self.headers["x-amz-target"] == "secretsmanager.GetSecretValue" and wanted == {
            "SecretId": "mlcc/hf-token"
        }
        code, reply = self.replies.pop(0) if known else (400, {"__type": "InvalidRequestException"})
        data = json.dumps(reply).encode()
        self.send_response(code)
        if code == 302:
            self.send_header("location", "http://127.0.0.1:9/")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def service(*replies: tuple[int, Any]) -> Iterator[str]:
    handler = type("Own", (Service,), {"replies": list(replies)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


PRINT = "import os; print(os.environ['HF_TOKEN'], os.environ.get('MLCC_SECRET_HF_TOKEN'), os.sys.argv[1:])"


def run(url: str, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {**KEY, "AWS_ENDPOINT_URL": url, "MLCC_SECRET_HF_TOKEN": "mlcc/hf-token", "PATH": "/usr/bin:/bin"}
    argv = [sys.executable, str(FILE), *command]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60)


def test_it_becomes_the_server_once_it_has_the_values():
    busy = (400, {"__type": "ThrottlingException", "message": "slow down"})
    with service((503, {}), busy, (200, {"SecretString": CANARY})) as url:
        done = run(url, sys.executable, "-c", PRINT, "serve")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{CANARY} None ['serve']\n"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((400, {"__type": "com.amazonaws#AccessDeniedException", "Message": "not authorized"}), "AccessDeniedException: not authorized"),
        ((400, {"__type": "ResourceNotFoundException", "message": "no such secret"}), "ResourceNotFoundException: no such secret"),
        ((403, []), "HTTP 403"), ((400, {}), "HTTP 400"), ((200, []), "the answer cannot be read"),
        ((302, {}), "HTTP 302"), ((400, {"__type": ["X"], "message": {"a": "b"}}), "HTTP 400"), ((400, {"__type": "X", "message": "a\n\x1b[31mb"}), "X: a  [31mb"),
        ((200, {"SecretString": "a" * (1 << 21)}), "its answer has no end"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_and_no_server_starts(reply, words):
    with service(reply) as url:
        done = run(url, sys.executable, "-c", "print('started')")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"with_secrets: HF_TOKEN (mlcc/hf-token): {words}\n"


class Rude(BaseHTTPRequestHandler):
    """What is sent instead of an answer: raw bytes, then the connection ends, or stays for a while."""

    data = b""
    stay = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.wfile.write(self.data)
        self.wfile.flush()
        time.sleep(self.stay)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


NO_ANSWERS = {
    "no status line": f'{{"SecretString":"{CANARY}"}}\r\n\r\n',
    "another protocol": f"HTTP/9.9 {CANARY} x\r\n\r\n",
    "a body that breaks off": f"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{CANARY}",
    "a refusal that breaks off": f"HTTP/1.1 500 No\r\nContent-Length: 500\r\n\r\n{CANARY}",
    "no length of a chunk": f"HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{CANARY}",
}


def test_an_answer_that_is_none_is_one_line_and_not_quoted():
    """All at once: each is tried several times, and waits between."""
    with ThreadPoolExecutor(len(NO_ANSWERS)) as pool:
        ended = dict(zip(NO_ANSWERS, pool.map(asked_once, NO_ANSWERS.values()), strict=True))
    output_text = "with_secrets: HF_TOKEN (mlcc/hf-token): its answer is not HTTP, or broke off\n"
    assert ended == dict.fromkeys(NO_ANSWERS, (1, output_text))


def asked_once(data: str) -> tuple[int, str]:
    """How the entry point ends where a server gives such an answer, and what it says."""
    handler = type("Own", (Rude,), {"data": data.encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        done = run(f"http://127.0.0.1:{server.server_address[1]}", "true")
        server.shutdown()
        thread.join()
    return done.returncode, done.stderr


def test_an_answer_that_never_ends_is_given_up(monkeypatch):
    """Each try has its time, whatever drips; here it is short."""
    monkeypatch.setattr(program, "WHOLE_S", 0.3)
    handler = type("Own", (Rude,), {"data": b"HTTP/1.1 200 OK\r\nX: y\r\n", "stay": 1.0})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        request = urllib.request.Request(f"http://127.0.0.1:{server.server_address[1]}/", b"{}", method="POST")
        with pytest.raises(program.Refused, match="no whole answer in time"):
            program.fetch(request)
        server.shutdown()
        thread.join()


def test_a_token_file_that_is_not_there():
    full = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "none",
    }
    with pytest.raises(program.Refused, match="no credentials: none: No such file"):
        program.credentials(full, answers())


def test_nobody_who_answers_and_no_program():
    with service() as url:
        pass
    done = run(url, "true")
    assert done.returncode == 1
    assert done.stderr.startswith("with_secrets: HF_TOKEN (mlcc/hf-token): ")
    assert "Traceback" not in done.stderr
    with service((200, {"SecretString": CANARY})) as url:
        done = run(url, "/opt/none/serve")
    assert done.stderr == "with_secrets: /opt/none/serve: No such file or directory\n"
    assert run(url).stderr == "usage: with_secrets PROGRAM [ARGUMENT ...]\n"


# ---------------------------------------------------------------- one secret in several environments
def test_an_overlay_names_the_place_of_its_secret():
    text = SMALLEST + (
        "secrets: {A: {env: A}, B: {secretsmanager: b, json_key: c}}\n"
        "environments: {prod: {secrets: {A: {secretsmanager: a}, B: {json_key: d}}}}\n"
    )
    build_tree(".", {"mlcc.yaml": text})
    project = pipeline.read("mlcc.yaml", env="prod")
    assert project.ok, project.findings
    values = {p: v.value for p, v in project.environments["prod"].values.items() if p[0] == "secrets"}
    assert secret_variables.variables(values) == {"MLCC_SECRET_A": "a", "MLCC_SECRET_B": "b:d::"}
    assert ("secrets", "A", "env") not in values
    assert project.default.get("secrets.A.env") == "A"


def test_a_finding_of_an_overlay_names_the_overlay():
    text = SMALLEST + "env: {TOK: a}\nenvironments: {prod: {secrets: {TOK: {secretsmanager: x}}}}\n"
    build_tree(".", {"mlcc.yaml": text})
    [found] = [f for f in pipeline.read("mlcc.yaml").findings if f.code == "MLCC122"]
    assert found.path == "env.TOK"
    assert found.message.endswith("(environment prod)")
    base = SMALLEST + "secrets: {A: {secretsmanager: x}}\nenv: {A: a}\nenvironments: {prod: {tags: {a: b}}}\n"
    build_tree(".", {"mlcc.yaml": base})
    [found] = [f for f in pipeline.read("mlcc.yaml").findings if f.code == "MLCC122"]
    assert "environment" not in found.message


def test_a_finding_of_an_overlay_is_at_the_overlay():
    text = SMALLEST + "environments:\n  jobs:\n    deployment: {target: batch-transform}\n"
    build_tree(".", {"mlcc.yaml": text})
    found = [f for f in pipeline.read("mlcc.yaml").findings if f.code == "MLCC136"]
    assert found
    for finding in found:
        assert finding.message.endswith("(environment jobs)")
        assert (finding.file, finding.line > 3) == ("mlcc.yaml", True)
