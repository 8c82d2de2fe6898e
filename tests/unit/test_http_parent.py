"""`code/serve` of the http servers as the parent of its workers, with workers that are not uvicorn."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlcc import pipeline
from tests.helpers import SMALLEST, build_tree

# Stands in the place of uvicorn: loads at once, and lives until SIGTERM.  What it does otherwise FAKE says.
WORKER = """
import os, signal, subprocess, sys, time
kind = os.environ["FAKE"]
if kind == "is ended by a signal when it starts":
    os.kill(os.getpid(), signal.SIGILL)
if kind == "fails when it starts":
    sys.exit(3)
try:
    os.unlink(os.environ["MLCC_LOADING_FILE"])
except FileNotFoundError:
    pass
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "ignores SIGTERM" else lambda *_: os._exit(0))
if kind == "has a child":
    subprocess.Popen(["sleep", "600"])
open(f"{os.environ['STARTED']}/{os.getpid()}", "w").close()
if kind == "is ended by a signal once it has loaded":
    os.kill(os.getpid(), signal.SIGSEGV)
while True:
    time.sleep(60)
"""

# Who runs it gets the orphans below it, as process 1 of a container does (PR_SET_CHILD_SUBREAPER of prctl(2)).
FIRST = """
import ctypes, runpy, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
del sys.argv[0]
sys.path[0] = ""
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Parent:
    """A running `code/serve`."""

    def __init__(self, process: subprocess.Popen[bytes], started: Path) -> None:
        assert process.stderr is not None
        self.process, self._started, self._log = process, started, process.stderr

    def workers(self) -> set[int]:
        """Process ids of the workers that live."""
        return {pid for pid in map(int, os.listdir(self._started)) if alive(pid)}

    def wait_for(self, count: int) -> set[int]:
        """The workers, once there are so many."""
        deadline = time.monotonic() + 20
        while len(found := self.workers()) != count:
            assert time.monotonic() < deadline, (found, self.said())
            time.sleep(0.05)
        return found

    def said(self) -> str:
        """What it has printed.  Whatever still runs of it is ended: who is left would keep the pipe open."""
        self.process.kill()
        self.process.wait()
        for pid in self.workers():
            os.killpg(pid, signal.SIGKILL)
        return "" if self._log.closed else self._log.read().decode()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


Started = Callable[[str], Parent]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Starts servers whose workers are of a kind."""
    project = build_tree(tmp_path / "project", {"mlcc.yaml": SMALLEST})
    rendered = pipeline.render(pipeline.read(project / "mlcc.yaml"), [tmp_path])["code/serve"].data.decode()
    assert "GRACE_S = 22" in rendered
    build_tree(project, {"serve": rendered.replace("GRACE_S = 22", "GRACE_S = 1"), "uvicorn.py": WORKER})
    serve = project / "serve"
    pids = tmp_path / "started"
    pids.mkdir()
    made: list[Parent] = []

    def start(kind: str) -> Parent:
        environ = {
            "PATH": os.environ["PATH"], "FAKE": kind, "STARTED": str(pids), "MLCC_BIND_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": str(free_port()), "MLCC_WORKERS": "2", "TMPDIR": str(tmp_path),
        }  # fmt: skip
        argv = [sys.executable, "-c", FIRST, str(serve), "serve"]
        made.append(Parent(subprocess.Popen(argv, env=environ, stderr=subprocess.PIPE), pids))
        return made[-1]

    yield start
    for parent in made:
        parent.said()
        parent.process.stderr.close()  # type: ignore[union-attr]


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("kind", ["is ended by a signal when it starts", "fails when it starts"])
def test_what_cannot_start_ends_the_container(started: Started, kind: str) -> None:
    """At once: whoever waits for it must not wait until a time limit."""
    parent = started(kind)
    assert parent.process.wait(20) == 1
    assert parent.said().count("has ended with status") == 1


def test_workers_that_are_killed_again_and_again_end_the_container(started: Started) -> None:
    parent = started("is ended by a signal once it has loaded")
    assert parent.process.wait(30) == 1
    assert parent.said().count("another takes its place") == 5


def test_of_a_killed_worker_nothing_is_left(started: Started) -> None:
    """Not what it has started either, and no process that nobody has waited for."""
    parent = started("has a child")
    first = parent.wait_for(2)
    os.kill(max(first), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while max(first) in parent.workers() or len(parent.workers()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.killpg(max(first), 0)
    parent.process.terminate()
    assert parent.process.wait(20) == 0
    assert not parent.workers()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_its_workers(started: Started, number: signal.Signals) -> None:
    parent = started("lives")
    parent.wait_for(2)
    parent.process.send_signal(number)
    assert parent.process.wait(20) == 0
    assert not parent.workers()


@pytest.mark.parametrize("kind", ["lives", "ignores SIGTERM"])
def test_it_ends_as_always_when_nobody_reads_its_log(started: Started, kind: str) -> None:
    parent = started(kind)
    parent.wait_for(2)
    parent.process.stderr.close()  # type: ignore[union-attr]
    parent.process.terminate()
    assert parent.process.wait(20) == 0
    assert not parent.workers()
