"""Private folders for files in the making.  Law: outside every project; what a killed run left, the next one removes.

All of one user's lie in one folder of a directory for temporary files, `mlcc-UID`, which nobody else can write.  A
folder that is in use is locked by the process that made it, and the kernel takes the lock away with the process: so an
unlocked one is nobody's any more, and no clock is needed to recognise it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.io.disk.reader import DIRECTORY, inside

# cookiecutter renders the output path as a template, so it may hold nothing that a template could be made of.
_SAFE = re.compile(r"[A-Za-z0-9/_.-]+\Z")
TRIES = 20
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@contextmanager
def staging_folder(parents: Iterable[str]) -> Iterator[str]:
    """The path of a new private folder, which is removed at the end.

    parents: directories for temporary files, the first that can be used is taken.  Raises UserError when none can.
    """
    made = next((made for parent in parents if (made := _made_below(parent)) is not None), None)
    if made is None:
        hint = "set TMPDIR to a writable directory whose path holds only letters, digits and / _ . -"
        raise UserError([error("MLCC209", "no directory for temporary files can be used", hint=hint)])
    path, fd = made
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(fd)
        with suppress(OSError):
            os.rmdir(os.path.dirname(path))  # unless others are at work


def fill(folder: str, files: Mapping[str, bytes]) -> None:
    """Writes files into a private folder that is empty, by paths from there.  Raises Refused for one that leads out."""
    for path, data in files.items():
        *folders, name = inside(folder, path)
        where = os.path.join(folder, *folders)
        os.makedirs(where, mode=0o700, exist_ok=True)
        with open(os.path.join(where, name), "xb") as stream:
            stream.write(data)


def _made_below(parent: str) -> tuple[str, int] | None:
    """A new folder and its locked descriptor; None where it cannot be made."""
    own = os.path.join(parent, f"mlcc-{os.getuid()}")
    if not (os.path.isabs(parent) and _SAFE.match(own) and os.path.isdir(parent)):
        return None
    for _ in range(TRIES):
        try:
            with suppress(FileExistsError):
                os.mkdir(own, 0o700)
            if not _is_private(own):
                return None
            _sweep(own)
            path = os.path.join(own, os.urandom(8).hex())
            os.mkdir(path, 0o700)
            fd = os.open(path, DIRECTORY)
        except FileNotFoundError:
            continue  # another run has just removed the empty folder
        except OSError as problem:
            if problem.errno in UNUSABLE:
                return None
            raise  # a full disk is no reason to fill another one
        if _lock(fd) and os.fstat(fd).st_nlink:
            return path, fd
        os.close(fd)  # another run took it for a folder that was left
    return None


def _is_private(path: str) -> bool:
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _sweep(own: str) -> None:
    """Removes folders that no process has locked."""
    for name in os.listdir(own):
        path = os.path.join(own, name)
        try:
            fd = os.open(path, DIRECTORY)
        except OSError:
            continue  # it went away, or is none of ours
        try:
            if _lock(fd):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(fd)
