"""Processes in place of containers: what ends, ends with all that it has started."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mlcc.servers.devserver.copies import Image
from mlcc.servers.devserver.launchers import Command, Process, Processes

# Starts another process, prints its number, and waits, or ends at once where the environment says so.
PARENT = """
import os, subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(0 if "SHORT" in os.environ else 600)
"""


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)


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


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    """Also one that nobody stops: it ends by itself, and is started anew."""
    launch, made, child = started(tmp_path, SHORT="1")
    until(made.ended)
    until(lambda: not runs(child))
    launch.close()


def test_a_process_is_ended_with_what_it_started(tmp_path: Path) -> None:
    launch, made, child = started(tmp_path)
    assert not made.ended()
    launch.close()
    assert made.ended()
    until(lambda: not runs(child))
