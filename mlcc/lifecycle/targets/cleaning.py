"""The argument of do/clean.  Law: a part that a target does not have is refused; only what is named goes.

Which parts a target has is its row's in registries/targets.yaml; what each word takes away the target's module says.
"""

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

    scopes: by word, those of the target and of its like.  Raises UsageError for a word that the target does not have.
    """
    what = str(context.argument("what", ALL))
    row = context.project.target
    parts = [name for name in scopes if not row.parts or name in row.parts]
    if what not in parts:
        target = row.name
        message = f"do/clean {quoted(what)}: no part of a deployment on {target} is called that; nothing was taken away"
        raise UsageError([error("MLCC901", message, hint=f"on {target}: {allowed(parts)}")])
    return scopes[what]
