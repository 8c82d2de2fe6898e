"""Targets by name.  Law: the table below is the only place that knows which module serves which target."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import PreconditionError, UsageError
from mlcc.core.findings import error
from mlcc.io import plugins
from mlcc.lifecycle import plugin_steps
from mlcc.lifecycle.context import Context, Result
from mlcc.registries.rows import Target

SAGEMAKER = "mlcc.lifecycle.targets.sagemaker.verbs"
BUILT_IN = {
    "async-inference": SAGEMAKER,
    "batch-transform": SAGEMAKER,
    "hyperpod-eks": "mlcc.lifecycle.targets.hyperpod.verbs",
    "local": "mlcc.lifecycle.targets.local",
    "realtime-inference": SAGEMAKER,
}


def need(target: Target, step: str, known: Mapping[str, Target]) -> None:
    """Raises PreconditionError for a step that a target cannot have.  known: all targets."""
    if step in target.lacks:
        others = [row.name for row in known.values() if step not in row.lacks]
        hint = " or ".join(f"do/{step} --target {name}" for name in others) or "mlcc do --help lists what is"
        raise PreconditionError([error("MLCC311", f"the target {target.name} cannot have do/{step}", hint=hint)])


def refuse(context: Context, step: str) -> None:
    """Raises UsageError for an option of a step that the target does not have: it would have no effect."""
    target = context.project.target
    for option in target.refuses.get(step, "").split():
        if context.argument(option):
            message = f"do/{step} --{option} is not there on the target {target.name}"
            raise UsageError([error("MLCC311", message, hint=f"do/{step} without it")])


def verb(target: str, step: str, environ: Mapping[str, str]) -> Callable[[Context], Result]:
    """One of the verbs of `TargetActions` of a target, built in or a plugin's.

    Raises PreconditionError for a target that cannot be deployed to yet, UserError for a plugin that does not work.
    """
    built_in: Callable[[Context], Result] | None = None
    if target in BUILT_IN:
        built_in = getattr(importlib.import_module(BUILT_IN[target]), step, None)
    if built_in is not None:
        return built_in
    plugin = None
    if target not in BUILT_IN:
        plugin = plugins.find(plugins.TARGETS, target, environ, {plugins.TARGETS: BUILT_IN})
    if plugin is None:
        others = [name for name in BUILT_IN if hasattr(importlib.import_module(BUILT_IN[name]), step)]
        message = f"do/{step} is not there on the target {target}"
        hint = " or ".join(f"do/{step} --target {name}" for name in others) or "mlcc do --help lists what is"
        raise PreconditionError([error("MLCC311", message, hint=hint)])
    with plugin.guarded():
        own: Any = getattr(plugin.load(), step)
    return plugin_steps.checked(plugin, own)
