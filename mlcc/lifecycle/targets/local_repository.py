"""A Triton repository for a process of this machine.  Law: what the image would hold; models are linked, not copied."""

from __future__ import annotations

import os
import shutil

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error, printable
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle import run_state
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.render import triton_files
from mlcc.resolve.triton import models

PLACE = "model_repository"


def assemble(project: RenderedProject) -> str:
    """The folder to serve: the project's own, or one in .mlcc/run with the named model files linked into it.

    Raises PreconditionError when a model's file is not there, or lies in AWS.
    """
    own = os.path.join(os.path.abspath(project.directory), models.FOLDER)
    named = [a for a in models.artifacts(project.values, project.backends) if triton_files.is_safe(a.target)]
    if "://" in project.variables.get("MODEL_NAME", ""):
        message = f"{project.variables['MODEL_NAME']} lies in AWS; the target local serves files of the project"
        raise PreconditionError([error("MLCC307", message, hint="model: {name: ./model}")])
    if not named:
        return own
    place = run_state.path(project.directory, PLACE)
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(own, place, symlinks=True)
    with Directory(project.directory) as tree:
        for artifact in named:
            if not tree.exists(artifact.source):
                message = f"{printable(artifact.source)}, a model of mlcc.yaml, is not there"
                raise PreconditionError([error("MLCC305", message, hint="put the file there, or mend triton.models")])
            _link(os.path.join(os.path.abspath(project.directory), artifact.source), f"{place}/{artifact.target}")
    return place


def _link(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    os.symlink(source, target)
