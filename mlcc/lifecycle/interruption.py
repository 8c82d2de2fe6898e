"""What a step says that a signal ends in the middle.  Law: one line, shown with -q, too; the signal itself goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlcc.core.errors import signal_in
from mlcc.lifecycle.context import Progress

# What becomes of a deployment, and of what is being taken away.
GOES_ON = "what was begun goes on at AWS, and costs: do/deploy continues it, do/clean takes it away"
COSTS_ON = "what is still there goes on at AWS, and costs: do/clean continues to take it away"


@contextmanager
def explained(progress: Progress, left: str = GOES_ON) -> Iterator[None]:
    """A block that leaves something behind where a signal ends it.  left: the line that says what."""
    try:
        yield
    except BaseException as problem:
        if signal_in(problem) is not None:
            progress.warn(left)
        raise
