"""Work in several processes.  Law: the only module that forks; results come in the order of the work.

A worker does every n-th piece and writes each result into a pipe of its own; who reads them takes turns.  So the order
is that of one process, and a worker that is ahead waits when its pipe is full: memory does not grow with the work.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import IO, Any

from mlcc.core.errors import MlccError, UserError, of_code
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.records import NamedTuple

Work = Callable[[str], Any]
"""What is done for a piece; its result is made of what JSON has."""


class WorkerFailed(Exception):
    """A bug in what a worker did; the text is the traceback that it had there."""


def cores() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # no such question on macOS
        return os.cpu_count() or 1


class _Worker(NamedTuple):
    """A process, and the end of its pipe that is read."""

    pid: int
    results: IO[bytes]


def spread(work: Work, pieces: Sequence[str], jobs: int) -> Generator[Any, None, None]:
    """The results of `work` for each piece, in order, worked out by up to `jobs` processes.

    The first piece is done here, so that what all need is loaded once and inherited.  What `work` raises is raised
    here, at its place in the order; then, and where the caller reads no further, the workers are ended.
    """
    if pieces:
        yield work(pieces[0])
    rest = pieces[1:]
    number = min(jobs, len(rest))
    if number < 2:
        yield from map(work, rest)
        return
    with ExitStack() as stack:
        workers: list[_Worker] = []
        for first in range(number):
            workers.append(_started(work, rest[first::number], workers))
            stack.callback(_ended, workers[-1])
        for index in range(len(rest)):
            yield _result(workers[index % number])


def _started(work: Work, pieces: Sequence[str], others: Sequence[_Worker]) -> _Worker:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # of threads in this process: a program that embeds mlcc may have some; a worker touches nothing of theirs
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(writer)
        return _Worker(pid, os.fdopen(reader, "rb"))
    try:
        os.close(reader)
        for other in others:
            other.results.close()
        with os.fdopen(writer, "wb") as stream, suppress(BrokenPipeError), _Reported(stream):
            for piece in pieces:
                _send(stream, {"done": work(piece)})
    finally:
        # nothing of the caller's is flushed or cleaned up twice; a signal that came has ended the work in order
        os._exit(0)


def _send(stream: IO[bytes], message: dict[str, Any]) -> None:
    """One line; text that is not ASCII is escaped, so that no line ends within it."""
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


class _Reported:
    """Sends what is raised inside to who reads the results."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        match problem:
            case BrokenPipeError():
                pass  # nobody reads any further
            case MlccError():
                _send(self.stream, {"code": problem.exit_code, "findings": problem.findings})
            case OSError():
                named = os.fsdecode(problem.filename) if isinstance(problem.filename, (str, bytes)) else None
                _send(self.stream, {"system": [problem.errno, problem.strerror, named]})
            case Exception():
                _send(self.stream, {"bug": "".join(traceback.format_exception(problem))})


def _result(worker: _Worker) -> Any:
    """The next result of a worker.  Raises what it raised."""
    line = worker.results.readline()
    if not line.endswith(b"\n"):
        hint = "memory may have run out: try it with --jobs 1"
        raise UserError([error("MLCC240", "a worker process ended before its work was done", hint=hint)])
    message = json.loads(line)
    if "findings" in message:
        found = [Finding(code, Severity(severity), *rest) for code, severity, *rest in message["findings"]]
        raise of_code(int(message["code"]), found)
    if "system" in message:
        raise OSError(*message["system"])
    if "bug" in message:
        raise WorkerFailed(message["bug"])
    return message["done"]


def _ended(worker: _Worker) -> None:
    """Ends a worker that still runs, and waits for it."""
    worker.results.close()
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGTERM)
    with suppress(ChildProcessError):
        os.waitpid(worker.pid, 0)
