"""A Triton repository for a process of this machine.  Law: what the image would hold; models are linked, not copied."""

from __future__ import annotations

import os

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import make_directories, remove_tree
from mlcc.lifecycle import own_paths, run_state
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
        with Directory(project.directory) as tree:
            for path in tree.walk(models.FOLDER):
                tree.check_plain(path)
        return own
    place = run_state.path(project.directory, PLACE)
    with Directory(project.directory) as tree:
        remove_tree(tree, f"{run_state.RUN_DIR}/{PLACE}")
        _copy(tree, own, [artifact.target for artifact in named])
        for artifact in named:
            if not own_paths.stands(project.directory, artifact.source):
                message = f"{printable(artifact.source)}, a model of mlcc.yaml, is not there"
                raise PreconditionError([error("MLCC305", message, hint="put the file there, or mend triton.models")])
            _link(tree, os.path.join(os.path.abspath(project.directory), artifact.source), artifact.target)
    return place


def _copy(tree: Directory, own: str, replaced: list[str]) -> None:
    """Links every file of the project's repository into the copy, but for what the named models replace.

    Folders are made anew, so that nothing is ever written through a link of the checkout.
    """
    for path in tree.walk(models.FOLDER):
        tree.check_plain(path)
        below = path.removeprefix(f"{models.FOLDER}/")
        if not any(below == target or below.startswith(f"{target}/") for target in replaced):
            _link(tree, os.path.join(own, below), below)
    os.close(make_directories(tree, f"{run_state.RUN_DIR}/{PLACE}"))


def _link(tree: Directory, source: str, target: str) -> None:
    folder, _, name = f"{run_state.RUN_DIR}/{PLACE}/{target}".rpartition("/")
    parent = make_directories(tree, folder)
    try:
        os.symlink(source, name, dir_fd=parent)
    finally:
        os.close(parent)
