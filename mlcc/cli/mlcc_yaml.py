"""Writing mlcc.yaml: checked before, replaced at once."""

from __future__ import annotations

import os
from collections import Counter

from mlcc import pipeline
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import current
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, error, printable
from mlcc.io.disk import writer
from mlcc.io.disk.reader import Directory
from mlcc.load.request import Request
from mlcc.resolve.project import Project


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


def write(name: str, data: bytes) -> None:
    """Puts a document in place, at once."""
    with Directory(os.path.dirname(name) or ".") as directory:
        writer.replace_file(directory, os.path.basename(name), data)
