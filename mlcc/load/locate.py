"""Where a project's files are."""

from __future__ import annotations

import os

from mlcc.core.findings import Finding, Severity, error
from mlcc.core.text import printable, quoted
from mlcc.io.disk.callers import own_file, texts
from mlcc.io.disk.reader import Directory, Refused, is_directory, present
from mlcc.load.document import Config
from mlcc.load.request import Request
from mlcc.load.workspace import Workspace
from mlcc.registries.files import Root

FILE_NAMES = ("mlcc.yaml", "mlcc.yml")
# Keys of mlcc.yaml that name folders of rows, and which folder of a registry each of them is.
PROJECT_FOLDERS = {"registries": "", "policies": "policies"}
# Before the name of a workspace's folder in a lock.
WORKSPACE_LABEL = "workspace:"


def find_mlcc_yaml(start: str) -> str:
    """mlcc.yaml in `start`, else in its parents up to the repository's root, named from where `start` is named from.

    Raises Refused when there is none.
    """
    here, ups = os.path.abspath(start), list[str]()
    while True:
        for name in FILE_NAMES:
            if present(os.path.join(here, name)):
                found = os.path.normpath(os.path.join(start, *ups, name))
                if ups and not own_file(os.path.join(here, name)):
                    hint = f"if you trust it, name it: -f {found}"
                    raise Refused(found, "belongs to another user, and lies in a folder above this one", hint)
                return found
        ups.append(os.pardir)
        parent = os.path.dirname(here)
        if present(os.path.join(here, ".git")) or parent == here:
            raise Refused("mlcc.yaml", "no such file here or above", "run `mlcc init`, or name one with -f FILE")
        here = parent


def repository_root(directory: str) -> str:
    """The nearest folder upwards that holds `.git`, else the folder itself."""
    here = os.path.abspath(directory)
    while not present(os.path.join(here, ".git")):
        parent = os.path.dirname(here)
        if parent == here:
            return os.path.abspath(directory)
        here = parent
    return here


def beside(directory: str, name: str) -> str:
    """A file named from mlcc.yaml's folder, named from where the caller is."""
    return os.path.normpath(os.path.join(directory, name))


# ---------------------------------------------------------------- registries
def registry_roots(request: Request) -> tuple[tuple[Root, ...], list[Finding]]:
    """Registry folders of plugins, then the operator's: MLCC_REGISTRY_PATH (or REGISTRY_PATH), then --registry."""
    environ = request.environ or {}
    variable = environ.get("MLCC_REGISTRY_PATH") or environ.get("REGISTRY_PATH") or ""
    roots = [Root(f"plugin {name}", path, label=f"plugin-{name}") for name, path in request.plugged.roots.items()]
    operators = 0
    problems: list[Finding] = []
    for path in [*filter(None, variable.split(os.pathsep)), *texts(request.registry_roots)]:
        if is_directory(path):
            operators += 1
            roots.append(Root(printable(path, 200), path, label=f"operator-{operators}"))
        else:
            problems.append(error("MLCC402", f"registry {quoted(path, 200)}: no such directory", path="registries"))
    return tuple(roots), problems


def workspace_roots(workspace: Workspace, directory: str) -> tuple[list[Root], list[Finding]]:
    """The registry folders of a workspace.  directory: of the project, from which they are named."""
    roots, problems = list[Root](), list[Finding]()
    holder = os.path.normpath(os.path.join(directory, os.path.relpath(workspace.root, os.path.abspath(directory))))
    for key, inside in PROJECT_FOLDERS.items():
        for text, mark in workspace.texts(key):
            root, problem = project_root(holder, text, inside, "repository")
            if root is None:
                problems.append(Finding("MLCC409", Severity.ERROR, problem, key, mark.file, mark.line, mark.column))
            else:
                roots.append(root._replace(label=f"{WORKSPACE_LABEL}{os.path.normpath(text)}"))
    return roots, problems


def all_roots(
    own: Config, directory: str, request: Request, workspace: Workspace | None = None
) -> tuple[tuple[Root, ...], list[Finding]]:
    """The operator's registry folders, then the workspace's (of a member), then the project's own."""
    named, problems = registry_roots(request)
    roots = list(named)
    if workspace is not None:
        shared, wrong = workspace_roots(workspace, directory)
        roots += shared
        problems += wrong
    for key, inside in PROJECT_FOLDERS.items():
        for text, mark in own.texts(key) if own.ok else ():
            root, problem = project_root(directory, text, inside)
            if root is None:
                problems.append(Finding("MLCC402", Severity.ERROR, problem, key, mark.file, mark.line, mark.column))
            else:
                roots.append(root)
    return tuple(roots), problems


def present_below(directory: str, relative: str) -> bool:
    """Whether something stands at a path of the project; what lies outside it counts as there (others check that)."""
    name = os.path.normpath(relative)
    if os.path.isabs(name) or name.startswith(".."):
        return True
    with Directory(directory) as here:
        return here.exists(name)


def project_root(directory: str, text: str, inside: str = "", holder: str = "project") -> tuple[Root | None, str]:
    """A registry folder of the project itself, or None and what is wrong with it.

    inside: as of `Root`; holder: what it must lie in, in words.
    """
    relative, words = os.path.normpath(text), f"{inside or 'registry'} {quoted(text)}"
    if os.path.isabs(relative) or relative.startswith(".."):
        return None, f"{words} lies outside the {holder}: use --registry or MLCC_REGISTRY_PATH"
    try:
        with Directory(directory) as here:
            found = here.parent(f"{relative}/x")
    except Refused as problem:
        return None, f"{words}: {problem.findings[0].message}"
    if found is None:
        return None, f"{words}: no such directory"
    os.close(found[0])
    path = os.path.join(directory, text)
    # no folder of a project is taken for one of its workspace
    label = f"./{text}" if text.startswith(WORKSPACE_LABEL) else text
    return Root(beside(directory, text), path, trusted=False, label=label, inside=inside, project=directory), ""
