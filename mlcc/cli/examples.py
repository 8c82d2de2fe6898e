"""The packaged examples: `mlcc init --example NAME`.  Law: nothing is replaced, and all files come or none."""

from __future__ import annotations

import os

from mlcc.cli import mlcc_yaml
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.io import packaged
from mlcc.io.disk.callers import make_folder

FOLDER = "examples"


def names() -> list[str]:
    """What the examples are called."""
    folder = packaged.path(FOLDER)
    return sorted(name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "mlcc.yaml")))


def copy(name: str, directory: str) -> list[str]:
    """Writes the files of an example into a folder, and returns their names.

    Raises UsageError for a name that none has, and UserError where one of the files is there already.
    """
    known = names()
    if name not in known:
        near = nearest(name, known)
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(known)}"
        raise UsageError([error("MLCC902", f"no example is called {quoted(name)}", hint=hint)])
    folder = packaged.path(FOLDER, name)
    files = sorted(file for file in os.listdir(folder) if os.path.isfile(os.path.join(folder, file)))
    for file in files:
        path = os.path.join(directory, file)
        if os.path.lexists(path):
            where = printable(os.path.normpath(path), 200)
            raise UserError([error("MLCC217", f"{where} is there already", hint=f"another folder: -C {name}")])
    make_folder(directory)
    mlcc_yaml.write(directory, {file: (packaged.read(FOLDER, name, file), None) for file in files}, 0o644)
    return files
