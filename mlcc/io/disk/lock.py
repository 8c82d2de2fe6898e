"""A kernel lock on a folder.  Law: no lock file and no pid: whoever dies lets go, and nothing is left to delete."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Callable

STEP_S = 0.02


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
