"""Cached results, in files named by a digest of their inputs.  Law: verified before use; any may be missing.

An entry carries its own digest, lies in a private folder of mlcc's own (never in a project: a pull request could bring
a forged one), and may be deleted, cut or changed at any time: it is then simply not there.  A folder that is not ours
alone, or cannot be written, is one without entries.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Protocol

from mlcc.io.disk.private import private_folder
from mlcc.io.disk.reader import DIRECTORY, PLAIN

CACHE = "cache"
DIGEST = 64
MAX_ENTRIES = 512
MAX_ENTRY_BYTES = 256 << 20


class Memo(Protocol):
    """Bytes by name, which may be gone at any time; never wrong ones."""

    def read(self, name: str) -> bytes | None:
        """What was kept under a name, or None."""

    def write(self, name: str, payload: bytes) -> None:
        """Keeps bytes where that is possible."""


_memos: list[Memo] = []


@contextmanager
def remembered(memo: Memo) -> Iterator[None]:
    """Inside, what was worked out before is not worked out again.  The answers are the same."""
    _memos.append(memo)
    try:
        yield
    finally:
        _memos.remove(memo)


def remembering() -> Memo | None:
    """The memo of the running command, or None."""
    return _memos[-1] if _memos else None


class Folder:
    """One kind of entries below `$MLCC_HOME/cache`."""

    def __init__(self, home: str, kind: str, max_entries: int = MAX_ENTRIES) -> None:
        """home: mlcc's own folder, made when something is written; max_entries: the newest are kept."""
        self.home, self.kind, self.max_entries = home, kind, max_entries

    def read(self, name: str) -> bytes | None:
        """An entry, or None."""
        try:
            with ExitStack() as stack:
                folder = self._open(stack, make=False)
                fd = os.open(name, PLAIN, dir_fd=folder)
                with os.fdopen(fd, "rb") as stream:
                    data = stream.read(MAX_ENTRY_BYTES + DIGEST)
        except OSError:
            return None
        payload = data[DIGEST:]
        return payload if hashlib.sha256(payload).hexdigest().encode() == data[:DIGEST] else None

    def write(self, name: str, payload: bytes) -> None:
        """Keeps an entry where that is possible; there is no message where it is not."""
        if len(payload) > MAX_ENTRY_BYTES:
            return
        with suppress(OSError), ExitStack() as stack:
            folder = self._open(stack, make=True)
            self._put(folder, name, hashlib.sha256(payload).hexdigest().encode() + payload)
            self._prune(folder)

    def _open(self, stack: ExitStack, make: bool) -> int:
        """A descriptor of the folder.  Raises OSError when it is not there, or not ours alone."""
        if not os.path.isabs(self.home):
            raise PermissionError  # it would be another folder in each directory, a project's among them
        if make:
            private_folder(self.home)
        fd = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, fd)
        _ours(fd, 0o022)
        for part in (CACHE, self.kind):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=fd)
            fd = os.open(part, DIRECTORY, dir_fd=fd)
            stack.callback(os.close, fd)
            _ours(fd, 0o077)
        return fd

    def _put(self, folder: int, name: str, data: bytes) -> None:
        temporary = f".{name}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(temporary, flags, 0o600, dir_fd=folder)
        with ExitStack() as undo:
            undo.callback(_removed, folder, temporary)
            with os.fdopen(fd, "wb") as stream:
                stream.write(data)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            undo.pop_all()

    def _prune(self, folder: int) -> None:
        """Keeps the newest half when there are too many."""
        names = os.listdir(folder)
        if len(names) <= self.max_entries:
            return
        ages = []
        for name in names:
            with suppress(OSError):
                ages.append((os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime_ns, name))
        for _, name in sorted(ages)[: len(ages) - self.max_entries // 2]:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)


def _removed(folder: int, name: str) -> None:
    with suppress(OSError):
        os.unlink(name, dir_fd=folder)


def _ours(fd: int, others: int) -> None:
    """Raises PermissionError for a folder of somebody else, or one where others have any of the rights `others`."""
    status = os.fstat(fd)
    if status.st_uid != os.getuid() or status.st_mode & others:
        raise PermissionError
