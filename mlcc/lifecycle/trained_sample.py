"""The model that do/build trained for the sample, and that goes with it.

Law: only what a sample of the registries has, and only as it was written: somebody's own model stays.
"""

from __future__ import annotations

import hashlib
import stat
from typing import Any

from mlcc.core.paths import Path
from mlcc.core.text import printable
from mlcc.io.disk.reader import Directory, Refused
from mlcc.io.disk.writer import remove_empty, remove_files, remove_tree, write_new
from mlcc.lifecycle import run_state
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve.triton import models

RECORD = "sample.json"
MAX_BYTES, MAX_FILES = 64 << 20, 1000
# A model that do/build makes is nothing to commit.
IGNORE = ".gitignore"


def _ignored(name: str) -> bytes:
    """The .gitignore beside a trained model, for the model and itself."""
    return f"/{name}\n/{IGNORE}\n".encode()


def remember(project: RenderedProject, path: str) -> None:
    """Writes down what training has written.  path: of the model, below the project."""
    with Directory(project.directory) as tree:
        digest = _digest(tree, path)
        folder, _, name = path.rpartition("/")
        write_new(tree, f"{folder}/{IGNORE}", _ignored(name))
    if project.backend is not None and digest:
        run_state.write(project.directory, RECORD, {"path": path, "digest": digest})


def forget(context: Context, served: str) -> None:
    """Removes a trained model that the project serves no longer, so that it comes into no image.

    served: the path of the sample's model that is served, empty where there is none.
    """
    project = context.project
    known = run_state.read(project.directory, RECORD)
    path = str(known.get("path", ""))
    if not path or path == served or path not in _possible(project):
        return
    with Directory(project.directory) as tree:
        if _digest(tree, path) == known.get("digest"):
            folder, _, name = path.rpartition("/")
            held = tree.read(f"{folder}/{IGNORE}", MAX_BYTES)
            if held is not None and held[0] == _ignored(name):
                remove_files(tree, folder, [IGNORE])
            _remove(tree, path)
            context.progress.say(f"removed {printable(path)}: it was trained for the sample, which is not served now")
    run_state.remove(project.directory, RECORD)


def _possible(project: RenderedProject) -> set[str]:
    """Where the samples of all backends have their models: a record may have been forged."""
    found = set()
    for row in project.backends.values():
        if row.sample is None:
            continue
        for name in row.formats:
            values: dict[Path, Any] = {("model", "format"): name}
            found.add(models.sample_file(row.sample, row, values))
    return found


def _is_folder(tree: Directory, path: str) -> bool:
    return stat.S_ISDIR(tree.mode(path) or 0)


def _digest(tree: Directory, path: str) -> str:
    """The digest of a file, or of all in a folder; empty where nothing stands there, or no plain files."""
    found = hashlib.sha256()
    try:
        names = list(tree.walk(path, MAX_FILES)) if _is_folder(tree, path) else [path]
        for name in names:
            content = tree.read(name, MAX_BYTES)
            if content is None:
                return ""
            found.update(f"{name}\0{len(content[0])}\0".encode() + content[0])
    except Refused:
        return ""
    return found.hexdigest()


def _remove(tree: Directory, path: str) -> None:
    if _is_folder(tree, path):
        remove_tree(tree, path)
        return
    folder, _, name = path.rpartition("/")
    remove_files(tree, folder, [name])
    remove_empty(tree, folder)
