"""The one guard through which files of a checkout are opened.  Law: no path of a checkout is opened any other way.

A checkout is untrusted: any component may be a link, a FIFO, a device, or change while we look.  So every component
below a directory that the operator named is opened from its parent's descriptor without following links, and what a
descriptor is, is asked of the descriptor, never of the name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from types import TracebackType

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.disk.observer import REFUSED, answer, digest, is_observed, listing, note

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLAIN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0)


def present(path: str) -> bool:
    """True when something, a link too, stands at a path."""
    found = os.path.lexists(path)
    note("present", (path,), found)
    return found


def is_directory(path: str, links: bool = True) -> bool:
    """True for a directory; where `links` are allowed, for a link to one, too."""
    found = os.path.isdir(path) and (links or not os.path.islink(path))
    note("is_directory", (path, links), found)
    return found


LINK, DENIED = "a symbolic link stands there, and mlcc follows none", "permission denied"


class Refused(UserError):
    """A path that is not what it must be: a link, a directory in a file's place, a FIFO, too large."""

    def __init__(self, path: str, why: str, hint: str = "", code: str = "MLCC001") -> None:
        hint = hint or ("chmod u+rwX it, run again" if why.endswith(DENIED) else "")
        super().__init__([error(code, why, file=printable(path, 200), hint=hint)])
        note(REFUSED, (), None)


def reason(problem: OSError) -> str:
    """What the system says of a path, in words."""
    known = {
        errno.ELOOP: LINK,
        errno.ENOTDIR: "a file or a link stands where a directory belongs",
        errno.EISDIR: "a directory stands where a file belongs",
        errno.ENXIO: "not a plain file",
        errno.EACCES: DENIED,
        errno.ENAMETOOLONG: "the name is too long",
    }
    return known.get(problem.errno or 0, (problem.strerror or "cannot be opened").lower())


def _read_plain(fd: int, path: str, cap: int, single_link: bool) -> bytes:
    status = os.fstat(fd)
    if stat.S_ISDIR(status.st_mode):
        raise Refused(path, "a directory stands where a file belongs")
    if not stat.S_ISREG(status.st_mode):
        raise Refused(path, "not a plain file")
    if single_link and status.st_nlink > 1:
        raise Refused(path, "has more than one hard link", "copy the file over itself, so that it is a file of its own")
    chunks: list[bytes] = []
    size = 0
    while chunk := _chunk(fd, path):
        size += len(chunk)
        if size > cap:
            raise Refused(path, f"larger than {cap:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _chunk(fd: int, path: str) -> bytes:
    try:
        return os.read(fd, 1 << 20)
    except OSError as problem:
        raise Refused(path, f"cannot be read: {reason(problem)}") from None


def read_named(path: str, cap: int, hint: str = "run `mlcc init`, or name one with -f FILE") -> bytes:
    """Reads a file that the operator named; only its last component must not be a link.

    hint: what to do where it is missing.  Raises Refused for that, for no plain file, and for more than `cap` bytes.
    """
    try:
        fd = os.open(path, PLAIN)
    except ValueError:
        raise Refused(path, "not a file name") from None
    except FileNotFoundError:
        raise Refused(path, "no such file", hint) from None
    except OSError as problem:
        raise Refused(path, reason(problem)) from None
    try:
        data = _read_plain(fd, path, cap, single_link=False)
    finally:
        os.close(fd)
    if is_observed():
        note("named", (path, cap), digest(data))
    return data


def inside(folder: str, relpath: str) -> list[str]:
    """The components of a path below a folder.  Raises Refused for one that could lead out of it, or names nothing."""
    parts = relpath.split("/")
    if ".." in parts or "." in parts or "" in parts or "\0" in relpath:
        raise Refused(f"{folder}/{relpath}", "not a path inside the project")
    return parts


class Directory:
    """An open directory below which paths are walked component by component without following links."""

    def __init__(self, path: str, *, follow: bool = True) -> None:
        """Opens `path`, which the operator named; with `follow` false its last component must not be a link.

        Raises Refused.
        """
        self.path, self.follow = path, follow
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
        try:
            self.fd = os.open(path.rstrip("/") or "/", flags)
        except FileNotFoundError:
            raise Refused(path, "no such directory") from None
        except (OSError, ValueError) as problem:
            why = reason(problem) if isinstance(problem, OSError) else "not a directory name"
            raise Refused(path, why) from None
        note("directory", (path, follow), True)

    def __enter__(self) -> Directory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def parent(self, relpath: str) -> tuple[int, str] | None:
        """A new descriptor of the directory that holds `relpath`, and its last component; None when it is absent."""
        found = self._parent(relpath)
        note("parent", (self.path, self.follow, relpath), found is not None)
        return found

    def has_parent(self, relpath: str) -> bool:
        """True when the directory that would hold `relpath` is there."""
        found = self.parent(relpath)
        if found is not None:
            os.close(found[0])
        return found is not None

    def _parent(self, relpath: str) -> tuple[int, str] | None:
        *parents, name = inside(self.path, relpath)
        fd, depth = os.dup(self.fd), 0
        try:
            for depth, part in enumerate(parents, 1):  # noqa: B007 - its last value is in the message
                child = os.open(part, DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = child
        except FileNotFoundError:
            os.close(fd)
            return None
        except OSError as problem:
            os.close(fd)
            raise Refused("/".join([self.path, *parents[:depth]]), reason(problem)) from None
        return fd, name

    def read(self, relpath: str, cap: int, single_link: bool = True) -> tuple[bytes, int] | None:
        """Bytes and permission bits of a plain file; None when it is absent.  Raises Refused for anything else."""
        found = self._read(relpath, cap, single_link)
        if is_observed():
            note("read", (self.path, self.follow, relpath, cap, single_link), answer(found))
        return found

    def _open_plain(self, relpath: str) -> int | None:
        """A descriptor of what stands at a path and is no link; None when it is absent."""
        found = self._parent(relpath)
        if found is None:
            return None
        parent, name = found
        try:
            return os.open(name, PLAIN, dir_fd=parent)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise Refused(f"{self.path}/{relpath}", reason(problem)) from None
        finally:
            os.close(parent)

    def _read(self, relpath: str, cap: int, single_link: bool) -> tuple[bytes, int] | None:
        fd = self._open_plain(relpath)
        if fd is None:
            return None
        try:
            data = _read_plain(fd, f"{self.path}/{relpath}", cap, single_link)
            return data, stat.S_IMODE(os.fstat(fd).st_mode)
        finally:
            os.close(fd)

    def check_plain(self, relpath: str) -> None:
        """Raises Refused where a link or anything else but a plain file stands at a path."""
        mode = self.mode(relpath)
        if mode is not None and not stat.S_ISREG(mode):
            raise Refused(f"{self.path}/{relpath}", LINK if stat.S_ISLNK(mode) else "not a plain file")

    def mode(self, relpath: str) -> int | None:
        """Kind and permission bits of what stands at a path, a link's own; None where nothing does.  Raises Refused."""
        found = self._parent(relpath)
        if found is None:
            return None
        try:
            return os.stat(found[1], dir_fd=found[0], follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None
        finally:
            os.close(found[0])

    def below(self, relpath: str) -> Directory:
        """An open directory below this one, reached through no link.  Raises Refused, or OSError where it is absent."""
        made = Directory.__new__(Directory)
        made.path, made.follow, made.fd = f"{self.path}/{relpath}", False, self._open_dir(relpath)
        note("directory", (made.path, False), True)
        return made

    def tail(self, relpath: str, cap: int) -> tuple[bytes, bool] | None:
        """The last `cap` bytes of a plain file, and whether there are more before them; None when it is absent."""
        fd = self._open_plain(relpath)
        if fd is None:
            return None
        if not stat.S_ISREG((status := os.fstat(fd)).st_mode):
            os.close(fd)
            raise Refused(f"{self.path}/{relpath}", "not a plain file")
        with os.fdopen(fd, "rb") as stream:
            start = max(0, status.st_size - cap)
            stream.seek(start)
            return stream.read(cap), start > 0

    def exists(self, relpath: str) -> bool:
        """True when something, of whatever kind, stands at `relpath` (or a parent of it is not a directory)."""
        try:
            found = self.mode(relpath) is not None
        except Refused:
            found = True
        note("exists", (self.path, self.follow, relpath), found)
        return found

    def names(self, folder: str = "", limit: int = 100_000) -> list[str]:
        """Relative paths of everything in one folder, in order; none where it is absent.  Raises Refused for a link."""
        try:
            fd = self._open_dir(folder)
        except FileNotFoundError:
            return []
        try:
            found = sorted(os.listdir(fd))
        finally:
            os.close(fd)
        if len(found) > limit:
            raise Refused(self.path, f"more than {limit:,} files in it")
        return [f"{folder}/{name}" if folder else name for name in found]

    def walk(self, relpath: str = "", limit: int = 100_000) -> Iterator[str]:
        """Relative paths of everything below `relpath` that is not a directory, in order; links are not followed."""
        found = list(self._walk(relpath, limit))
        if is_observed():
            note("walk", (self.path, self.follow, relpath, limit), listing(found))
        return iter(found)

    def _walk(self, relpath: str, limit: int) -> Iterator[str]:
        count = 0
        pending = [relpath]
        while pending:
            here = pending.pop()
            try:
                fd = self._open_dir(here)
            except FileNotFoundError:
                continue
            try:
                entries = sorted(os.scandir(fd), key=lambda e: e.name)
                subdirectories = []
                for entry in entries:
                    below = f"{here}/{entry.name}" if here else entry.name
                    count += 1
                    if count > limit:
                        raise Refused(self.path, f"more than {limit:,} files below it")
                    if entry.is_dir(follow_symlinks=False):
                        subdirectories.append(below)
                    else:
                        yield below
                pending.extend(reversed(subdirectories))
            finally:
                os.close(fd)

    def _open_dir(self, relpath: str) -> int:
        if not relpath:
            return os.open(".", DIRECTORY, dir_fd=self.fd)
        found = self._parent(relpath)
        if found is None:
            raise FileNotFoundError(relpath)
        parent, name = found
        try:
            return os.open(name, DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            raise
        except OSError as problem:
            raise Refused(f"{self.path}/{relpath}", reason(problem)) from None
        finally:
            os.close(parent)
