"""The judge of do/test: real requests to a stub server on loopback, one wrong answer at a time."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from mlcc.lifecycle.targets import server_contract
from mlcc.lifecycle.targets.server_contract import Checked, Request

CONTAINER = {
    "ping": "/ping",
    "ping_timeout_s": 2,
    "invocations": "/invocations",
    "contract": {"bad_body": 400, "unsupported_type": 415},
}
REQUEST = Request('{"instances": [[1], [2]]}')


class Answer(NamedTuple):
    """What the stub server says: status, body and its type."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


GOOD = {
    "ping": Answer(200),
    "invocation": Answer(200, b'{"predictions": [0, 1]}'),
    "bad input": Answer(400, b'{"error": "not JSON"}'),
    "unknown type": Answer(415, b'{"error": "json only"}'),
}


class Stub(ThreadingHTTPServer):
    """A server that tells the four requests apart and answers what the test says."""

    answers: dict[str, Answer]
    daemon_threads = True
    seen: list[tuple[str, str, bytes]]


class Handler(BaseHTTPRequestHandler):
    server: Stub

    def answer(self, name: str) -> None:
        answer = self.server.answers[name]
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self) -> None:
        self.answer("ping")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers["Content-Type"], body))
        unknown = "unknown" in self.headers["Content-Type"]
        self.answer("unknown type" if unknown else "bad input" if body.endswith(b"[[") else "invocation")

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    server = Stub(("127.0.0.1", 0), Handler)
    server.answers, server.seen = dict(GOOD), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def judged(server: Stub, request: Request = REQUEST, **answers: Answer) -> dict[str, Checked]:
    """Every check of a server that answers well but for `answers`; a second passes at each look at the clock."""
    server.answers |= {name.replace("_", " "): answer for name, answer in answers.items()}
    clock = itertools.count()
    found = server_contract.check(
        f"http://127.0.0.1:{server.server_port}", CONTAINER, request, lambda: float(next(clock))
    )
    return {checked.name: checked for checked in found}


def failing(checks: dict[str, Checked]) -> list[str]:
    return [name for name, checked in checks.items() if not checked.ok]


def test_a_good_server_holds_every_check_and_was_really_asked(stub: Stub) -> None:
    checks = judged(stub)
    assert list(checks) == ["ping", "invocation", "bad input", "unknown type"]
    assert failing(checks) == []
    assert [path for path, _, _ in stub.seen] == ["/invocations"] * 3
    assert stub.seen[0][1:] == ("application/json", REQUEST.payload.encode())


def test_every_check_says_how_long_it_took(stub: Stub) -> None:
    assert [checked.milliseconds for checked in judged(stub).values()] == [1000.0] * 4


def test_a_refused_connection_and_a_late_answer_are_timed_too() -> None:
    clock = itertools.count()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        refused = server_contract.send(url, "GET", "/", lambda: float(next(clock)))
        silent.listen()
        late = server_contract.send(url, "GET", "/", lambda: float(next(clock)), timeout_s=0.05)
    assert (refused.status, refused.problem, refused.seconds) == (0, "connection refused", 1.0)
    assert (late.status, late.problem, late.seconds) == (0, "no answer within 0.05 s", 1.0)


@pytest.mark.parametrize("status", [204, 404, 500, 503])
def test_a_ping_that_is_not_200_fails(stub: Stub, status: int) -> None:
    checks = judged(stub, ping=Answer(status))
    assert failing(checks) == ["ping"]
    assert checks["ping"].detail.startswith(f"wanted 200, saw {status}")


@pytest.mark.parametrize("body", [b"", b" \n"])
@pytest.mark.parametrize("content_type", ["text/csv", "application/json"])
def test_an_empty_reply_fails_whatever_its_type(stub: Stub, body: bytes, content_type: str) -> None:
    checks = judged(stub, invocation=Answer(200, body, content_type))
    assert failing(checks) == ["invocation"]
    assert checks["invocation"].detail.startswith("the body is empty")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'""', b" {} "])
def test_json_that_holds_nothing_fails(stub: Stub, body: bytes) -> None:
    checks = judged(stub, invocation=Answer(200, body))
    assert failing(checks) == ["invocation"]
    assert checks["invocation"].detail.startswith("the answer is empty")


@pytest.mark.parametrize("body", [b"0", b"false", b"[0]", b'{"a": null}', b'"text"'])
def test_json_that_holds_something_passes(stub: Stub, body: bytes) -> None:
    assert failing(judged(stub, invocation=Answer(200, body))) == []


def test_csv_rows_pass_as_they_are(stub: Stub) -> None:
    csv = Request("1,2\n", "text/csv")
    assert failing(judged(stub, csv, invocation=Answer(200, b"0\n", "text/csv"))) == []


@pytest.mark.parametrize("status", [201, 400, 500])
def test_an_invocation_that_is_not_200_fails(stub: Stub, status: int) -> None:
    assert failing(judged(stub, invocation=Answer(status, b'{"predictions": [0, 1]}'))) == ["invocation"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"predictions": []}'),
        Answer(415, b'{"error": "no"}'),
        Answer(422, b'{"error": "no"}'),
        Answer(500, b'{"error": "no"}'),
        Answer(400, b""),
        Answer(400, b"Traceback (most recent call last)"),
    ],
)
def test_bad_input_must_be_a_400_with_a_message(stub: Stub, answer: Answer) -> None:
    checks = judged(stub, bad_input=answer)
    assert failing(checks) == ["bad input"]
    assert checks["bad input"].detail.startswith(f"wanted 400 with a message, saw {answer.status}")


@pytest.mark.parametrize("status", [200, 400, 406, 500])
def test_an_unknown_type_must_be_a_415(stub: Stub, status: int) -> None:
    checks = judged(stub, unknown_type=Answer(status, b'{"error": "no"}'))
    assert failing(checks) == ["unknown type"]
    assert checks["unknown type"].detail.startswith(f"wanted 415, saw {status}")


def test_a_server_that_is_gone_holds_no_check() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        found = list(
            server_contract.check(f"http://127.0.0.1:{silent.getsockname()[1]}", CONTAINER, REQUEST, lambda: 0.0)
        )
    assert [checked.ok for checked in found] == [False] * 4
    assert all("connection refused" in checked.detail for checked in found)
