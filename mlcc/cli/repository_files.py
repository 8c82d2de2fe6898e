"""Files of a repository that mlcc writes beside its projects: for continuous integration, for editors.

Law: below the root alone, through no link, and only over what was read before.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from mlcc.cli.output import document, print_document
from mlcc.cli.session import Session
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import MAX_FILE_BYTES
from mlcc.io.disk.lock import locked
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import make_directories, replace_file
from mlcc.plan.changes import CREATE, UNCHANGED, UPDATE


class Wanted(NamedTuple):
    """A file as it shall be, and as it was when that was made (None: it was not there)."""

    path: str
    data: bytes
    before: bytes | None

    @property
    def action(self) -> str:
        """What writing it does."""
        return CREATE if self.before is None else UNCHANGED if self.before == self.data else UPDATE


def held(root: str, path: str) -> bytes | None:
    """What a file of the repository holds, None where there is none.  Raises Refused for a link and the like."""
    with Directory(root) as top:
        found = top.read(path, MAX_FILE_BYTES)
    return found[0] if found is not None else None


def write(session: Session, root: str, wanted: Sequence[Wanted]) -> None:
    """Writes those that differ, one after the other; each is whole or as it was."""
    with Directory(root) as top, locked(top, session.sleep):
        for file in wanted:
            folder, _, name = file.path.rpartition("/")
            if file.action == UNCHANGED:
                continue
            if not folder:
                replace_file(top, name, file.data, file.before)
                continue
            os.close(make_directories(top, folder))
            with top.below(folder) as inside:
                replace_file(inside, name, file.data, file.before)


def show(session: Session, wanted: Sequence[Wanted]) -> None:
    """The files as they would be written; nothing is."""
    if session.format in ("json", "yaml"):
        rows = [{"path": file.path, "action": file.action, "content": _text(file)} for file in wanted]
        print_document(session, document(files=rows))
        return
    for file in wanted:
        if len(wanted) > 1:
            session.say(f"{printable(file.path, 200)}:")
        session.out(_text(file).rstrip("\n"))


def _text(file: Wanted) -> str:
    return file.data.decode("utf-8", "replace")


def report(session: Session, wanted: Sequence[Wanted]) -> None:
    """What was written."""
    rows: list[dict[str, Any]] = [{"path": file.path, "action": file.action} for file in wanted]
    if session.format in ("json", "yaml"):
        print_document(session, document(changes=rows))
        return
    for row in rows if session.verbosity >= 0 else ():
        session.out(f"  {row['action']:<9} {printable(row['path'], 200)}")
