"""Whether a step may write what it makes.  Law: it is asked before any work, so that no long build is lost at its end.

Steps that only read, and those whose notes are of no use to a later one, work in a folder that nobody may write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mlcc.core.errors import PreconditionError
from mlcc.io.disk.reader import DENIED, Directory, Refused
from mlcc.io.disk.writer import CLOSED, not_writable, unwritable

OWN = ".mlcc"
STATE = f"{OWN}/run"
NEEDS = "the steps write down there what is built and what runs"


def need(directory: str, paths: tuple[str, ...] = (), needs: str = "") -> None:
    """Raises PreconditionError where a step could not write its state, or one of `paths`.

    paths: files below the project; needs: why they are written, as a sentence.
    """
    with explained(directory), Directory(directory) as tree:
        for path, why in ((f"{STATE}/state", NEEDS), *((path, needs) for path in paths)):
            closed = unwritable(tree, [path])
            if closed:
                raise PreconditionError([not_writable(f"{directory}/{closed}", why)])


@contextmanager
def explained(directory: str) -> Iterator[None]:
    """Raises PreconditionError where what is done inside with a step's state is not permitted."""
    try:
        yield
    except Refused as problem:
        if not problem.findings[0].message.endswith(DENIED):
            raise
        raise PreconditionError([not_writable(f"{directory}/{STATE}", NEEDS, "readable")]) from None
    except OSError as problem:
        if problem.errno not in CLOSED:
            raise
        with Directory(directory) as tree:
            closed = unwritable(tree, [f"{STATE}/state"]) or STATE
        raise PreconditionError([not_writable(f"{directory}/{closed}", NEEDS)]) from None
