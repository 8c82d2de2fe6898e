"""The Python of a virtual environment.  Law: one for which the pins of the row have wheels, or none.

With another one pip would look for packages that were never made for it, and fail with a page about compilers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.lifecycle.rendered_project import RenderedProject

# What it prints is its version: a program of that name may be a stub that starts another one, or nothing.
PROOF = "import ensurepip, venv, sys; print('%d.%d' % sys.version_info[:2])"
OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"


def find(project: RenderedProject, environ: Mapping[str, str], own: str = OWN) -> str | None:
    """The interpreter to build with, or None: the image's where it is installed, else another.

    own: the version of Python that runs mlcc, which serves where nothing is pinned.
    """
    row = project.version
    for version in (row.python, *row.other_pythons) if row is not None else ():
        found = next((path for path in _named(version, environ) if _works(path, version, environ)), None)
        if found is not None or version == own:
            return found or sys.executable
    return sys.executable if row is None or not row.requirements else None


def need(project: RenderedProject, environ: Mapping[str, str], sample: bool, own: str = OWN) -> str:
    """The interpreter to build with.  Raises PreconditionError where there is none.

    sample: the sample model is to be trained, which happens on this machine whatever serves it.
    """
    found, row = find(project, environ, own), project.version
    if found is not None or row is None or project.framework is None:
        return found or sys.executable
    pythons = " or ".join((row.python, *row.other_pythons))
    broken = next(_named(row.python, environ), None)
    seen = (
        f"{printable(broken, 120)} does not run, or lacks its modules venv and ensurepip"
        if broken
        else "none is on PATH"
    )
    message = f"the packages of {project.framework.title} {row.name} are made for Python {pythons}, and {seen}"
    instead = (
        "a model of your own needs none where a container engine answers" if sample else "start a container engine"
    )
    hint = f"install Python {row.python} with its module venv (one way: uv python install {row.python}); {instead}"
    raise PreconditionError([error("MLCC302", message, hint=hint)])


def wanted(project: RenderedProject, environ: Mapping[str, str]) -> str:
    """As `find`; where there is none, the name of the program that is looked for."""
    return find(project, environ) or f"python{project.version.python if project.version is not None else ''}"


def _named(version: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Each program of that name on PATH: a stub of pyenv's may stand before the real one."""
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        found = programs.find(f"python{version}", {"PATH": folder}) if folder and version else None
        if found is not None:
            yield found


def _works(path: str, version: str, environ: Mapping[str, str]) -> bool:
    try:
        done = programs.run([path, "-I", "-c", PROOF], environ=environ, timeout_s=30)
    except (OSError, PreconditionError):  # a file that is no program, or whose interpreter is gone
        return False
    return done.code == 0 and done.stdout.decode("utf-8", "replace").strip() == version
