"""An embedded database in one private file.  Law: the only importer of sqlite3; a commit that returned is on the disk.

Many processes write at a time: readers never wait for writers (WAL), and writers wait for one another.  A process that
is killed leaves a whole database; what it had not committed was never there.  Where whoever reads may not write the
folder, nothing is made beside the file: it is read as it is, while no writer works.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.disk import lock
from mlcc.io.disk.private import private_folder
from mlcc.io.disk.reader import DIRECTORY
from mlcc.io.disk.writer import CLOSED, not_writable

# A writer takes milliseconds; where hundreds wait on a busy machine, chance decides who is next.
WAIT_S = 600.0
# Whose rights count: those by which files are opened.
EFFECTIVE = os.access in os.supports_effective_ids
READ, WRITE = os.R_OK | os.X_OK, os.W_OK | os.X_OK
NEEDS = "mlcc's own records stand there"
UNREAD = "the last writer has left parts beside its file (-wal), which nobody can read without writing"
OTHER_HOME = "set MLCC_HOME to a folder of yours"
CREATE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Duplicate(Exception):
    """A row with this key is there already."""


class Database:
    """A database file below a private folder."""

    def __init__(
        self, folder: str, name: str, version: int, schema: Sequence[str], sleep: Callable[[float], None]
    ) -> None:
        """folder: made where absent, for its owner alone; version, schema: of the tables, and what makes new ones."""
        self._version = version
        self._folder, self._path, self._schema, self._sleep = folder, os.path.join(folder, name), schema, sleep

    @property
    def exists(self) -> bool:
        """Whether anything was ever written.  Raises OSError where nobody may look."""
        try:
            os.lstat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def write(self, *statements: tuple[str, Sequence[Sequence[Any]]]) -> None:
        """Carries out each statement for each of its rows, all or none.

        Raises Duplicate for a key that is there, UserError where the file cannot be written.
        """
        with self._trouble(), self._locked(), self._connected(self._path) as connection:
            if not self._there(connection):
                self._make(connection)
            try:
                connection.execute("BEGIN IMMEDIATE")
                for statement, values in statements:
                    connection.executemany(statement, values)
                connection.execute("COMMIT")
            except sqlite3.IntegrityError as problem:
                connection.execute("ROLLBACK")
                raise Duplicate(str(problem)) from None

    def read(self, query: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one; none where nothing was ever written."""
        with self._trouble():
            if not self.exists:
                return
            if not os.access(self._folder, WRITE, effective_ids=EFFECTIVE):
                yield from self._as_it_is(query, values)
                return
            with self._connected(self._path) as connection:
                # a writer that was killed early leaves an empty file, which the next writer fills
                if self._there(connection):
                    yield from connection.execute(query, tuple(values))

    def _as_it_is(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The same in a folder that is closed.  All rows are read at once, for meanwhile no writer may work.

        Raises PreconditionError where a writer's parts are there, which the database must be made whole with.
        """
        path = self._path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        with self._alone():
            if os.path.lexists(f"{self._path}-wal"):
                raise PreconditionError([not_writable(self._folder, UNREAD, instead=OTHER_HOME)])
            with self._connected(f"file:{path}?mode=ro&immutable=1") as connection:
                return list(connection.execute(query, tuple(values))) if self._there(connection) else []

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, and the file made and its mode set before anybody else opens it."""
        private_folder(self._folder)
        closed = self._closed()
        if closed:  # the database would speak of its file, which may be writable
            raise PreconditionError([not_writable(closed, NEEDS, instead=OTHER_HOME)])
        with self._alone() as fd:
            # born for its owner alone; the database gives its own files (-wal, -shm) the same mode
            new = not self.exists
            os.close(os.open(self._path, CREATE, 0o600))
            if new:
                os.fsync(fd)
            yield

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The folder, while no writer works in it."""
        fd = os.open(self._folder, DIRECTORY)
        try:
            if not lock.acquire_lock(fd, self._sleep, WAIT_S):
                message = f"another mlcc has been writing {printable(self._path, 200)} for {WAIT_S:.0f} s"
                raise UserError([error("MLCC207", message, hint="wait for it, or end it, and run this again")])
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def _connected(self, place: str) -> Iterator[sqlite3.Connection]:
        """place: a path, or an address that begins with file:."""
        uri = place != self._path
        with closing(sqlite3.connect(place, timeout=WAIT_S, isolation_level=None, uri=uri)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection

    def _there(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there.  Raises UserError for those of another version."""
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return False
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != self._version:
            message = f"{printable(self._path, 200)} has format {found}, and this mlcc knows {self._version}"
            raise UserError([error("MLCC209", message, hint="use the mlcc that wrote it, or move the file away")])
        return True

    def _make(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in self._schema:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {self._version}")
        connection.execute("COMMIT")

    def _closed(self) -> str:
        """The folder, or the first of those above it that is there, where it may not be written; else empty."""
        place = os.path.abspath(self._folder)
        while not os.path.isdir(place) and place != os.path.dirname(place):
            place = os.path.dirname(place)
        return "" if os.access(place, WRITE, effective_ids=EFFECTIVE) else place

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """What a database says of its file as a finding."""
        try:
            yield
        except (sqlite3.Error, OSError) as problem:
            closed = self._closed() if getattr(problem, "errno", 0) in CLOSED else ""
            if closed:
                able = "writable" if os.access(closed, READ, effective_ids=EFFECTIVE) else "readable"
                raise PreconditionError([not_writable(closed, NEEDS, able, OTHER_HOME)]) from None
            where = printable(self._path, 200)
            hint = "free the cause; a file that is no database may be moved away"
            raise UserError([error("MLCC209", f"{where}: {printable(str(problem), 200)}", hint=hint)]) from None
