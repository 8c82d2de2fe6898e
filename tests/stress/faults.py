"""Faults at chosen calls, for the tests of the guarantees (docs/guarantees.md).

Law: the code under test is the real one; a forked child runs it with the kernel's calls counted.

Everything that mlcc changes on a disk goes through functions of `os`, so counting them there finds every moment at
which a process can be killed or a disk can fail.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlcc.io.disk.staging import staging_folder
from tests import forkserver

FULL = bool(os.environ.get("MLCC_STRESS"))
T = TypeVar("T")
# Functions of os that change a disk, or what others may do to it.
CHANGING = ("open", "write", "fsync", "rename", "mkdir", "unlink", "rmdir", "fchmod", "ftruncate")
KILL, HALF = "kill", "half"


def figure(full: T, small: T) -> T:
    """How much is tried: the full figure with MLCC_STRESS=1, else a small one."""
    return full if FULL else small


class Fault(NamedTuple):
    """What happens at the n-th changing call (from 0): `kill`, `half` (a write is cut, then kill), or an errno."""

    at: int
    what: str | int = KILL


class Outcome(NamedTuple):
    """How a child ended: its exit code (negative: the signal), how many changing calls it made, what it printed.

    commit: which of the calls published the journal, -1: none.
    """

    code: int
    calls: int
    output_text: str
    commit: int = -1


class Counter:
    """Replaces functions of os in a child; never in the process of the tests."""

    def __init__(self, fault: Fault | None, report: int) -> None:
        self.fault, self.report, self.calls, self.commit, self.counting = fault, report, 0, -1, False
        self.real = {name: getattr(os, name) for name in CHANGING}

    def install(self) -> None:
        """Counts from the moment at which the target is held: what comes before writes to private folders only."""
        for name in CHANGING:
            setattr(os, name, self._wrapped(name))
        real = fcntl.flock

        def flock(*arguments: Any) -> None:
            real(*arguments)
            self.counting = True

        fcntl.flock = flock

    def _wrapped(self, name: str) -> Callable[..., Any]:
        real = self.real[name]

        def call(*arguments: Any, **options: Any) -> Any:
            if not self.counting:
                return real(*arguments, **options)
            if name == "open" and not (len(arguments) > 1 and arguments[1] & (os.O_CREAT | os.O_WRONLY)):
                return real(*arguments, **options)
            number, self.calls = self.calls, self.calls + 1
            if name == "rename" and arguments[1] == "journal.json":
                self.commit = number
            if self.fault is not None and number == self.fault.at:
                self._strike(name, arguments)
            return real(*arguments, **options)

        return call

    def _strike(self, name: str, arguments: tuple[Any, ...]) -> None:
        assert self.fault is not None
        what = self.fault.what
        if what == HALF and name == "write":
            fd, data = arguments
            self.real["write"](fd, bytes(data)[: len(data) // 2])
        if isinstance(what, int):
            raise OSError(what, os.strerror(what))
        self.tell()
        os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        """Says how many calls there were, and which was the commit point."""
        self.real["write"](self.report, f"{self.calls} {self.commit}".encode())


def start(action: Callable[[], int], cwd: Path, output_text: Path, *before: Callable[[], Callable[[], None]]) -> int:
    """Starts an action in a child and returns its process.

    output_text: file that gets what it prints; before: called in the child first; what they return is called when it ends.
    """
    if not FULL:  # once, for all children; at the full figures faults meet the reading of packaged files, too
        forkserver.warm()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.chdir(cwd)
        # line by line, so that what was printed before a kill is there
        text = open(output_text, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        sys.stdout = sys.stderr = text
        after = [prepare() for prepare in before]
        try:
            code = action()
        finally:
            for call in after:
                call()
    except BaseException:
        print(traceback.format_exc(), file=text)
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """Waits for a child and returns its exit code (negative: the signal)."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run(action: Callable[[], int], cwd: Path, fault: Fault | None = None) -> Outcome:
    """Runs an action in a child with the fault, and returns how it ended.  What it prints is kept."""
    count_in, count_out = os.pipe()
    output_text = cwd.parent / f"{cwd.name}.printed"

    def count() -> Callable[[], None]:
        counter = Counter(fault, count_out)
        counter.install()
        return counter.tell

    pid = start(action, cwd, output_text, count)
    os.close(count_out)
    with open(count_in, "rb") as pipe:
        counted = pipe.read()
    calls, commit = map(int, counted.split() or (0, -1))
    return Outcome(ended(pid), calls, output_text.read_text(encoding="utf-8"), commit)


def swept() -> None:
    """Removes what killed runs left in TMPDIR: the next run would, and have more calls than those after it."""
    with staging_folder([os.environ["TMPDIR"]]):
        pass


def watched(action: Callable[[], int], cwd: Path, watch: Callable[[list[str]], None]) -> tuple[Outcome, list[str]]:
    """Runs an action in a child and returns how it ended, and what a watcher that was set up there noted."""
    output_text, seen = cwd.parent / f"{cwd.name}.printed", cwd.parent / f"{cwd.name}.seen"
    seen.unlink(missing_ok=True)

    def look() -> Callable[[], None]:
        notes: list[str] = []
        watch(notes)

        def tell() -> None:
            # a copy: writing the file is watched too
            text = json.dumps(list(notes))
            seen.write_text(text)

        return tell

    code = ended(start(action, cwd, output_text, look))
    return Outcome(code, 0, output_text.read_text(encoding="utf-8")), json.loads(seen.read_text())


def mlcc(*arguments: str) -> Callable[[], int]:
    """A run of the command line as an action."""

    def action() -> int:
        from mlcc.cli.main import run_command_line

        return run_command_line(list(arguments))

    return action


# ---------------------------------------------------------------- trees
Tree = Mapping[str, tuple[bytes, int]]


def without_capabilities(*arguments: str) -> Callable[[], int]:
    """mlcc where root is an owner like any other, who may not write everywhere."""

    def action() -> int:
        if os.geteuid() == 0:
            header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
            assert ctypes.CDLL(None).capset(header, none) == 0
        return mlcc(*arguments)()

    return action


def tree(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, tuple[bytes, int]]:
    """Bytes and mode of every file, by path.  without: prefixes that are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not name.startswith(without):
            found[name] = (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    return found


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a folder."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True)
    return target


DISK_FULL, DISK_BROKEN, DENIED = errno.ENOSPC, errno.EIO, errno.EACCES
