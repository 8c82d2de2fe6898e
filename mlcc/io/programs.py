"""Other programs.  Law: the only importer of subprocess; arguments are lists, never a shell, never a user's option.

Nothing here is called by validate, plan, diff, apply, explain or show, but for the Git plumbing of --changed-since, and
of a merge that Git left unfinished, which runs no hooks, no file-system monitor and no text converters.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, NamedTuple

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable

if TYPE_CHECKING:
    import subprocess


class Finished(NamedTuple):
    """A program that ended: its exit code (negative: the signal) and what it printed."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def find(program: str, environ: Mapping[str, str]) -> str | None:
    """The absolute path of a program on PATH, or None."""
    return shutil.which(program, path=environ.get("PATH", os.defpath))


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cwd: str | None = None,
    timeout_s: float | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Runs a program to its end and returns what it printed.  A missing program raises PreconditionError."""
    import subprocess

    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, cwd=cwd, env=dict(environ), timeout=timeout_s)
    except FileNotFoundError:
        raise missing(argv[0]) from None
    except subprocess.TimeoutExpired as problem:
        return Finished(124, problem.stdout or b"", (problem.stderr or b"") + b"\ntimed out")
    return Finished(done.returncode, done.stdout, done.stderr)


def capped(argv: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, max_bytes: int = 64 << 10) -> Finished:
    """Runs a program that is a stranger's: what it prints beyond `max_bytes` ends it, as does the time; no stderr."""
    import subprocess
    import threading

    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(environ)
        )
    except FileNotFoundError:
        raise missing(argv[0]) from None
    assert process.stdout is not None
    watch = threading.Timer(timeout_s, process.kill)
    watch.start()
    try:
        found = process.stdout.read(max_bytes + 1)
        if len(found) > max_bytes:
            process.kill()
        return Finished(process.wait(), found[:max_bytes])
    finally:
        watch.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def lines(
    argv: Sequence[str], *, environ: Mapping[str, str], cwd: str | None = None, log: IO[bytes] | None = None
) -> Iterator[str]:
    """Runs a program and yields its output line by line; the last item is `exit CODE`.  log: a copy of the bytes."""
    import subprocess

    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd, env=dict(environ)
        )
    except FileNotFoundError:
        raise missing(argv[0]) from None
    assert process.stdout is not None
    try:
        for raw in process.stdout:
            if log is not None:
                log.write(raw)
            yield printable(raw.decode("utf-8", "replace").rstrip("\r\n"), 0)
        yield f"exit {process.wait()}"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
        process.stdout.close()


def foreground(argv: Sequence[str], *, environ: Mapping[str, str], cwd: str | None = None, grace_s: float = 30) -> int:
    """Runs a program that prints to the caller's own terminal and returns its exit code.

    The program is in a session of its own, so that Ctrl-C reaches this process alone: whatever signal ends this one,
    the program gets one SIGTERM and `grace_s` seconds to finish, and the interrupt goes on.
    """
    import subprocess

    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, cwd=cwd, env=dict(environ), start_new_session=True, close_fds=True
        )
    except FileNotFoundError:
        raise missing(argv[0]) from None
    try:
        return process.wait()
    finally:
        _end(process, grace_s)


def _end(process: subprocess.Popen[bytes], grace_s: float) -> int:
    """SIGTERM, and SIGKILL after the grace or at a second interrupt; the exit code."""
    import subprocess

    if process.poll() is None:
        process.terminate()
        try:
            return process.wait(grace_s)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
    return process.wait()


def background(argv: Sequence[str], *, environ: Mapping[str, str], cwd: str, log: IO[bytes]) -> int:
    """Starts a program that outlives this one, in a session of its own, and returns its pid."""
    import subprocess

    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(environ),
            start_new_session=True,
            close_fds=True,
        )
    except FileNotFoundError:
        raise missing(argv[0]) from None
    process.returncode = 0  # it is not ours to wait for: no warning when this object goes
    return process.pid


def missing(program: str) -> PreconditionError:
    """The error for a program that is not installed."""
    name = printable(os.path.basename(program))
    return PreconditionError([error("MLCC302", f"{name} is not installed", hint=f"install {name}, or put it on PATH")])
