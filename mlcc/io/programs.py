"""Other programs.  Law: the only importer of subprocess; arguments are lists, never a shell, never a user's option.

Nothing here is called by validate, plan, diff, apply, explain or show, but for the Git plumbing of --changed-since,
of revisions, and of a merge that Git left unfinished, which runs no hooks, no file-system monitor and no text
converters.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import inert, printable

if TYPE_CHECKING:
    import subprocess


# Of a line that is passed on, and how long its last lines may take.
MAX_LINE, LAST_LINES_S = 1 << 20, 2.0
LONG_LINE = "(a line that is too long to show)"


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


# What ends a run, the last one a signal that comes again (cli/start).
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


@contextmanager
def _signals_noted() -> Iterator[None]:
    """Signals are noted inside the block, and arrive when it ends.

    A mask would be handed on to the program that is started.
    """
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield  # no handler runs here
        return
    kept: dict[int, Any] = {}
    arrived: list[int] = []
    noting = True

    def note(number: int, frame: Any) -> None:
        if noting:
            arrived.append(number)
        else:  # the block has ended, and its caller has not put the handler back yet
            kept[number](number, frame)

    try:
        for number in ENDING:
            handler = signal.getsignal(number)
            if callable(handler):
                kept[number] = handler
                signal.signal(number, note)
        yield
    finally:
        noting = False
        for signum, handler in kept.items():
            signal.signal(signum, handler)
        for signum in arrived:
            signal.raise_signal(signum)


def _start(made: list[subprocess.Popen[bytes]], argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Starts a program, and puts it into `made` before anything else can happen.

    A signal that ends this process raises, and in the middle of a start it would leave a program that nobody has a
    handle of.
    """
    import subprocess

    try:
        with _signals_noted():
            made.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options))
    except FileNotFoundError:
        raise missing(argv[0]) from None
    return made[0]


def capped(argv: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, max_bytes: int = 64 << 10) -> Finished:
    """Runs a program that is a stranger's: what it prints beyond `max_bytes` ends it, as does the time; no stderr."""
    import subprocess

    found = b""
    with _timed(argv, timeout_s, stderr=subprocess.DEVNULL, env=dict(environ)) as (process, parts):
        while len(found) <= max_bytes and (part := next(parts, b"")):
            found += part
        if len(found) > max_bytes:
            process.kill()
        return Finished(process.wait(), found[:max_bytes])


def end_of(
    argv: Sequence[str], *, environ: Mapping[str, str], timeout_s: float, max_bytes: int
) -> tuple[Finished, bool]:
    """A program with the last `max_bytes` that it prints, both outputs in one, and whether more came before them.

    No more is kept in memory.  What does not end in time is ended.
    """
    import subprocess

    kept, cut = b"", False
    with _timed(argv, timeout_s, stderr=subprocess.STDOUT, env=dict(environ)) as (process, parts):
        for part in parts:
            kept += part
            cut = cut or len(kept) > max_bytes
            kept = kept[-max_bytes:]
        return Finished(process.wait(), kept), cut


@contextmanager
def _timed(argv: Sequence[str], timeout_s: float, **options: Any) -> Iterator[tuple[Any, Iterator[bytes]]]:
    """A program that runs for so long at most, and not beyond the block; and what it prints, in parts, until then."""
    made = list["subprocess.Popen[bytes]"]()
    try:
        process = _start(made, argv, **options)
        yield process, _parts(process, time.monotonic() + timeout_s)
    finally:
        for process in made:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def lines(
    argv: Sequence[str], *, environ: Mapping[str, str], cwd: str | None = None, log: IO[bytes] | None = None
) -> Generator[str, None, None]:
    """Runs a program and yields its output line by line; the last item is `exit CODE`.

    log: gets a copy of the bytes, without what a line has beyond MAX_LINE.
    """
    import subprocess

    made = list["subprocess.Popen[bytes]"]()
    try:
        process = _start(made, argv, stderr=subprocess.STDOUT, cwd=cwd, env=dict(environ))
        assert process.stdout is not None
        for raw, text in _lines_of(process.stdout):
            if log is not None:
                log.write(raw)
            yield printable(text, 0)
        yield f"exit {process.wait()}"
    finally:
        for process in made:
            if process.poll() is None:
                process.terminate()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _parts(process: subprocess.Popen[bytes], end: float) -> Iterator[bytes]:
    """What a program prints until `end`, when it is ended: its child may hold the output open, or it may close it."""
    import select
    import subprocess

    assert process.stdout is not None
    fd, part = process.stdout.fileno(), b"-"
    while part and (left := end - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            part = os.read(fd, 1 << 16)
            if part:
                yield part
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(end - time.monotonic(), 0))
    process.kill()


class Cleaner(Protocol):
    """Takes out of lines what is not to be seen."""

    def feed(self, line: str) -> list[str]:
        """The lines that may be shown now."""

    def rest(self) -> list[str]:
        """The lines that still wait."""


def foreground(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str],
    cleaner: Callable[[], Cleaner],
    cwd: str | None = None,
    grace_s: float = 30,
) -> int:
    """Runs a program, passes on each line that it prints as soon as it is whole, and returns the exit code.

    cleaner: makes what each of its two outputs passes through.  The program is in a session of its own, so that Ctrl-C
    reaches this process alone: whatever signal ends this one, the program gets one SIGTERM and `grace_s` seconds to
    finish, and the interrupt goes on.
    """
    import subprocess
    import threading

    # a program of Python's that prints into a pipe would keep its lines until there are many
    variables = {"PYTHONUNBUFFERED": "1", **environ}
    cleaners = cleaner(), cleaner()
    made = list["subprocess.Popen[bytes]"]()
    passing: list[threading.Thread] = []
    try:
        with _signals_noted():
            process = _start(made, argv, stderr=subprocess.PIPE, cwd=cwd, env=variables, start_new_session=True)
            for each in zip((process.stdout, process.stderr), (1, 2), cleaners, strict=True):
                passing.append(threading.Thread(target=_pass_on, args=each, daemon=True))
                passing[-1].start()
        return process.wait()
    finally:
        for process in made:
            _end(process, grace_s)
        for thread in passing:  # what outlives the program may hold its outputs open
            thread.join(LAST_LINES_S)


def _lines_of(stream: IO[bytes]) -> Iterator[tuple[bytes, str]]:
    """Lines of a program, as bytes and as text.  The text of one that is too long is only a sentence about it."""
    whole = True
    while raw := stream.readline(MAX_LINE):
        long = len(raw) == MAX_LINE and not raw.endswith(b"\n")
        if whole:  # of a long line there is more; what follows its beginning is a part of it
            yield raw, LONG_LINE if long else raw.decode("utf-8", "replace").rstrip("\r\n")
        whole = raw.endswith(b"\n")


def _pass_on(stream: IO[bytes], to: int, cleaner: Cleaner) -> None:
    """Lines of a program to a descriptor of this process, until it has printed its last."""
    with stream:
        for _, text in _lines_of(stream):
            _write(to, cleaner.feed(text))
    _write(to, cleaner.rest())


def _write(to: int, shown: list[str]) -> None:
    data = "".join(inert(printable(line, 0)) + "\n" for line in shown).encode("utf-8", "replace")
    while data:
        try:
            data = data[os.write(to, data) :]
        except OSError:
            return  # nobody reads any more; the program goes on, as it is asked to


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


def background(
    argv: Sequence[str], *, environ: Mapping[str, str], cwd: str, log: IO[bytes], stdin: IO[bytes] | None = None
) -> int:
    """Starts a program that outlives this one, in a session of its own, and returns its pid."""
    from subprocess import DEVNULL, STDOUT, Popen

    try:
        process = Popen(
            argv, stdin=stdin or DEVNULL, stdout=log, stderr=STDOUT, cwd=cwd, env=dict(environ), start_new_session=True
        )
    except FileNotFoundError:
        raise missing(argv[0]) from None
    process.returncode = 0  # it is not ours to wait for: no warning when this object goes
    return process.pid


def missing(program: str, hint: str = "") -> PreconditionError:
    """The error for a program that is not installed.  hint: who has it, where that is known."""
    name = printable(os.path.basename(program))
    hint = printable(hint, 300) or f"install {name}, or put it on PATH"
    return PreconditionError([error("MLCC302", f"{name} is not installed", hint=hint)])
