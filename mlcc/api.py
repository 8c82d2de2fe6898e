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
  apply answers (prepared, False), and `prepared.blocked` tells a refusal from having had nothing to do.

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
