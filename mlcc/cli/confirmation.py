"""A question before something that others use is destroyed.  Law: asked on a terminal only; else --yes is needed."""

from __future__ import annotations

import sys

import click

from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error


def confirm(yes: bool, question: str) -> None:
    """Asks, unless `yes`.  Raises UsageError without a terminal, UserError where the answer is no."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError([error("MLCC349", "this asks first, and there is no terminal", hint="give --yes")])
    if not click.confirm(question, err=True):
        raise UserError([error("MLCC349", "nothing was deleted")])
