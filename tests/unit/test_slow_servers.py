"""Servers that never come to an end, at both doors: what mlcc asks (io/web.py), and what an image asks at its start.

A real server on this machine sends a byte now and then, at every stage of an answer, or an answer that names a wrong
length and goes on for ever.  Every question has a latest moment and a largest answer.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from mlcc.io.web import Limits, Unreachable, Web, exchange, local_connection
from tests.unit.test_secret_variables import FILE, KEY, program

Line = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TOTAL_S, EVERY_S = 0.25, 0.03
# A deadline is kept when the run ends within so many seconds of it, on a busy machine too.
GRACE_S = 3.0


def dripping(begin: bytes, byte: bytes) -> Line:
    """Sends a beginning, then a byte now and then, for a long time."""

    def speak(line: socket.socket) -> None:
        line.sendall(begin)
        for _ in range(200):
            line.sendall(byte)
            time.sleep(EVERY_S)

    return speak


def pouring(begin: bytes, data: bytes = b"x" * (1 << 20), count: int = 2000) -> Line:
    """Sends a beginning, then much, as fast as it is taken."""

    def speak(line: socket.socket) -> None:
        line.sendall(begin)
        for _ in range(count):
            line.sendall(data)

    return speak


DRIPS = {
    "a status line": dripping(b"HTTP/1.1 200 O", b"K"),
    "a header": dripping(HEAD + b"X: ", b"y"),
    "headers": dripping(HEAD, b"X: y\r\n"),
    "a body": dripping(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),
    "a body without a length": dripping(HEAD + b"\r\n", b"x"),
    "the length of a chunk": dripping(CHUNKED, b"0"),
    "a chunk": dripping(CHUNKED + b"ffff\r\n", b"x"),
    "chunks": dripping(CHUNKED, b"1\r\nx\r\n"),
    "a chunk of -1 bytes": dripping(CHUNKED + b"-1\r\n", b"x"),
    "what follows the last chunk": dripping(CHUNKED + b"0\r\n", b"X: y\r\n"),
}
FLOODS = {
    "a body without a length": pouring(HEAD + b"\r\n"),
    "a chunk of -1 bytes": pouring(CHUNKED + b"-1\r\n"),
    "a large chunk": pouring(CHUNKED + b"7fffffffffff\r\n"),
    "a wrong length": pouring(HEAD + b"Content-Length: 99999999999999\r\n\r\n"),
    "chunks": pouring(CHUNKED, (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 32),
}


@contextmanager
def server(speak: Line) -> Iterator[str]:
    """The address of a server that waits for a question, and then speaks in its own way to whoever comes."""
    ears = socket.create_server(("127.0.0.1", 0))

    def talk(line: socket.socket) -> None:
        with line, suppress(OSError):
            line.recv(65536)
            speak(line)

    def listen() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(ears.accept()[0],), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield f"127.0.0.1:{ears.getsockname()[1]}"
    finally:
        ears.shutdown(socket.SHUT_RDWR)
        ears.close()


@contextmanager
def in_time(tries: int = 1) -> Iterator[None]:
    """What is done inside ends soon after its latest moment."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < tries * TOTAL_S + GRACE_S


WEB = Web({}, Limits(wait_s=TOTAL_S, total_s=TOTAL_S))


# ---------------------------------------------------------------- what mlcc asks
@pytest.mark.parametrize("what", DRIPS)
def test_mlcc_waits_no_longer_than_it_says(what: str) -> None:
    with server(DRIPS[what]) as place, in_time(), pytest.raises(Unreachable, match="does not answer in time"):
        WEB.get(f"http://{place}/", 1000)


@pytest.mark.parametrize("what", DRIPS)
def test_a_server_of_this_machine_has_its_time(what: str) -> None:
    with server(DRIPS[what]) as place, in_time(), pytest.raises(TimeoutError):
        exchange(local_connection("127.0.0.1", int(place[10:]), TOTAL_S), "GET", "/", cap=1000, total_s=TOTAL_S)


def test_the_time_of_tls_counts() -> None:
    """The head of a record of 16 KiB, and then its bytes one by one."""
    with (
        server(dripping(b"\x16\x03\x03\x40\x00", b"\x02")) as place,
        in_time(),
        pytest.raises(Unreachable, match="in time"),
    ):
        WEB.get(f"https://{place}/", 1000)


def test_the_time_of_a_proxy_counts() -> None:
    with server(dripping(b"HTTP/1.1 200 Yes\r\n", b"X: y\r\n")) as place:
        web = Web({"https_proxy": f"http://{place}"}, Limits(wait_s=TOTAL_S, total_s=TOTAL_S))
        with in_time(), pytest.raises(Unreachable, match="does not answer in time"):
            web.get("https://hub.example/", 1000)


@pytest.mark.parametrize("what", FLOODS)
def test_no_more_than_its_cap_is_read(what: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # a chunk of -1 bytes is no HTTP; all others are too large
    with server(FLOODS[what]) as place, in_time(), pytest.raises(Unreachable, match=r"more than 1,024 KiB|not HTTP"):
        Web({}).get(f"http://{place}/", 1 << 20)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


# ---------------------------------------------------------------- what an image asks
@pytest.mark.parametrize("what", DRIPS)
def test_the_entry_point_waits_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setattr(program, "WHOLE_S", TOTAL_S)
    monkeypatch.setattr(program, "TRIES", 1)
    with server(DRIPS[what]) as place, in_time(), pytest.raises(program.Refused, match="no whole answer in time"):
        program.fetch(urllib.request.Request(f"http://{place}/", b"{}", method="POST"))


@pytest.mark.parametrize("what", FLOODS)
def test_the_entry_point_reads_no_more_than_its_cap(what: str) -> None:
    """As a process, whose memory has a limit: one that reads all ends for want of it."""
    limit = 'import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (400 << 20,) * 2); sys.argv[:1] = []; runpy.run_path(sys.argv[0], run_name="__main__")'
    with server(FLOODS[what]) as place:
        environ = {
            **KEY,
            "AWS_ENDPOINT_URL": f"http://{place}",
            "MLCC_SECRET_HF_TOKEN": "mlcc/hf-token",
            "PATH": "/usr/bin:/bin",
        }
        argv = [sys.executable, "-c", limit, str(FILE), "true"]
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (1, "with_secrets: HF_TOKEN (mlcc/hf-token): its answer has no end\n")
