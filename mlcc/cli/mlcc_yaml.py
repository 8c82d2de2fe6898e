"""Changing mlcc.yaml: checked before it is written, and written only over what was read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping

from mlcc import pipeline
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import current
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.text import printable
from mlcc.io.disk.lock import locked
from mlcc.io.disk.reader import Directory, read_named
from mlcc.io.disk.writer import check_unchanged, replace_file
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load.request import Request
from mlcc.resolve.project import Project


def change(name: str, edit: Callable[[bytes], bytes]) -> tuple[bytes, int]:
    """Changes mlcc.yaml by a function of its bytes, while no other mlcc writes it.

    What another program (an editor) writes meanwhile is refused, not replaced.  Returns the bytes as they were, and how
    many errors stay.  Raises UserError where the change would bring a new one.
    """
    with Directory(os.path.dirname(name) or ".") as folder, locked(folder, current().sleep):
        before = read_named(name, CONFIG_LIMITS.max_bytes)
        after = edit(before)
        left = checked(before, after, name)
        if after != before:
            replace_file(folder, os.path.basename(name), after, before)
    return before, left


def write(folder: str, files: Mapping[str, tuple[bytes, bytes | None]], mode: int | None = None) -> None:
    """Writes files of one folder: by name, what they shall hold and what they held when that was made (None: nothing).

    Raises UserError, and writes none of them, when one has been changed meanwhile.
    """
    with Directory(folder or ".") as directory, locked(directory, current().sleep):
        for name, (_, before) in files.items():
            check_unchanged(directory, name, before)
        for name, (after, before) in files.items():
            replace_file(directory, name, after, before, mode)


def checked(before: bytes, after: bytes, name: str) -> int:
    """Refuses a change that brings an error of a kind that was not there before; the number of those that stay."""
    request = Request(environ=current().environ, plugged=plugged(current()))
    old, new = (
        _errors(pipeline.check(pipeline.resolve(pipeline.load(name, request, data)))) for data in (before, after)
    )
    more = Counter(f.code for f in new) - Counter(f.code for f in old)
    fresh = [f for f in new if f.code in more and f not in old]
    if more:
        raise UserError([*fresh, error("MLCC216", f"{printable(name, 200)} was left as it is")])
    return len(new)


def _errors(project: Project) -> list[Finding]:
    return [f for f in project.findings if f.severity is Severity.ERROR]
