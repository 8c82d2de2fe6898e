"""What a caller names, and what the machine refuses.  Law: paths of any kind come in, text and findings go on.

The functions that programs call take a path as text, as bytes or as an object (`pathlib.Path`), and answer trouble of
the machine (a full disk, a missing permission) as they answer a mistake: with a finding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Union

from mlcc.io.disk.observer import note
from mlcc.io.disk.reader import Refused, reason

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
# `os.fsdecode` makes text of one.


def texts(paths: StrPath | Iterable[StrPath]) -> tuple[str, ...]:
    """One path or several as texts."""
    several = [paths] if isinstance(paths, (str, bytes, os.PathLike)) else paths
    return tuple(map(os.fsdecode, several))


@contextmanager
def asked_to(doing: str) -> Iterator[None]:
    """Raises Refused where what is done inside raises OSError.  doing: what could not be done then."""
    try:
        yield
    except OSError as problem:
        file = os.fsdecode(problem.filename) if isinstance(problem.filename, (str, bytes)) else ""
        # a library that raises an OSError of its own names the system's as its cause
        cause = problem.__cause__ if isinstance(problem.__cause__, OSError) else problem
        why = problem.strerror or cause.strerror or "input/output error"
        message = f"could not {doing}: {why.lower()}; nothing was changed"
        raise Refused(file, message, "free the cause, run again", "MLCC208") from problem


def make_folder(path: str) -> None:
    """Makes a directory that the operator named, and those above it, unless it is there.  Raises Refused."""
    try:
        os.makedirs(path, exist_ok=True)
    except ValueError:
        raise Refused(path, "not a directory name") from None
    except (FileExistsError, NotADirectoryError):
        raise Refused(path, "a file or a link stands where a directory belongs") from None
    except OSError as problem:
        raise Refused(path, f"the directory cannot be made: {reason(problem)}") from None


def own_file(path: str) -> bool:
    """True for what this user owns: what others own may be theirs to change (as Git's safe.directory)."""
    found = os.lstat(path).st_uid in {os.geteuid(), os.getuid()}
    note("own_file", (path,), found)
    return found
