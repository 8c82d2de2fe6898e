"""Which files of a repository a project is made of, beyond its own folder.  Law: names paths; opens nothing itself."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from mlcc.load import workspace as workspaces
from mlcc.load.inputs import Inputs


def folder_of(file: str, root: str) -> str:
    """A project's folder below the root of its repository; `.` for the root itself."""
    return os.path.relpath(os.path.dirname(os.path.abspath(file)), root)


def outside(inputs: Inputs, root: str) -> tuple[str, ...]:
    """Files and folders outside the project's own folder that it is made of, below the root of the repository.

    That is the file that it extends, and the workspace file; of a member also the workspace's base and its folders.
    """
    found: list[str] = []
    if inputs.config.extends:
        found.append(_below(inputs.directory, inputs.config.extends, root))
    shared = inputs.workspace
    if shared is not None:
        named = [workspaces.NAME]
        if shared.is_member(inputs.directory):
            named += [shared.base] if shared.base and not inputs.config.extends else []
            named += [text for key in workspaces.FOLDERS for text, _ in shared.texts(key)]
        found += [_below(shared.root, name, root) for name in named]
    return tuple(path for path in dict.fromkeys(found) if path.split("/")[0] != "..")


def _below(directory: str, name: str, root: str) -> str:
    return os.path.relpath(os.path.normpath(os.path.join(os.path.abspath(directory), name)), root)


def concerned(folder: str, inputs_outside: Iterable[str], changed: Collection[str]) -> bool:
    """Whether a change of some files changes a project: they lie below its folder, or are what it is made of."""
    if workspaces.NAME in changed:
        return True
    return any(path in changed or _any_below(path, changed) for path in (folder, *inputs_outside))


def _any_below(folder: str, changed: Iterable[str]) -> bool:
    prefix = "" if folder == "." else f"{folder}/"
    return any(path.startswith(prefix) for path in changed)
