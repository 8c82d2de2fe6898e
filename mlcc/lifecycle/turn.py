"""One step at a time.  Law: a step that changes what runs or what is built holds the project while it does.

The hold is a kernel lock on the folder .mlcc, so that a step that dies never blocks another.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlcc.diagnostics import error
from mlcc.errors import PreconditionError
from mlcc.files import Directory
from mlcc.lifecycle.context import Context
from mlcc.writing import make_directories

WAIT_S, STEP_S = 180.0, 0.05


@contextmanager
def held(context: Context) -> Iterator[None]:
    """Waits for the steps of this project that are at work.  Raises PreconditionError when one takes too long."""
    with Directory(context.project.directory) as tree:
        fd = make_directories(tree, ".mlcc")
    try:
        _wait(fd, context)
        yield
    finally:
        os.close(fd)


def _wait(fd: int, context: Context) -> None:
    waited = 0.0
    while not _taken(fd):
        if not waited:
            context.progress.say("another step of this project is at work; waiting for it")
        if waited >= WAIT_S:
            message = f"another step of {context.project.name} has been at work for {WAIT_S:.0f} s"
            raise PreconditionError([error("MLCC312", message, hint="wait for it, or end it, and run this again")])
        context.sleep(STEP_S)
        waited += STEP_S


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES, errno.EINTR):
            return False
        raise
    return True
