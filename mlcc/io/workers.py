"""Work in several processes.  Law: the only module that forks; results come in the order of the work.

A worker does every n-th piece and writes each result into a pipe of its own; who reads them takes turns.  So the order
is that of one process, and a worker that is ahead waits when its pipe is full: memory does not grow with the work.
"""

from __future__ import annotations

import os
import pickle
import signal
import traceback
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from typing import IO, Any, TypeVar

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple

Piece = TypeVar("Piece")
Result = TypeVar("Result")
LENGTH = 8
DONE, RAISED = b"=", b"!"


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


def spread(work: Callable[[Piece], Result], pieces: Sequence[Piece], jobs: int) -> Generator[Result, None, None]:
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
    workers: list[_Worker] = []
    try:
        for first in range(number):
            workers.append(_started(work, rest[first::number], workers))
        for index in range(len(rest)):
            yield _result(workers[index % number])
    finally:
        for worker in workers:
            _ended(worker)


def _started(work: Callable[[Piece], Result], pieces: Sequence[Piece], others: Sequence[_Worker]) -> _Worker:
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
        _work_through(work, pieces, writer)
    finally:
        # nothing of the caller's is flushed or cleaned up twice; a signal that came has ended the work in order
        os._exit(0)


def _work_through(work: Callable[[Piece], Result], pieces: Sequence[Piece], writer: int) -> None:
    """In the worker: each result, up to the first that is none."""
    with os.fdopen(writer, "wb") as stream:
        for piece in pieces:
            kind, found = DONE, b""
            try:
                found = pickle.dumps(work(piece))
            except Exception as problem:  # whatever it is, the caller raises it
                kind, found = RAISED, _pickled(problem)
            with suppress(BrokenPipeError):  # the caller reads no further
                stream.write(kind + len(found).to_bytes(LENGTH, "big") + found)
                stream.flush()
                if kind == DONE:
                    continue
            return


def _pickled(problem: Exception) -> bytes:
    """An exception with the place where it was raised, for a report; one that cannot be sent, as its text."""
    text = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(problem))  # noqa: S301
    except Exception:
        problem = RuntimeError(text)
    return pickle.dumps((problem, text))


def _result(worker: _Worker) -> Any:
    head = worker.results.read(1 + LENGTH)
    data = worker.results.read(int.from_bytes(head[1:], "big")) if len(head) == 1 + LENGTH else b""
    if not data:
        hint = "memory may have run out: try it with --jobs 1"
        raise UserError([error("MLCC240", "a worker process ended before its work was done", hint=hint)])
    found = pickle.loads(data)  # noqa: S301, from a process that this one has forked, through a pipe of its own
    if head[:1] == DONE:
        return found
    problem, text = found
    problem.__cause__ = RuntimeError(f"in a worker process:\n{text}")
    raise problem


def _ended(worker: _Worker) -> None:
    """Ends a worker that still runs, and waits for it."""
    worker.results.close()
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGTERM)
    with suppress(ChildProcessError):
        os.waitpid(worker.pid, 0)
