"""The container, or the process, that do/run and do/deploy would start here.  Law: nothing is started or written.

Its environment is that of `local_server`, with references in place of secrets; the engine's command line is made of the
project's own code/engine.json.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from mlcc.core.paths import Item, Path
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle import run_state
from mlcc.lifecycle.containers import Container, Variable, with_secrets
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build, installed_engine
from mlcc.lifecycle.targets import local_repository, local_server
from mlcc.registries.engine_rows import Engine
from mlcc.registries.redaction import redact_value
from mlcc.render import context as templates
from mlcc.render import engine_command
from mlcc.render.engine_command import EngineCommand, Place
from mlcc.resolve import secret_variables
from mlcc.resolve.triton import models

MAX_BYTES = 4 << 20


def container(context: Context, port: int) -> dict[str, Any]:
    """What is started, in the shape of `mlcc show --container`.  port: that the server would get."""
    project, inside = context.project, context.engine is not None
    component = local_server.component(context)
    variables = tuple(_variables(context, component, port))
    engine = _engine_row(project)
    every = (project.lock.environment(name) for name in (None, *project.lock.environments))
    words, theirs = templates.entrypoint(engine, any(secret_variables.variables(values) for values in every))
    program = str(project.container["entrypoint"])
    found = Container(
        project.environment_name,
        component if component in project.components else "",
        build.image_name(project) if inside else "",
        str(project.get("framework.base_image", "")),
        words if inside else ("python", program),
        theirs and inside,
        tuple(map(str, project.container["arguments"])),
        variables,
        _engine(project, engine, variables, inside),
    )
    return {"kind": "container" if inside else "process", **found.document}


def _engine_row(project: RenderedProject) -> Engine | None:
    name = project.config.engine or (project.framework.engine if project.framework is not None else "")
    return project.registries.engines.get(name) if name else None


def _engine(
    project: RenderedProject, engine: Engine | None, variables: tuple[Variable, ...], inside: bool
) -> EngineCommand | None:
    """The engine's command line; None where the entry point makes none, or the project has no file of options."""
    if engine is None or engine.style != "serve":
        return None
    with Directory(project.directory) as tree:
        found = tree.read(installed_engine.ENGINE, MAX_BYTES)
    if found is None:
        return None
    instance = project.registries.instance(str(project.get("deployment.instance_type", "")))
    devices = (instance.accelerator_count if instance is not None else None) or 1
    code = os.path.join(os.path.abspath(project.directory), os.path.dirname(installed_engine.ENGINE))
    place = Place(devices) if inside else Place(devices, code, os.path.exists)
    try:
        return engine_command.of_container(project.architecture, found[0].decode(), with_secrets(variables), place)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):  # a checkout may hold anything there
        return EngineCommand(refused=f"serve: {installed_engine.ENGINE} is not as mlcc apply writes it")


def _variables(context: Context, component: str, port: int) -> Iterator[Variable]:
    """The environment beyond the machine's own, in order, with where each value is recorded."""
    project = context.project
    leaves = project.lock.leaves(project.env)
    texts = project.environment(component) | _added(context, port)
    named = {name: f"${variable}" for name, variable in project.secret_variables.items()}
    for name in sorted({*texts, *named}):
        if name in named:
            leaf = leaves.get(("secrets", name, "env"))
            yield Variable(name, named[name], True, leaf.source if leaf is not None else "", "mlcc.lock")
            continue
        paths: list[Path] = [("inference_components", Item(component), "env", name), ("env", name)]
        leaf = next((leaves[path] for path in paths if path in leaves), None)
        source, origin = (leaf.source, "mlcc.lock") if leaf is not None else ("", f"target {project.target.name}")
        yield Variable(name, str(redact_value(name, texts[name])), False, source, origin)


def _added(context: Context, port: int) -> dict[str, str]:
    """What this machine adds: the port and the address, and for a process the place of the model."""
    project, facts, engine = context.project, context.project.container, context.engine
    found = {}
    if engine is None or not engine.publishes(context.environ):
        found = {str(facts["port_variable"]): str(port), str(facts["host_variable"]): local_server.HOST}
    place = _model_folder(project) if engine is None else ""
    return found | ({str(facts["model_dir_variable"]): place} if place else {})


def _model_folder(project: RenderedProject) -> str:
    """Where a process would find its model; empty for a model that lies elsewhere."""
    here, name = os.path.abspath(project.directory), project.variables.get("MODEL_NAME", "")
    if project.backend is not None:
        linked = any(models.artifacts(project.values, project.backends))
        return (
            os.path.join(here, run_state.RUN_DIR, local_repository.PLACE)
            if linked
            else os.path.join(here, models.FOLDER)
        )
    if not name:
        return os.path.join(here, project.architecture.sample)
    path = os.path.join(here, name)
    return (path if os.path.isdir(path) else os.path.dirname(path)) if name.startswith("./") else ""
