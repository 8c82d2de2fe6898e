"""A serving engine that is installed on this machine.  Law: looks, installs nothing: an engine is gigabytes.

Servers of mlcc's own get a virtual environment with their pins.  A project of a serving engine has none: without a
container engine it runs in the Python on PATH, if the engine is installed there.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.disk.reader import Directory
from mlcc.lifecycle.rendered_project import RenderedProject

ENGINE = "code/engine.json"
LIMIT = 1 << 20
FIND = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"


def wanted(project: RenderedProject) -> bool:
    """Whether the project runs in an engine's own Python, and not in an environment made for it."""
    engine = project.config.engine or (project.framework.engine if project.framework is not None else "")
    return bool(engine) and project.backend is None


def python(project: RenderedProject, environ: Mapping[str, str]) -> str:
    """The Python in which the project's engine is installed.  Raises PreconditionError when there is none."""
    with Directory(project.directory) as tree:
        found = tree.read(ENGINE, LIMIT)
    program = programs.find("python3", environ)
    if found is None or program is None:
        raise _missing(project, f"{project.config.title} runs in its image only", "start a container engine")
    words = _command(found[0])
    if words[1:2] == ["-m"] and len(words) > 2:
        package = words[2].partition(".")[0]
        there = programs.run([program, "-I", "-c", FIND, package], environ=environ, timeout_s=60).code == 0
        what = f"{package} is not installed in {printable(program, 120)}"
    else:
        there, what = programs.find(words[0], environ) is not None, f"{printable(words[0], 60)} is not on PATH"
    if not there:
        hint = "install it there (the first python3 on PATH counts), or start a container engine"
        raise _missing(project, what, hint)
    return program


def _command(data: bytes) -> list[str]:
    """The engine's command; a file that somebody broke has none."""
    try:
        words = read_json(data)["command"]
        return [str(w) for w in words] or [""]
    except (ValueError, KeyError, TypeError, RecursionError):
        return [""]


def _missing(project: RenderedProject, what: str, hint: str) -> PreconditionError:
    message = f"{project.name} cannot run as a process of this machine: {what}"
    return PreconditionError([error("MLCC302", message, file=ENGINE, hint=hint)])
