"""The argument of do/clean.  Law: a part that a target does not have is refused; only what is named goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mlcc.core.errors import UsageError
from mlcc.core.findings import error
from mlcc.core.text import allowed, quoted
from mlcc.lifecycle.context import Context

ALL, ENDPOINT = "all", "endpoint"
Parts = TypeVar("Parts")


def scope(context: Context, scopes: Mapping[str, Parts]) -> Parts:
    """What the argument of do/clean takes away.

    scopes: of the target, by word.  Raises UsageError for a word that the target does not have.
    """
    what = str(context.argument("what", ALL))
    if what not in scopes:
        target = context.project.target.name
        message = f"do/clean {quoted(what)}: no part of a deployment on {target} is called that; nothing was taken away"
        raise UsageError([error("MLCC901", message, hint=f"on {target}: {allowed(scopes)}")])
    return scopes[what]
