"""The three http servers and callers that are hostile or slow: every refusal is JSON, /ping is always answered."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import select
import selectors
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.real.rig import IRIS, JSON, Project, Rig, Server, assert_predicts, in_flight
from tests.real.test_process import BACKENDS, Workshop, log_of, serving

pytestmark = pytest.mark.real

# The time limit of a request in these projects; as rendered it is 60 s.
REQUEST_S = 4
# What a machine with other work to do may add to it.
SLACK_S = 6
CALLERS = 300
PING_S = 2
ECHO = b"echo-me-7f3a"
GOOD = json.dumps({"instances": IRIS[0]}).encode()
HEAD = b"Host: x\r\nContent-Type: application/json\r\n"

# Added to the end of code/handler.py after rig.SLOW: predictions of any size.
LARGE = """

_small_predict = predict


def predict(model, rows):
    size = int(os.environ.get("TEST_PREDICTION_BYTES", "0"))
    return ["x" * size for _ in rows.values] if size else _small_predict(model, rows)
"""


@pytest.fixture(scope="module")
def workshop(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(rig, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module", params=BACKENDS)
def project(request: pytest.FixtureRequest, workshop: Workshop) -> Project:
    """A project of each backend, whose user has edited the time limit."""
    made = workshop.build(f"hostile-{request.param}", request.param, "joblib")
    made.slow()
    with (made.path / "code/handler.py").open("a") as stream:
        stream.write(LARGE)
    for name, written, wanted in (
        ("app.py", "REQUEST_S = 60.0", f"REQUEST_S = {REQUEST_S}.0"),
        ("nginx.conf", "client_header_timeout 60s;", f"client_header_timeout {REQUEST_S}s;"),
        ("nginx.conf", " send_timeout 60s;", f" send_timeout {REQUEST_S}s;"),
    ):
        path = made.path / "code" / name
        if path.exists():
            text = path.read_text()
            assert text.count(written) == 1, f"{name} has no line {written}"
            path.write_text(text.replace(written, wanted))
    return made


@pytest.fixture(scope="module")
def running(project: Project) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """One server for all tests of a backend: what one test does to it the next ones see."""
    with serving(project, MLCC_WORKERS="1") as served:
        yield served


@pytest.fixture
def server(running: tuple[Server, subprocess.Popen[bytes]], project: Project) -> Iterator[Server]:
    """The server, which must be as well after a test as before, and must not have been surprised."""
    server, process = running
    yield server
    assert process.poll() is None, log_of(project)
    assert_predicts(server, IRIS)
    assert "Traceback" not in log_of(project), log_of(project)


def backend(project: Project) -> str:
    return project.path.name.removeprefix("hostile-")


# ---------------------------------------------------------------- raw requests
@dataclass
class Caller:
    """One connection, used as a caller would who does not keep to HTTP."""

    server: Server
    got: bytes = b""
    ended: float | None = None
    opened: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(self.server.address, timeout=REQUEST_S + SLACK_S)

    def send(self, data: bytes) -> None:
        """Sends what the server takes; it may have ended the connection."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.end()

    def read(self) -> None:
        """Takes in what has arrived, or waits for it."""
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.got += piece
        if not piece:
            self.end()

    def read_answer(self) -> bytes:
        """One answer, as long as it says that it is; or what came before the server ended the connection."""
        self.got = b""
        while self.ended is None:
            self.read()
            head, end, body = self.got.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            if end and length is not None and len(body) >= int(length[1]):
                break
        return self.got

    def read_all(self) -> bytes:
        """All that the server says until it ends the connection."""
        self.got = b""
        while self.ended is None:
            self.read()
        return self.got

    def end(self) -> None:
        if self.ended is None:
            self.ended = time.monotonic() - self.opened
            self.socket.close()


def ask(server: Server, data: bytes) -> bytes:
    """The answer to these bytes."""
    caller = Caller(server)
    caller.send(data)
    return caller.read_all() if caller.ended is None else caller.got


def refused(answer: bytes) -> int:
    """The status of an answer, which must be a refusal: JSON with one sentence that repeats nothing of the request."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert first.startswith("HTTP/1.1 "), answer[:300]
    assert headers["content-type"] == JSON, answer[:300]
    assert ECHO not in answer, answer[:300]
    document = json.loads(body)
    assert list(document) == ["error"], body
    assert isinstance(document["error"], str), body
    assert 5 < len(document["error"]) <= 120, body
    assert "<" not in document["error"], body
    return int(first.split()[1])


def post(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in (*headers, b"Connection: close"))
    return b"POST /invocations HTTP/1.1\r\n%sContent-Length: %d\r\n%s\r\n%s" % (HEAD, len(body), lines, body)


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    lines = b"".join(header + b"\r\n" for header in (b"Host: x", *headers, b"Connection: close"))
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method, path, lines)


def chunked(rest: bytes) -> bytes:
    return b"POST /invocations HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%s" % (HEAD, rest)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"1" + b"]" * depth


BAD, LONG = {400}, {400, 414, 431}
REFUSALS = {
    "no HTTP": (ECHO + b"\r\n\r\n", BAD),
    "TLS": (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", BAD),
    "no such version": (b"GET /ping HTTP/x\r\nHost: x\r\n\r\n", BAD),
    "no host": (b"GET /ping HTTP/1.1\r\n\r\n", BAD),
    "two hosts": (get(b"/ping", b"Host: " + ECHO), BAD),
    "space in a header's name": (get(b"/ping", ECHO + b" x: y"), BAD),
    "space before the colon": (get(b"/ping", ECHO + b" : y"), BAD),
    "zero byte in a header": (get(b"/ping", b"X: " + ECHO + b"\0"), BAD),
    "form feed in a header": (get(b"/ping", b"X: \x0c" + ECHO), BAD),
    "headers between the limits of two servers": (get(b"/ping", *(b"X%d: %s" % (n, b"y" * 6000) for n in range(3))), LONG),
    "space in the path": (get(b"/" + ECHO + b" b"), BAD),
    "bytes in the path": (get(b"/" + ECHO + b"\xff\xfe"), BAD),
    "long path": (get(b"/" + ECHO * 2000), LONG),
    "very long path": (get(b"/" + ECHO * 20_000), LONG),
    "path without end": (b"GET /" + ECHO * 4000, LONG),
    "long header": (get(b"/ping", b"X: " + ECHO * 2000), LONG),
    "very long header": (get(b"/ping", b"X: " + ECHO * 20_000), LONG),
    "header without end": (b"GET /ping HTTP/1.1\r\nHost: x\r\nX: " + ECHO * 4000, LONG),
    "many headers": (get(b"/ping", *(b"X%d: y" % number for number in range(5000))), LONG),
    "unknown path": (get(b"/" + ECHO), {404}),
    "path with a script": (get(b"/<script>" + ECHO + b"</script>"), {404}),
    "path with quotes": (get(b"/%22%27%0d%0aX:" + ECHO), {404}),
    "another host's address": (get(b"http://x/" + ECHO), {404}),
    "path out of the tree": (get(b"/../../" + ECHO), {400, 404}),
    "wrong method": (get(b"/invocations"), {405}),
    "wrong method of ping": (get(b"/ping", method=b"DELETE"), {405}),
    "TRACE": (get(b"/ping", b"X: " + ECHO, method=b"TRACE"), {405}),
    "CONNECT": (get(b"x:80", method=b"CONNECT"), {400, 404, 405}),
    "own method": (get(b"/ping", method=b"ECHOME"), {405}),
    "long method": (get(b"/ping", method=b"ECHO" * 50), {400, 405}),
    "two lengths": (post(GOOD, b"Content-Length: 3"), BAD),
    "length below zero": (b"POST /invocations HTTP/1.1\r\n%sContent-Length: -5\r\n\r\n" % HEAD, BAD),
    "length in words": (b"POST /invocations HTTP/1.1\r\n%sContent-Length: %s\r\n\r\n" % (HEAD, ECHO), BAD),
    "length and encoding": (post(b"0\r\n\r\n", b"Transfer-Encoding: chunked"), BAD),
    "length and encoding of ping": (get(b"/ping", b"Transfer-Encoding: chunked", b"Content-Length: 5"), BAD),
    "unknown encoding": (post(GOOD, b"Transfer-Encoding: " + ECHO), {400, 501}),
    "chunk of -1": (chunked(b"-1\r\n"), BAD),
    "chunk of letters": (chunked(ECHO + b"\r\n"), BAD),
    "chunk of 2^92": (chunked(b"f" * 23 + b"\r\n"), BAD),
    "chunk that is longer": (chunked(b"3\r\n" + ECHO + b"\r\n0\r\n\r\n"), BAD),
    "second chunk of -1": (chunked(b"3\r\n[[1\r\n-1\r\n"), BAD),
    "one byte too many": (post(b" " * (6 * 1024 * 1024 + 1)), {413}),
    "chunks that are too many": (chunked((b"100000\r\n" + b" " * 1048576 + b"\r\n") * 7 + b"0\r\n\r\n"), {413}),
    "a length of a terabyte": (b"POST /ping HTTP/1.1\r\n%sContent-Length: 1%s\r\n\r\n" % (HEAD, b"0" * 12), {408, 413}),
    "a length of a terabyte to be allowed": (
        b"POST /ping HTTP/1.1\r\n%sExpect: 100-continue\r\nContent-Length: 1%s\r\n\r\n" % (HEAD, b"0" * 12), {413}
    ),
    "a length that is too large to be allowed": (
        b"POST /invocations HTTP/1.1\r\n%sExpect: 100-continue\r\nContent-Length: 7000000\r\n\r\n" % HEAD, {413}
    ),
    "text": (post(ECHO, b"Content-Type: text/plain").replace(HEAD, b"Host: x\r\n"), {415}),
    "a type of bytes": (post(ECHO, b"Content-Type: \xff" + ECHO).replace(HEAD, b"Host: x\r\n"), {415}),
    "an image is wanted": (post(GOOD, b"Accept: image/png"), {406}),
    "no JSON": (post(b"{" + ECHO), BAD),
    "JSON in UTF-16": (post('[["echo"]]'.encode("utf-16")), BAD),
    "numbers in UTF-16": (post(json.dumps(IRIS).encode("utf-16")), BAD),
    "an underscore in CSV": (post(b"5_1,3.5,1.4,0.2", b"Content-Type: text/csv").replace(HEAD, b"Host: x\r\n"), BAD),
    "digits of another script in CSV": (
        post("٥,3.5,1.4,0.2".encode(), b"Content-Type: text/csv").replace(HEAD, b"Host: x\r\n"), BAD
    ),
    "a number of 5,000 digits": (post(b"[[" + b"1" * 5000 + b"]]"), BAD),
    "a key twice": (post(b'{"instances":[[5.1,3.5,1.4,0.2]],"instances":[[5.1,3.5,1.4,0.2]]}'), BAD),
    "a number beyond floats": (post(b"[[1" + b"0" * 400 + b",1,1,1]]"), BAD),
    **{f"{depth} lists": (post(b'{"instances":[%s]}' % nested(depth)), BAD) for depth in (16, 31, 32, 33, 40, 64, 65, 900)},
    "lists that are not closed": (post(b"[" * 100_000), BAD),
    "uneven lists": (post(b"[[1],[" + nested(40) + b"]]"), BAD),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_json(server: Server, name: str) -> None:
    data, statuses = REFUSALS[name]
    assert refused(ask(server, data)) in statuses


def test_a_head_request_is_refused_without_a_body(server: Server) -> None:
    for data in (get(b"/" + ECHO, method=b"HEAD"), chunked(b"-1\r\n").replace(b"POST", b"HEAD")):
        head, _, body = ask(server, data).partition(b"\r\n\r\n")
        assert head.split()[1] in (b"400", b"404")
        assert body == b""


def test_a_request_may_name_the_host_in_its_first_line(server: Server) -> None:
    for path in (b"http://x/ping", b"HTTP://x:80/ping?y=z", b"http://x/%70ing"):
        head, _, body = ask(server, get(path)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), path
        assert json.loads(body) == {"status": "ok"}
    answer = ask(server, post(GOOD).replace(b"/invocations", b"http://x/invocations"))
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_what_follows_a_good_request_is_refused(server: Server) -> None:
    """Three requests in one piece, the third of which is none."""
    ping = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    first, second, third = ask(server, ping + ping + ECHO + b"\r\n\r\n").split(b"HTTP/1.1 ")[1:]
    assert (first[:3], second[:3]) == (b"200", b"200")
    assert refused(b"HTTP/1.1 " + third) == 400


def test_a_refused_caller_who_goes_on_sending_is_cut_off(server: Server) -> None:
    """Not at once, so that the caller sees the answer; and not never."""
    for data in (chunked(b"-1\r\n"), get(b"/ping", ECHO + b" x: y")):
        caller = Caller(server)
        caller.send(data)
        assert refused(caller.read_answer()) == 400
        began = time.monotonic()
        while caller.ended is None:
            caller.send(b"more")
            time.sleep(0.1)
            assert time.monotonic() - began < 5 + SLACK_S, "a refused caller may send for ever"


PARTS = {
    "line": b"GET /pi",
    "headers": b"GET /ping HTTP/1.1\r\nHost: x\r\nX: y",
    "body": post(GOOD)[:-5],
    "chunk": chunked(b"5\r\n[["),
    "all but the last chunk": chunked(b"3\r\n[[1\r\n"),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_request_that_ends_too_early_is_refused(server: Server, project: Project, part: str) -> None:
    """Its caller says that nothing follows, and still reads; nginx ends such a connection without an answer."""
    caller = Caller(server)
    caller.send(PARTS[part])
    caller.socket.shutdown(socket.SHUT_WR)
    answer = caller.read_all()
    assert caller.ended is not None
    assert caller.ended < REQUEST_S - 1
    assert answer == b"" if backend(project) == "nginx" else refused(answer) == 400, answer


def test_a_whole_request_is_answered_though_nothing_follows(server: Server, project: Project) -> None:
    """nginx takes its caller for gone, and answers where the answer is there already."""
    ping = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    for data, answers in ((post(GOOD), 1), (get(b"/ping"), 1), (ping, 1), (ping + ping, 2)):
        caller = Caller(server)
        caller.send(data)
        caller.socket.shutdown(socket.SHUT_WR)
        answer = caller.read_all()
        assert caller.ended is not None
        assert caller.ended < REQUEST_S - 1
        if backend(project) != "nginx":
            assert answer.count(b"HTTP/1.1 200 ") == answers, answer


# ---------------------------------------------------------------- slow callers
SLOW = {
    "headers": (b"GET /ping HTTP/1.1\r\nHost: x\r\nX: ", b"y"),
    "body": (b"POST /invocations HTTP/1.1\r\n%sContent-Length: 5000\r\n\r\n[" % HEAD, b" "),
    "body of ping": (b"GET /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n[", b" "),
    "chunks": (chunked(b"1\r\n[\r\n"), b"1\r\n \r\n"),
    "nothing": (b"", b""),
}


class Drip(threading.Thread):
    """Lets many callers send a piece twice a second, each until the server answers it or ends the connection."""

    def __init__(self, callers: list[Caller], piece: bytes) -> None:
        super().__init__()
        self.piece = piece
        self.selector = selectors.DefaultSelector()
        for caller in callers:
            self.selector.register(caller.socket, selectors.EVENT_READ, caller)

    def run(self) -> None:
        turn = time.monotonic()
        while self.selector.get_map():
            turn += 0.5
            while self.selector.get_map() and (left := turn - time.monotonic()) > 0:
                for key, _ in self.selector.select(left):
                    self.selector.unregister(key.fileobj)
                    key.data.read_answer()
                    key.data.end()
            for key in list(self.selector.get_map().values()):
                key.data.socket.send(self.piece)


@pytest.mark.parametrize("what", SLOW)
def test_slow_callers_do_not_keep_ping_out_and_are_ended(server: Server, project: Project, what: str) -> None:
    start, piece = SLOW[what]
    callers = [Caller(server) for _ in range(CALLERS)]
    for caller in callers:
        caller.send(start)
    drip = Drip(callers, piece)
    drip.start()
    took = []
    while drip.is_alive():
        answer = server.ping()
        assert answer.status == 200, answer
        took.append(answer.seconds)
        assert server.invoke({"instances": IRIS[0]}).status == 200
    drip.join()
    assert max(took) < PING_S, f"/ping took {max(took):.2f} s"
    assert len(took) >= 10, "/ping was hardly asked: this test would prove nothing"
    lasted = [caller.ended or 0 for caller in callers]
    assert min(lasted) > REQUEST_S - 1, f"a caller was cut off after {min(lasted):.1f} s"
    assert max(lasted) < REQUEST_S + SLACK_S, f"a caller held its connection for {max(lasted):.1f} s"
    # Who says nothing gets no answer, and nginx has none for headers that are late.
    silent = what == "nothing" or (what == "headers" and backend(project) == "nginx")
    for caller in callers:
        assert caller.got == b"" if silent else refused(caller.got) == 408, caller.got


def test_each_request_of_a_connection_has_its_own_time(server: Server, project: Project) -> None:
    """A connection may be idle for longer than the limit, and the second request is as late as the first would be."""
    caller, ping = Caller(server), b"GET /ping HTTP/1.1\r\nHost: x\r\n"
    for _ in range(2):
        caller.send(ping + b"\r\n")
        assert caller.read_answer().startswith(b"HTTP/1.1 200 "), caller.got
        time.sleep(REQUEST_S + 0.5)
    began = time.monotonic()
    caller.send(ping)
    answer = caller.read_all()
    assert REQUEST_S - 1 < time.monotonic() - began < REQUEST_S + SLACK_S
    assert answer == b"" if backend(project) == "nginx" else refused(answer) == 408, answer


def test_a_late_request_behind_a_good_one_is_ended(server: Server, project: Project) -> None:
    """What was sent together with the request before it counts, too."""
    for rest in (b"GET /ping HTTP/1.1\r\nHost: x", chunked(b"1\r\n[\r\n")):
        caller = Caller(server)
        caller.send(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n" + rest)
        first, *others = caller.read_all().split(b"HTTP/1.1 ")[1:]
        assert first[:3] == b"200"
        assert caller.ended is not None
        assert caller.ended < REQUEST_S + SLACK_S
        headers_only = not rest.endswith(b"\n")
        assert (
            others == [] if headers_only and backend(project) == "nginx" else refused(b"HTTP/1.1 " + others[0]) == 408
        )


def test_the_limit_is_for_the_request_not_for_the_answer(project: Project) -> None:
    with serving(project, MLCC_WORKERS="1", TEST_PREDICT_S=str(REQUEST_S + 2)) as (server, _):
        answer = server.invoke({"instances": IRIS[0]})
        assert answer.status == 200, answer
        assert answer.seconds > REQUEST_S + 2


# ---------------------------------------------------------------- callers who wait, or let the server wait
@pytest.mark.parametrize(
    ("status", "variable", "seconds"), [(200, "TEST_PREDICT_S", "0.05"), (503, "TEST_LOAD_S", "8")]
)
def test_callers_who_wait_for_the_model_do_not_keep_ping_out(
    project: Project, status: int, variable: str, seconds: str
) -> None:
    """A model that is slow, and one that is still loading: more requests wait than there are threads."""
    with serving(project, wait=status == 200, MLCC_WORKERS="1", **{variable: seconds}) as (server, process):
        server.first_answer(lambda: process.poll() is None)
        callers = [Caller(server) for _ in range(CALLERS)]
        for caller in callers:
            caller.send(post(GOOD))
        time.sleep(1)
        for path, wanted in (("/ping", status), ("/execution-parameters", 200), ("/nowhere", 404)) * 3:
            answer = server.ask("GET", path, timeout=PING_S)
            assert answer.status == wanted, answer
        answered, _, _ = select.select([caller.socket for caller in callers], [], [], 0)
        assert len(answered) < CALLERS - 130, "too few waited: this test would prove nothing"
        for caller in callers:
            caller.socket.settimeout(60)
            assert caller.read_answer().startswith(b"HTTP/1.1 200 "), caller.got
            caller.end()


def test_a_caller_who_does_not_read_the_answer_is_cut_off(project: Project) -> None:
    """The answer is larger than all buffers on its way; one who begins to read it in time gets all of it."""
    size = 16 * 1024 * 1024  # of two predictions
    with serving(project, MLCC_WORKERS="1", TEST_PREDICTION_BYTES=str(size // 2)) as (server, _):
        for waits, whole in ((REQUEST_S / 2, True), (REQUEST_S + SLACK_S, False)):
            caller = Caller(server)
            caller.send(post(GOOD))
            time.sleep(waits)
            assert server.ping().status == 200
            received = 0
            while caller.ended is None:
                caller.got = b""
                caller.read()
                received += len(caller.got)
            assert (received > size) == whole, f"{received} bytes after {waits} s"
            assert received > 0
    assert "Traceback" not in log_of(project), log_of(project)


def test_a_caller_who_does_not_read_does_not_keep_the_server_from_ending(project: Project) -> None:
    with serving(project, MLCC_WORKERS="1", TEST_PREDICTION_BYTES=str(32 * 1024 * 1024)) as (server, process):
        caller = Caller(server)
        caller.send(post(GOOD))
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(REQUEST_S + SLACK_S) == 0, log_of(project)
        caller.end()
    assert "Traceback" not in log_of(project), log_of(project)


# ---------------------------------------------------------------- callers that go
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_callers_that_go_early_leave_nothing(server: Server, how: str) -> None:
    """In the headers, in the body, and before the answer."""
    for data in (b"", b"GET /pi", post(GOOD)[:-5], chunked(b"5\r\n[["), post(GOOD), get(b"/ping")):
        for _ in range(20):
            caller = Caller(server)
            caller.send(data)
            if how == "reset":
                caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            caller.end()
    assert server.ping().status == 200


def test_slow_callers_do_not_keep_the_server_from_ending(project: Project) -> None:
    with serving(project, MLCC_WORKERS="1") as (server, process):
        callers = [Caller(server) for _ in range(40)]
        for caller, (data, _) in zip(callers, itertools.cycle(SLOW.values()), strict=False):
            caller.send(data)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log_of(project)
        for caller in callers:
            caller.end()
    assert "Traceback" not in log_of(project), log_of(project)


def test_who_is_not_answered_before_the_end_is_informed(project: Project) -> None:
    """A prediction that takes longer than the server has after SIGTERM."""
    with serving(project, MLCC_WORKERS="1", TEST_PREDICT_S="40") as (server, process):
        with in_flight(server, {"instances": IRIS[0]}) as got:
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log_of(project)
        if backend(project) == "nginx":  # its workers end the connection
            assert isinstance(got[0], http.client.HTTPException | OSError), got
        else:
            assert not isinstance(got[0], Exception), got
            assert (got[0].status, list(got[0].json())) == (503, ["error"])
