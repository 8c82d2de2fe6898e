"""The output of a read command, printed again while all that it read is unchanged.  Law: never changes an answer.

validate, plan, diff, explain and show are functions of the command line, some variables and the files that they read
(the pure middle).  So a run is recorded as what it asked of the file system, with each answer, and what it printed; the
next run of the same words asks the same questions first, and where every answer is the same, prints the same.  Records
are content-addressed, carry their own digest, lie in mlcc's private folder, and may be deleted or broken at any time.

Imports the standard library, `mlcc.io.cache` and `mlcc.io.disk.reader` only: that is what makes it fast.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from mlcc.io.cache import Folder
from mlcc.io.disk import callers, observer, reader

COMMANDS = ("validate", "plan", "diff", "explain", "show")
# What writes, asks Git, the network or a container engine, or walks a whole repository, is not recorded.
LEFT_OUT = ("--changed-since", "--dirty", "--all", "--online", "--validate-with-docker", "--fix", "--write-baseline")
PREFIXES = ("ML_", "MLCC")
VARIABLES = ("REGISTRY_PATH", "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "TMPDIR", "HOME")
FOLDER = "runs"
NO_CACHE = "MLCC_NO_CACHE"
FORM = 1
DAY = "%Y-%m-%d"
# mlcc's own code and data
OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Event = tuple[str, tuple[Any, ...], Any]


def key(argv: Sequence[str], environ: Mapping[str, str], terminal: Sequence[int]) -> str:
    """The name of a run, other for every other run, or an empty text when a run cannot be replayed.

    In it: the words, the variables that mlcc reads, the working directory, which streams are terminals and how wide,
    the day, which waivers of policies end on, and the state of mlcc's own files and of the folders that Python imports
    from.
    """
    if not argv or argv[0] not in COMMANDS or any(a.startswith(LEFT_OUT) for a in argv) or environ.get(NO_CACHE):
        return ""
    names = sorted(n for n in environ if n.startswith(PREFIXES) or n in VARIABLES)
    try:
        here = os.getcwd()
        day = time.strftime(DAY, time.gmtime())
        known = [[n, environ[n]] for n in names]
        parts = [FORM, list(argv), known, here, list(terminal), day, sys.version, _installed()]
    except OSError:
        return ""
    return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _installed() -> str:
    """The state of mlcc's own code and data, and of the folders that distributions are installed in."""
    total = hashlib.sha256()
    pending = [OWN]
    while pending:
        here = pending.pop()
        for entry in sorted(os.scandir(here), key=lambda e: e.name):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    pending.append(entry.path)
            else:
                status = entry.stat()
                total.update(
                    f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
                )
    for path in sys.path:
        try:
            changed = os.stat(path or ".").st_mtime_ns
        except OSError:
            changed = 0
        total.update(f"{path}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


# ---------------------------------------------------------------- recording
class Recording:
    """A run in the making: what was asked of the file system, and what was printed."""

    def __init__(self, name: str) -> None:
        """name: the run's key."""
        self.name = name
        self.events: dict[tuple[str, tuple[Any, ...]], Any] = {}
        self.printed: list[tuple[bool, str]] = []
        self.whole = bool(name)

    def saw(self, kind: str, arguments: tuple[Any, ...], answer: Any) -> None:
        """Notes one question and its answer; two answers to one question make the run worthless as a record."""
        if arguments and str(arguments[0]).startswith(OWN):
            return  # mlcc's own files are a part of the key
        question = (kind, arguments)
        if kind == observer.REFUSED or self.events.setdefault(question, answer) != answer:
            self.whole = False

    def printed_line(self, text: str, err: bool) -> None:
        """Notes one line."""
        self.printed.append((err, text))

    def spoil(self) -> None:
        """The run must not be replayed."""
        self.whole = False

    def store(self, home: str, code: int) -> None:
        """Keeps the record; where that is not possible, nothing is kept, without a message."""
        if not self.whole:
            return
        events = [[kind, list(arguments), answer] for (kind, arguments), answer in self.events.items()]
        payload = json.dumps({"events": events, "printed": self.printed, "code": code}).encode(
            "utf-8", "surrogateescape"
        )
        Folder(home, FOLDER).write(self.name, payload)


# ---------------------------------------------------------------- replaying
def attempt(name: str, home: str) -> dict[str, Any] | None:
    """The record of a run, `printed` and `code`; None when there is none that still holds."""
    record = _record(name, home) if name else None
    return record if record is not None and _holds(record["events"]) else None


def _record(name: str, home: str) -> dict[str, Any] | None:
    """A record whose digest is right."""
    payload = Folder(home, FOLDER).read(name)
    try:
        record: dict[str, Any] | None = None if payload is None else json.loads(payload)
    except ValueError:
        return None
    return record


def _holds(events: Sequence[Sequence[Any]]) -> bool:
    """True when every question has the answer that it had."""
    with ExitStack() as stack:
        opened: dict[tuple[str, bool], reader.Directory] = {}

        def directory(path: str, follow: bool) -> reader.Directory:
            if (path, follow) not in opened:
                opened[path, follow] = stack.enter_context(reader.Directory(path, follow=follow))
            return opened[path, follow]

        ask: dict[str, Callable[..., Any]] = {
            "named": lambda path, cap: observer.digest(reader.read_named(path, cap)),
            "present": reader.present,
            "own_file": callers.own_file,
            "is_directory": reader.is_directory,
            "directory": lambda path, follow: bool(directory(path, follow)),
            "parent": lambda path, follow, below: directory(path, follow).has_parent(below),
            "read": lambda path, follow, *rest: observer.answer(directory(path, follow).read(*rest)),
            "exists": lambda path, follow, below: directory(path, follow).exists(below),
            "walk": lambda path, follow, *rest: observer.listing(directory(path, follow).walk(*rest)),
        }
        try:
            return all(ask[kind](*arguments) == answer for kind, arguments, answer in events)
        except (reader.Refused, OSError, KeyError, TypeError, ValueError):
            return False
