"""Processes in place of containers: what ends, ends with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcc.io.container_engines import Engine
from mlcc.lifecycle.targets import local_process
from mlcc.servers.devserver import keeper as keeping
from mlcc.servers.devserver import launchers
from mlcc.servers.devserver.containers import Containers
from mlcc.servers.devserver.copies import Image
from mlcc.servers.devserver.keeper import Keeper
from mlcc.servers.devserver.launchers import Command, Process, Processes

# Starts another process, prints its number, and waits, or ends at once where the environment says so.
PARENT = """
import os, subprocess, sys, time
group = {"preexec_fn": os.setpgrp} if "GROUP" in os.environ else {}
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], **group).pid, flush=True)
time.sleep(0 if "SHORT" in os.environ else 600)
"""


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


# An engine in place of docker: its containers print two lines, and end when they are stopped.
ENGINE = """#!/bin/sh
case "$1" in
  network) exit 1 ;;
  logs) [ "$2" = --follow ] && { echo 'loading the model'; echo 'no such file: weights' >&2; }; exit 0 ;;
  *) exit 0 ;;
esac
"""


def runs(pid: int) -> bool:
    try:
        return bool(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return False


def started(tmp_path: Path, **environ: str) -> tuple[Processes, Process, int]:
    """A process, and the number of the one that it has started."""
    log = tmp_path / "log"
    command = Command([sys.executable, "-S", "-c", PARENT], str(tmp_path), environ)
    launch = Processes(lambda image, folder: command, str, str(log), time.sleep)
    made = launch(Image("image", {}))
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return launch, made, int(log.read_text())


@pytest.mark.parametrize("more", [{}, {"GROUP": "1"}])
def test_what_a_process_started_ends_with_it(tmp_path: Path, more: dict[str, str]) -> None:
    """Also one that nobody stops: it ends by itself, and is started anew; and workers in groups of their own."""
    launch, made, child = started(tmp_path, SHORT="1", **more)
    until(made.ended)
    until(lambda: not runs(child))
    launch.close()


def test_a_process_is_ended_with_what_it_started(tmp_path: Path) -> None:
    launch, made, child = started(tmp_path)
    assert not made.ended()
    launch.close()
    assert made.ended()
    until(lambda: not runs(child))


def test_what_a_process_prints_is_handed_on_and_kept_in_a_file(tmp_path: Path) -> None:
    parts: list[bytes] = []
    program = "import sys; print('one'); print('two', file=sys.stderr); print('three', end='')"
    command = Command([sys.executable, "-S", "-c", program], str(tmp_path), {})
    launch = Processes(lambda image, folder: command, str, str(tmp_path / "log"), time.sleep)
    launch(Image("image", {}, printed=parts.append))
    until(lambda: b"" in parts)
    launch.close()
    assert sorted(b"".join(parts).split()) == [b"one", b"three", b"two"]
    assert (tmp_path / "log").read_bytes() == b"".join(parts)


def test_the_file_has_a_bound_and_the_process_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "FILE_BYTES", 1000)
    parts: list[bytes] = []
    command = Command([sys.executable, "-S", "-c", "for _ in range(3000): print('x')"], str(tmp_path), {})
    launch = Processes(lambda image, folder: command, str, str(tmp_path / "log"), time.sleep)
    made = launch(Image("image", {}, printed=parts.append))
    until(made.ended)
    launch.close()
    assert len(b"".join(parts)) == 6000
    assert (tmp_path / "log").stat().st_size == 1000


def test_what_a_container_prints_is_handed_on(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(ENGINE)
    program.chmod(0o755)
    parts: list[bytes] = []
    engine = Engine("docker", str(program), "28")
    log, data = str(tmp_path / "log"), str(tmp_path / "data")
    keeper = Keeper(str(tmp_path), keeping.Engine("", os.environ), time.sleep)
    launch = Containers(engine, dict(os.environ), lambda image: image, str, data, log, keeper)
    launch(Image("image", {}, printed=parts.append))
    until(lambda: b"" in parts)
    launch.close()
    keeper.close()
    assert b"".join(parts) == b"loading the model\nno such file: weights\n"


# ---------------------------------------------------------------- a server that is killed
# A server: its folder, the program that it starts, whether it has somebody who sees its end, a container engine.
KILLED = """
import os, signal, sys, time
from mlcc.servers.devserver.copies import Image
from mlcc.servers.devserver.keeper import Engine, Keeper
from mlcc.servers.devserver.launchers import Command, Processes
folder, program, watched, engine = sys.argv[1:]
keeper = Keeper(folder, Engine(engine, os.environ), time.sleep)
keeper.take_over()
if not watched:
    keeper.watch = lambda: None
command = Command([sys.executable, "-S", "-c", program], folder, {"GROUP": "1"})
Processes(lambda image, data: command, str, folder + "/log", time.sleep, keeper)(Image("image", {}))
while not os.path.exists(folder + "/log") or not open(folder + "/log").read().endswith("\\n"):
    time.sleep(0.01)
print(keeper.token, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(tmp_path: Path, watched: str, engine: str = "") -> tuple[str, int]:
    """Starts a server, which is killed: its token, and the number of what its process had started."""
    argv = [sys.executable, "-c", KILLED, str(tmp_path), PARENT, watched, engine]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.strip(), int((tmp_path / "log").read_text())


def test_what_a_killed_server_started_is_ended(tmp_path: Path) -> None:
    """Workers in groups of their own among it, and its containers."""
    engine = tmp_path / "docker"
    engine.write_text(f'#!/bin/sh\n[ "$1" = ps ] && echo 0123abcd\necho "$@" >> {tmp_path}/asked\n')
    engine.chmod(0o755)
    token, child = killed(tmp_path, "watched", str(engine))
    until(lambda: not local_process.family(token))
    assert not runs(child)
    wanted = f"ps --all --quiet --filter label=mlcc.dev-aws={token}\nrm --force 0123abcd\n"
    until(lambda: (tmp_path / "asked").exists() and (tmp_path / "asked").read_text() == wanted)


def test_the_next_server_ends_what_an_earlier_one_left(tmp_path: Path) -> None:
    """Where the process that saw its end was killed, too.  A third one leaves the second one's alone."""
    token, child = killed(tmp_path, "")
    assert runs(child)
    keepers = [Keeper(str(tmp_path), keeping.Engine("", os.environ), time.sleep) for _ in range(2)]
    assert [keeper.take_over() for keeper in keepers] == [True, False]
    assert not runs(child)
    assert not local_process.family(token)
    assert (tmp_path / keeping.FILE).read_text() == keepers[0].token
    for keeper in keepers:
        keeper.close()


def test_a_planted_token_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / keeping.FILE).write_text("HOME")
    keeper = Keeper(str(tmp_path), keeping.Engine("", os.environ), time.sleep)
    assert not keeper.take_over()
    keeper.close()
