"""Whether mlcc.yaml says what was rendered from it.  Law: it is read as apply reads it, and nothing is rendered."""

from __future__ import annotations

import os

from mlcc import pipeline
from mlcc.core.errors import UserError
from mlcc.core.findings import has_errors
from mlcc.core.paths import format_path
from mlcc.core.text import printable
from mlcc.io.disk.reader import present
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.load.locate import FILE_NAMES
from mlcc.load.request import Request
from mlcc.resolve.project import resolve_project

AS_APPLIED = "as applied"
# How many keys are named.
MAX_SHOWN = 3


def state_of_source(project: RenderedProject) -> tuple[str, str]:
    """The name of the project's mlcc.yaml, empty where none lies beside the tree, and its state in words."""
    name = next((name for name in FILE_NAMES if present(os.path.join(project.directory, name))), "")
    if not name:
        return "", AS_APPLIED
    try:
        inputs = pipeline.load(os.path.join(project.directory, name), Request(directory=project.directory))
        resolved = resolve_project(inputs, project.registries, None)
    except UserError:
        return name, "has errors (mlcc validate)"
    if has_errors(resolved.findings):
        return name, "has errors (mlcc validate)"
    named = {one.env for one in resolved.every if one.env}
    changed = {f"environments.{env}": None for env in sorted({*project.lock.environments} ^ named)}
    for one in resolved.every:
        held = project.lock.environment(one.env)
        now = {path: value.value for path, value in one.values.items()}
        changed |= {format_path(path): None for path in sorted({*held, *now}) if held.get(path) != now.get(path)}
    if not changed:
        return name, AS_APPLIED
    shown = ", ".join(printable(path, 80) for path in [*changed][:MAX_SHOWN])
    more = f" and {len(changed) - MAX_SHOWN} more" if len(changed) > MAX_SHOWN else ""
    return name, f"not applied: {shown}{more} (mlcc apply)"
