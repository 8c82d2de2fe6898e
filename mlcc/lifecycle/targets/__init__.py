"""Targets by name.  Law: the table below is the only place that knows which module serves which target."""

from __future__ import annotations

import importlib
from typing import cast

from mlcc.diagnostics import error
from mlcc.errors import PreconditionError
from mlcc.lifecycle.targets.base import TargetActions

BUILT_IN = {"local": "mlcc.lifecycle.targets.local"}


def actions(name: str, step: str) -> TargetActions:
    """The verbs of a target.  Raises PreconditionError for a target that cannot be deployed to yet."""
    if name not in BUILT_IN:
        message = f"{step} on {name} is not there in this version of mlcc"
        hint = f"do/{step} --target local works on this machine"
        raise PreconditionError([error("MLCC311", message, hint=hint)])
    return cast("TargetActions", importlib.import_module(BUILT_IN[name]))
