"""A kernel lock on a folder.  Law: no lock file and no pid: whoever dies lets go, and nothing is left to delete."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.disk.reader import Directory

STEP_S = 0.02
WAIT_S = 30.0


@contextmanager
def locked(folder: Directory, sleep: Callable[[float], None], wait_s: float = WAIT_S) -> Iterator[None]:
    """Locks an open folder for one writer at a time.  Raises UserError when another has it for `wait_s` seconds."""
    try:
        acquired = acquire_lock(folder.fd, sleep, wait_s)
    except OSError as problem:
        why = (problem.strerror or "input/output error").lower()
        message = f"could not lock the directory: {why}; nothing was changed"
        raise UserError([error("MLCC208", message, hint="free the cause, run again")]) from None
    if not acquired:
        message = f"another mlcc has been writing {printable(folder.path, 200)} for {wait_s:.0f} s"
        raise UserError([error("MLCC207", message, hint="wait for it, or end it, and run this again")])
    try:
        yield
    finally:
        release_lock(folder.fd)


def acquire_lock(
    fd: int, sleep: Callable[[float], None], limit_s: float, busy: Callable[[], None] = lambda: None
) -> bool:
    """Takes the lock of an open folder; False when another holds it for `limit_s` seconds.

    busy: called once when it has to wait.  The lock ends with the descriptor, or with the process.
    """
    waited = 0.0
    while not _taken(fd):
        if not waited:
            busy()
        if waited >= limit_s:
            return False
        sleep(STEP_S)
        waited += STEP_S
    return True


def release_lock(fd: int) -> None:
    """Lets go."""
    fcntl.flock(fd, fcntl.LOCK_UN)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES, errno.EINTR):
            return False
        raise
    return True
