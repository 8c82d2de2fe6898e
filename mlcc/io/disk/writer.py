"""How anything below a directory is written.  Law: by descriptor, component by component, never through a link.

Used by apply (the only writer of a project), by `set` and `init` (mlcc.yaml itself) and for the local state below
.mlcc/run, which is never committed.
"""

from __future__ import annotations

import errno
import os
import pwd
import signal
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.text import printable
from mlcc.core.tree import MAX_FILE_BYTES
from mlcc.io.disk.reader import DIRECTORY, Directory, inside


def make_directories(target: Directory, relpath: str) -> int:
    """A descriptor of the directory `relpath`, made where absent."""
    fd = os.dup(target.fd)
    for part in inside(target.path, relpath) if relpath else ():
        try:
            child = _open_or_make(fd, part)
        except OSError:
            os.close(fd)
            raise
        os.close(fd)
        fd = child
    return fd


def _open_or_make(parent: int, name: str) -> int:
    try:
        return os.open(name, DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=parent)
        fd = os.open(name, DIRECTORY, dir_fd=parent)
        try:
            os.fchmod(fd, 0o755)
            os.fsync(parent)
        except OSError:
            os.close(fd)
            raise
        return fd


def write_file(parent: int, name: str, data: bytes, mode: int) -> None:
    """Makes one new file in an open directory, whole and synced; it must not be there."""
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fchmod(fd, mode)
        os.fsync(fd)
    finally:
        os.close(fd)


def write_new(target: Directory, relpath: str, data: bytes, mode: int = 0o644) -> bool:
    """Makes one file of the project in one step, and its folders; False where something stands there already."""
    folder, _, name = relpath.rpartition("/")
    parent = make_directories(target, folder)
    temporary = f".{name.lstrip('.')}.mlcc-part"
    try:
        try:
            os.unlink(temporary, dir_fd=parent)
        except FileNotFoundError:
            pass
        write_file(parent, temporary, data, mode)
        try:
            os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary, dir_fd=parent)
        return True
    finally:
        os.close(parent)


def remove_empty(target: Directory, folder: str) -> None:
    """Takes away directories that a deletion left empty, upwards."""
    while folder:
        found = target.parent(folder)
        if found is None:
            return
        parent, name = found
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError:
            return
        finally:
            os.close(parent)
        folder = folder.rpartition("/")[0]


def unwritable(target: Directory, paths: Iterable[str]) -> str:
    """The first folder in which a file of `paths` could not be written or removed, or an empty text."""
    for folder in dict.fromkeys(path.rpartition("/")[0] for path in paths):
        here = folder
        while (found := target.parent(f"{here}/x" if here else "x")) is None:
            here = here.rpartition("/")[0]
        try:
            if not os.access(
                ".", os.W_OK | os.X_OK, dir_fd=found[0], effective_ids=os.access in os.supports_effective_ids
            ):
                return here or "."
        finally:
            os.close(found[0])
    return ""


# What a folder answers that may not be written.
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
COPY = "work in a copy of the project"


def not_writable(folder: str, needs: str, able: str = "writable", instead: str = COPY) -> Finding:
    """That a folder cannot be written by whoever runs this.

    needs: what would be written there, as a sentence; able: "readable" where it is that; instead: the other way out.
    """
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        user = f"user {os.geteuid()}"
    message = f"the folder {printable(os.path.abspath(folder), 200)} is not {able} for {printable(user, 60)}: {needs}"
    hint = f"make it {able} (chmod, chown), run this as its owner, or {instead}"
    return error("MLCC208", message, hint=hint)


def remove_files(target: Directory, folder: str, names: Iterable[str]) -> None:
    """Removes files of one folder where they are there."""
    found = target.parent(f"{folder}/x")
    if found is None:
        return
    parent = found[0]
    try:
        for name in names:
            try:
                os.unlink(name, dir_fd=parent)
            except FileNotFoundError:
                continue
        os.fsync(parent)
    finally:
        os.close(parent)


def remove_flat(target: Directory, folder: str) -> None:
    """Removes plain files of one flat folder, and the folder."""
    found = target.parent(f"{folder}/x")
    if found is None:
        return
    fd = found[0]
    try:
        for name in os.listdir(fd):
            if not stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode):
                os.unlink(name, dir_fd=fd)
    finally:
        os.close(fd)
    remove_empty(target, folder)


def remove_tree(target: Directory, folder: str) -> None:
    """Removes a folder with all that is in it, and folders above it that are empty then.

    Links are removed, not followed.  What goes away by itself meanwhile is gone.
    """
    found = target.parent(f"{folder}/x")
    if found is None:
        return
    try:
        _remove_below(found[0])
    finally:
        os.close(found[0])
    remove_empty(target, folder)


def _remove_below(fd: int) -> None:
    for entry in list(os.scandir(fd)):
        with suppress(FileNotFoundError):
            if entry.is_dir(follow_symlinks=False):
                _remove_folder(fd, entry.name)
            else:
                os.unlink(entry.name, dir_fd=fd)


def _remove_folder(parent: int, name: str) -> None:
    fd = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        _remove_below(fd)
    finally:
        os.close(fd)
    os.rmdir(name, dir_fd=parent)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Holds interrupts back while files are switched: a few milliseconds that must not be torn.

    SIGALRM among them: with it an interrupt comes again that Python dropped (cli/start).
    """
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def check_unchanged(target: Directory, name: str, before: bytes | None) -> tuple[bytes, int] | None:
    """What is at a name: bytes and mode, None for nothing.  Raises UserError when it is not what was read before."""
    found = target.read(name, MAX_FILE_BYTES)
    if (found[0] if found is not None else None) != before:
        what = "was removed" if found is None else "was made" if before is None else "was changed"
        message = f"{what} by another program meanwhile, and is as that one left it"
        hint = "look at it, and run this again"
        raise UserError([error("MLCC223", message, file=printable(os.path.join(target.path, name), 200), hint=hint)])
    return found


def replace_file(target: Directory, name: str, data: bytes, before: bytes | None, mode: int | None = None) -> None:
    """Writes one file of the operator's (mlcc.yaml, by `set` and `init`) in one step: old or new, never torn.

    target: locked by the caller; before: what the caller read and made `data` from, None where nothing was: anything
    else is refused (MLCC223); mode: permission bits; None keeps those of the file that is replaced.
    """
    found = check_unchanged(target, name, before)
    bits = mode if mode is not None else found[1] if found is not None else 0o644
    temporary = f".{name}.mlcc-new"
    try:
        with signals_wait():
            try:
                os.unlink(temporary, dir_fd=target.fd)
            except FileNotFoundError:
                pass
            write_file(target.fd, temporary, data, bits)
            # syncing takes long enough for an editor to save
            check_unchanged(target, name, before)
            os.rename(temporary, name, src_dir_fd=target.fd, dst_dir_fd=target.fd)
            os.fsync(target.fd)
    except (OSError, UserError) as problem:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=target.fd)
        if isinstance(problem, UserError):
            raise
        if problem.errno in CLOSED:
            needs = f"{printable(name, 200)} was to be written; nothing was changed"
            raise UserError([not_writable(target.path, needs)]) from None
        why = (problem.strerror or "input/output error").lower()
        message = f"could not write {printable(name, 200)}: {why}; it is as it was"
        raise UserError([error("MLCC208", message)]) from None


def write_state(target: Directory, relpath: str, data: bytes, mode: int = 0o600) -> None:
    """Writes one file of mlcc's local state, in one step, making its folders."""
    folder, _, name = relpath.rpartition("/")
    parent = make_directories(target, folder)
    try:
        temporary = f".{name}.new"
        try:
            os.unlink(temporary, dir_fd=parent)
        except FileNotFoundError:
            pass
        write_file(parent, temporary, data, mode)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    finally:
        os.close(parent)
