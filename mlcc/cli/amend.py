"""Changing mlcc.yaml from the command line: `set` and `upgrade`.  Law: what would bring a new error is not written."""

from __future__ import annotations

import os

from mlcc import pipeline, writing
from mlcc.cli.plugged import plugged
from mlcc.cli.session import current
from mlcc.diagnostics import Severity, error, printable
from mlcc.errors import UserError
from mlcc.files import Directory
from mlcc.settings import Request


def checked(before: bytes, after: bytes, name: str) -> None:
    """Refuses a change that brings an error which was not there before."""
    request = Request(environ=current().environ, plugged=plugged(current()))
    old, new = (pipeline.check(pipeline.resolve(pipeline.load(name, request, data))) for data in (before, after))
    known = {(f.code, f.path, f.message) for f in old.findings}
    fresh = [f for f in new.findings if f.severity is Severity.ERROR and (f.code, f.path, f.message) not in known]
    if fresh:
        raise UserError([*fresh, error("MLCC216", f"{printable(name, 200)} was left as it is")])


def write(name: str, data: bytes) -> None:
    """Writes mlcc.yaml, or a file beside it, in one step."""
    with Directory(os.path.dirname(name) or ".") as directory:
        writing.replace_file(directory, os.path.basename(name), data)
