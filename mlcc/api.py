"""mlcc for programs and notebooks: the functions of the command line, with their types.  Law: no logic of its own.

>>> from mlcc import api
>>> project = api.read("mlcc.yaml")        # load, resolve and check in one
>>> project.ok, [str(f.place) for f in project.findings]
>>> project.resolved.get("deployment.instance_type")
>>> prepared = api.plan(project, "out")    # what apply would do
>>> prepared, wrote = api.apply(project, "out")     # all of it, or nothing
>>> prepared.blocked                       # True: refused, for the conflicts in prepared.plan.findings

- A path may be text or an object (`pathlib.Path`).  Without a folder, plan and apply are about the one of mlcc.yaml.
- `ML_` variables count only where they are given: `Request(environ=environ)`, with `environ` of `os`.
- What forbids going on is an `MlccError` with findings, trouble of the machine (a full disk) too.  A conflict is none:
  apply answers (prepared, False), and `prepared.blocked` is True for a refusal, False where there was nothing to do.

Names without a leading underscore of this module, and the public attributes of the records that they return, change
only with the major version.  `mlcc.registries.load()` gives the registries by themselves.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlcc.apply.prepare import Prepared
from mlcc.core.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.core.findings import Finding, Severity
from mlcc.core.tree import Rendered, Tree
from mlcc.core.values import Source, Value
from mlcc.load.inputs import Inputs
from mlcc.load.request import Request
from mlcc.pipeline import apply, check, load, plan, read, render, resolve
from mlcc.plan.changes import Change, Options, Plan
from mlcc.registries import Registries
from mlcc.resolve.project import Project
from mlcc.resolve.result import Resolved

if TYPE_CHECKING:
    from mlcc.checks import Check, Subject
    from mlcc.lifecycle import Step, run_state
    from mlcc.lifecycle.context import Context, Result, call, calls
    from mlcc.lifecycle.targets.base import TargetActions
    from mlcc.lookups.pickers import Picker, Question

# What plugins are written with; imported when it is first used, for a program that renders has no need of it.
FOR_PLUGINS = {
    **dict.fromkeys(("Check", "Subject"), "mlcc.checks"),
    **dict.fromkeys(("Step", "run_state"), "mlcc.lifecycle"),
    **dict.fromkeys(("Context", "Result", "call", "calls"), "mlcc.lifecycle.context"),
    "TargetActions": "mlcc.lifecycle.targets.base",
    **dict.fromkeys(("Picker", "Question"), "mlcc.lookups.pickers"),
}

__all__ = [
    "load", "resolve", "check", "read", "render", "plan", "apply",
    "Request", "Options", "Inputs", "Project", "Resolved", "Value", "Source", "Tree", "Rendered", "Prepared", "Plan",
    "Change", "Registries", "Finding", "Severity", "MlccError", "UserError", "UsageError", "PreconditionError",
    "Check", "Subject", "Step", "run_state", "Context", "Result", "call", "calls", "TargetActions", "Picker",
    "Question",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """A name of FOR_PLUGINS."""
    if name not in FOR_PLUGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(FOR_PLUGINS[name])
    return getattr(module, name, None) or import_module(f"{FOR_PLUGINS[name]}.{name}")
