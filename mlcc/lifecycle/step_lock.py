"""One step at a time.  Law: a step that changes what runs or what is built holds the project while it does.

The hold is a kernel lock on the folder .mlcc, so that a step that dies never blocks another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.io.disk import lock
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import make_directories
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.writable import explained

WAIT_S = 180.0
BUSY = "another step of this project is at work; waiting for it"


@contextmanager
def held(context: Context) -> Iterator[None]:
    """Waits for the steps of this project that are at work.  Raises PreconditionError when one takes too long."""
    directory = context.project.directory
    with Directory(directory) as tree, explained(directory):
        fd = make_directories(tree, ".mlcc")
    try:
        if not lock.acquire_lock(fd, context.sleep, WAIT_S, lambda: context.progress.say(BUSY)):
            message = f"another step of {context.project.name} has been at work for {WAIT_S:.0f} s"
            raise PreconditionError([error("MLCC312", message, hint="wait for it, or end it, and run this again")])
        yield
    finally:
        os.close(fd)
