"""build: an image where an engine answers, else a virtual environment; the sample model first when it is absent.

Law: the only step that trains, and only the sample, and only when its artifact is not there.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.paths import names
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.container_engines import Engine
from mlcc.io.disk.reader import Directory
from mlcc.io.environment import of_packages
from mlcc.lifecycle import (
    build_context,
    image_tag,
    own_paths,
    run_state,
    served_code,
    server_programs,
    trained_sample,
    writable,
)
from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build_python, build_secrets, installed_engine
from mlcc.registries.redaction_lines import redact_lines
from mlcc.resolve.triton import models

REQUIREMENTS = "code/requirements.txt"
TRAIN = "sample_model/train.py"
IMAGE, VENV, INSTALLED = "image", "venv", "installed"
TAIL = 25
# Of the record of a build: the state of the files that went into it.
STATE = "state"


class Built(NamedTuple):
    """What a build made: `image` with a reference, or `venv` with the path of its Python."""

    kind: str
    reference: str


@explained
def run(context: Context) -> Result:
    """Builds what deploy and run start."""
    project = context.project
    engine = context.engine
    if context.argument("dry_run"):
        return calls(_calls(project, engine, context.environ), engine=engine.name if engine else "none")
    _need_entrypoint(project)
    need_model(project)
    if engine is None and not project.target.instances:
        server_programs.need(context)  # what would be built could not be started here
    writable.need(project.directory, *_sample_to_write(project))
    trained_sample.forget(context, artifact(project))
    train_sample(context)
    if engine is not None:
        built = _image(context, engine)
    elif installed_engine.wanted(project):
        built = Built(INSTALLED, installed_engine.python(project, context.environ))
    else:
        built = _venv(context)
    record = {"kind": built.kind, "reference": built.reference, STATE: state_of(project)}
    run_state.write(project.directory, run_state.BUILD, record)
    words = {
        IMAGE: f"image {built.reference}",
        VENV: "a virtual environment (no container engine answers)",
        INSTALLED: f"nothing to build; the engine is installed in {printable(built.reference, 200)}",
    }
    lines = [f"built {project.name}: {words[built.kind]}"]
    return Result({"built": {"kind": built.kind, "reference": built.reference}}, lines)


def _need_entrypoint(project: RenderedProject) -> None:
    """Raises PreconditionError where the file is missing that the server starts with: what is built could not start."""
    path = str(project.container["entrypoint"])
    if path in project.lock.files and not present(project, path):
        message = "is missing: the server starts with it"
        raise PreconditionError([error("MLCC303", message, file=path, hint=f"mlcc apply --restore {path}")])


def need_model(project: RenderedProject) -> None:
    """Raises PreconditionError where a model that the configuration names is not there."""
    served = project.variables.get("MODEL_NAME", "")
    named = {"model.name": served if served.startswith("./") else ""}
    keys = [f"triton.models[{name}].file" for name in names(project.values, models.MODELS)]
    named |= {key: str(project.get(key, "")) for key in keys}
    for key, name in named.items():
        if name and not own_paths.stands(project.directory, name):
            message = f"{printable(name, 200)} is not in the project, and {key} names it as the model"
            hint = f"put it there (git lfs pull, where it lies in Git LFS), or mlcc set {key} OTHER and mlcc apply"
            raise PreconditionError([error("MLCC305", message, hint=hint)])


def _calls(project: RenderedProject, engine: Engine | None, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    if _needs_sample(project):
        found.append(call("engine", "train", script=TRAIN, output=os.path.dirname(artifact(project))))
    if engine is not None:
        image = image_name(project)
        place, names = (project.directory, project.local_name), build_secrets.names(project)
        arguments = engine.build_arguments(image, platform(project), *place, environ, names)
        found.append(call("engine", "build", arguments=arguments[1:]))
    elif installed_engine.wanted(project):
        found.append(call("engine", "find", python=programs.find("python3", environ) or ""))
    else:
        found.append(call("engine", "install", python=build_python.wanted(project, environ), requirements=REQUIREMENTS))
    return found


def image_name(project: RenderedProject) -> str:
    """The local image of a project."""
    return f"mlcc/{project.name}:{project.checkout}"


def platform(project: RenderedProject) -> str:
    """The platform of the instances that will run the image; a laptop of another kind must not decide it."""
    return project.variables.get("BUILD_PLATFORM", "linux/amd64")


def state_of(project: RenderedProject) -> str:
    """What an image is made of: the rendered files, and the code as it lies there, edited or not."""
    return f"{image_tag.tag_of(project)} {served_code.digest(project)}"


def existing(context: Context) -> Built:
    """What the last build made.  Raises PreconditionError when there is none, or it is gone."""
    project = context.project
    found = run_state.read(project.directory, run_state.BUILD)
    built = Built(str(found.get("kind", "")), str(found.get("reference", "")))
    why = "has not been built here"
    if built.kind == IMAGE:
        image = image_name(project)
        why = f"was built, and its image {image} is gone"
        if STATE in found and found[STATE] != state_of(project):
            why = f"has changed since its image {image} was built"
        elif context.need_engine().ask("image", "inspect", image, environ=context.environ).code == 0:
            return Built(IMAGE, image)
    name = venv_name(project)
    python = os.path.join(run_state.path(project.directory, ""), name, "bin", "python")
    if built.kind == INSTALLED:
        return Built(VENV, installed_engine.python(project, context.environ))
    if built.kind == VENV:
        if run_state.has(project.directory, f"{name}/bin/python") and os.path.exists(python):
            return Built(VENV, python)
        why = f"was built, and {REQUIREMENTS} has changed since, or a link stands in the environment's place"
    raise PreconditionError([error("MLCC305", f"{project.name} {why}", hint="do/build")])


# ---------------------------------------------------------------- programs with a story
def _follow(
    context: Context, argv: Sequence[str], doing: str, environ: Mapping[str, str], secrets: Sequence[str] = ()
) -> None:
    """Runs a program; its output is detail, and the last lines of it come with a failure.

    secrets: values that it knows beside those of the context.
    """
    context.progress.say(doing)
    tail: list[str] = []
    last = ""
    printed = programs.lines(argv, environ=environ, cwd=context.project.directory)
    for line in redact_lines(printed, (*context.secrets, *secrets)):
        if last:
            context.progress.detail(last)
            tail = [*tail, last][-TAIL:]
        last = line
    if last != "exit 0":
        shown = "\n".join(f"    {line}" for line in tail)
        context.progress.warn(shown)
        raise UserError([error("MLCC306", f"{doing} failed ({last})", hint="what it printed stands above")])


# ---------------------------------------------------------------- images
def _image(context: Context, engine: Engine) -> Built:
    project = context.project
    image = image_name(project)
    given = build_secrets.values(context)
    with Directory(project.directory) as tree:
        left_out = build_context.warning(build_context.ignored_secrets(tree))
    if left_out:
        context.progress.say(left_out)
    arguments = engine.build_arguments(
        image, platform(project), ".", project.local_name, context.environ, sorted(given)
    )
    # only BuildKit mounts secrets; older engines use it where they are asked to
    environ = {**context.environ, **given, **({"DOCKER_BUILDKIT": "1"} if given else {})}
    _follow(context, arguments, f"building {image} with {engine.name}", environ, tuple(given.values()))
    return Built(IMAGE, image)


# ---------------------------------------------------------------- virtual environments
def venv_name(project: RenderedProject) -> str:
    """The environment's folder: its name changes with what is installed in it."""
    with Directory(project.directory) as tree:
        found = tree.read(REQUIREMENTS, 1 << 20)
    data = found[0] if found is not None else b""
    return f"venv-{hashlib.sha256(data + sys.version.encode()).hexdigest()[:12]}"


def _pip_environment(environ: Mapping[str, str]) -> dict[str, str]:
    fixed = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONNOUSERSITE": "1"}
    return {**of_packages(environ), **fixed}


def _venv(context: Context) -> Built:
    project = context.project
    name = venv_name(project)
    folder = run_state.path(project.directory, name)
    python = os.path.join(folder, "bin", "python")
    ready = f"{name}/.complete"
    # the program itself may be a link, as Python makes it; a folder on the way to it may not
    if not (run_state.has(project.directory, ready) and run_state.has(project.directory, f"{name}/bin/python")):
        base = build_python.need(project, context.environ, _needs_sample(project))
        folder = run_state.new_folder(project.directory, name)
        environ = _pip_environment(context.environ)
        _follow(context, [base, "-I", "-m", "venv", folder], "making a virtual environment", environ)
        if present(project, REQUIREMENTS):
            # -I: a file of the project called logging.py must not stand in for Python's own
            argv = [python, "-I", "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]
            _follow(context, argv, f"installing {REQUIREMENTS}", environ)
        run_state.write(project.directory, ready, {})
    return Built(VENV, python)


# ---------------------------------------------------------------- the sample model
def artifact(project: RenderedProject) -> str:
    """The sample artifact's path below the project, or an empty text when the project serves no sample."""
    if project.backend is not None:
        sampled = models.served_sample(project.values, project.backend)
        return models.sample_file(sampled, project.backend, project.values) if sampled is not None else ""
    form = project.variables.get("MODEL_FORMAT", "")
    name = project.framework.formats.get(form, "") if project.framework is not None else ""
    seeded = project.get("seed_files.sample_model", True)
    if "MODEL_NAME" in project.variables or not project.architecture.sample or not name or not seeded:
        return ""
    return f"{project.architecture.sample}/{name}"


def present(project: RenderedProject, path: str) -> bool:
    """True when something of the project stands at a path."""
    with Directory(project.directory) as tree:
        return tree.exists(path)


def sample_requirements(project: RenderedProject) -> tuple[str, ...]:
    """What training needs besides what the server needs."""
    sampled = models.served_sample(project.values, project.backend)
    if sampled is not None:
        return sampled.requirements
    return project.version.sample_requirements if project.version is not None else ()


def _needs_sample(project: RenderedProject) -> bool:
    path = artifact(project)
    return bool(path) and not own_paths.stands(project.directory, path)


def _sample_to_write(project: RenderedProject) -> tuple[tuple[str, ...], str]:
    """The file that training would write, and why."""
    return ((artifact(project),) if _needs_sample(project) else ()), "the sample model is trained, and written there"


def train_sample(context: Context) -> None:
    """Trains the sample model when its artifact is absent.  Raises PreconditionError when its script is gone."""
    project = context.project
    if not _needs_sample(project):
        return
    if not own_paths.stands(project.directory, TRAIN):
        message = f"{artifact(project)} is absent, and so is {TRAIN}, which trains it"
        hint = "mlcc apply --restore sample_model/train.py, or set model.name"
        raise PreconditionError([error("MLCC305", message, hint=hint)])
    python = _venv(context).reference
    extra = sample_requirements(project)
    if extra:
        argv = [python, "-I", "-m", "pip", "install", "--quiet", *extra]
        _follow(context, argv, "installing what training needs", _pip_environment(context.environ))
    argv = [python, TRAIN, "--output", os.path.dirname(artifact(project))]
    _follow(context, argv, f"training the sample model ({printable(artifact(project))})", context.machine)
    if _needs_sample(project):
        raise UserError([error("MLCC306", f"{TRAIN} ended without writing {artifact(project)}")])
    trained_sample.remember(project, artifact(project))
