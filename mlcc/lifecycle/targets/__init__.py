"""Targets by name.  Law: the table below is the only place that knows which module serves which target."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

from mlcc import plugins
from mlcc.diagnostics import error
from mlcc.errors import PreconditionError
from mlcc.lifecycle.targets.base import TargetActions

BUILT_IN = {"local": "mlcc.lifecycle.targets.local"}


def actions(name: str, step: str, environ: Mapping[str, str]) -> TargetActions:
    """The verbs of a target, built in or a plugin's.

    Raises PreconditionError for a target that cannot be deployed to yet.
    """
    if name not in BUILT_IN:
        plugin = plugins.find(plugins.TARGETS, name, environ, BUILT_IN)
        if plugin is not None:
            return cast("TargetActions", plugin.load())
        message = f"{step} on {name} is not there in this version of mlcc"
        hint = f"do/{step} --target local works on this machine"
        raise PreconditionError([error("MLCC311", message, hint=hint)])
    return cast("TargetActions", importlib.import_module(BUILT_IN[name]))
