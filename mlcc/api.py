"""mlcc for programs and notebooks: the functions of the command line, with their types.  Law: no logic of its own.

>>> from mlcc import api
>>> project = api.read("mlcc.yaml")        # load, resolve and check in one
>>> project.ok, [str(f.place) for f in project.findings]
>>> project.resolved.get("deployment.instance_type")
>>> prepared = api.plan(project, "out")    # what apply would do
>>> api.apply(project, "out")              # all of it, or nothing

Names without a leading underscore of this module, and the public attributes of the records that they return, change
only with the major version.  `mlcc.registries.load()` gives the registries by themselves.
"""

from __future__ import annotations

from mlcc.diagnostics import Finding, Severity
from mlcc.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.pipeline import Prepared, Project, apply, check, load, plan, read, render, resolve
from mlcc.plan import Change, Options, Plan
from mlcc.registries import Registries
from mlcc.resolve import Resolved
from mlcc.settings import Request
from mlcc.tree import Rendered, Tree
from mlcc.values import Source, Value
from mlcc.workspace import Inputs

__all__ = [
    "load", "resolve", "check", "read", "render", "plan", "apply",
    "Request", "Options", "Inputs", "Project", "Resolved", "Value", "Source", "Tree", "Rendered", "Prepared", "Plan",
    "Change", "Registries", "Finding", "Severity", "MlccError", "UserError", "UsageError", "PreconditionError",
]  # fmt: skip
