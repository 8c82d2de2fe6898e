"""Where a project's inputs are, and their bytes.  Law: reads through `files` only; decides nothing.

Everything that the pure middle needs and that is not packaged is gathered here, once: mlcc.yaml, the file it extends,
the project manifest, the file of --config, options and variables.  The environment arrives as an argument.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, NamedTuple

from mlcc import config, settings
from mlcc.config import Config, Layer
from mlcc.diagnostics import Finding, Severity, error, printable, quoted
from mlcc.files import Directory, Refused, is_directory, present, read_named
from mlcc.guard import CONFIG_LIMITS
from mlcc.machine import texts
from mlcc.registries.read import Root
from mlcc.settings import Plugged, Read, Request
from mlcc.values import Mark, Source, node_of

FILE_NAMES = ("mlcc.yaml", "mlcc.yml")
MANIFESTS = ("pyproject.toml", "package.json")
# Keys of mlcc.yaml that name folders of rows, and which folder of a registry each of them is.
PROJECT_FOLDERS = {"registries": "", "policies": "policies"}
MAX_MANIFEST_BYTES = 1024 * 1024


class Inputs(NamedTuple):
    """Everything read.

    file: mlcc.yaml as the user named it; directory: where it lies; config: its tree; layers: of every source above
    and below it, without overlays; roots: registry folders beyond the packaged ones; findings: all that is wrong;
    plugged: what installed plugins add.
    """

    file: str
    directory: str
    config: Config
    layers: tuple[Layer, ...]
    roots: tuple[Root, ...]
    findings: tuple[Finding, ...]
    plugged: Plugged = Plugged()


def locate(start: str) -> str:
    """mlcc.yaml in `start`, else in its parents up to the repository's root, named from where `start` is named from.

    Raises Refused when there is none.
    """
    here, ups = os.path.abspath(start), list[str]()
    while True:
        for name in FILE_NAMES:
            if present(os.path.join(here, name)):
                return os.path.normpath(os.path.join(start, *ups, name))
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


def gather(file: str, request: Request, data: bytes | None = None) -> Inputs:
    """Reads a project's inputs.  Mistakes come back as findings; only an unreadable mlcc.yaml raises.

    data: the bytes that mlcc.yaml shall be taken to hold, where they are not written yet.
    """
    bytes_of = data if data is not None else read_named(file, CONFIG_LIMITS.max_bytes)
    own = config.load(bytes_of, printable(file, 300))
    directory = os.path.dirname(file) or "."
    layers: list[Layer] = []
    findings = list(own.findings)
    environ = request.environ or {}
    if own.ok:
        _collect(layers, findings, _base(own, directory))
        _collect(layers, findings, _manifest(directory))
    if request.extra:
        _collect(layers, findings, _extra(os.fsdecode(request.extra)))
    _collect(layers, findings, settings.variables(environ))
    _collect(layers, findings, settings.options(request))
    roots, problems = _roots(own, directory, request)
    return Inputs(file, directory, own, tuple(layers), roots, (*findings, *problems), request.plugged)


def _collect(layers: list[Layer], findings: list[Finding], read: Read) -> None:
    layer, problems = read
    findings.extend(problems)
    if layer is not None:
        layers.append(layer)


def _document(data: bytes, shown: str, source: Source) -> Read:
    read = config.load(data, shown, partial=True, overlays=False)
    if not read.ok:
        return None, read.findings
    if read.extends:
        mark = read.root.mark_of(("extends",))
        message = f"{shown} extends another file itself; chains are not followed"
        problem = Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column)
        return None, [problem]
    found = config.layers(read, None)[0]
    return Layer(source, found.root), read.findings


def _base(own: Config, directory: str) -> Read:
    """The file that mlcc.yaml extends: relative, inside the repository, reached without links."""
    if not own.extends:
        return None, ()
    mark = own.root.mark_of(("extends",))
    root = repository_root(directory)
    absolute = os.path.normpath(os.path.join(os.path.abspath(directory), own.extends))
    relative = os.path.relpath(absolute, root)
    if relative.startswith("..") or os.path.isabs(own.extends):
        hint = "name a file inside the repository, relative to mlcc.yaml"
        message = f"{quoted(own.extends)} lies outside the repository"
        return None, [Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column, hint)]
    try:
        with Directory(root) as tree:
            found = tree.read(relative, CONFIG_LIMITS.max_bytes)
    except Refused as problem:
        return None, problem.findings
    if found is None:
        message = f"{quoted(own.extends)}: no such file"
        return None, [Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column)]
    return _document(found[0], printable(_beside(directory, own.extends), 300), Source.BASE)


def _beside(directory: str, name: str) -> str:
    """A file named from mlcc.yaml's folder, named from where the caller is."""
    return os.path.normpath(os.path.join(directory, name))


def _extra(path: str) -> Read:
    try:
        data = read_named(path, CONFIG_LIMITS.max_bytes)
    except Refused as problem:
        return None, problem.findings
    return _document(data, printable(path, 300), Source.CONFIG_FILE)


# ---------------------------------------------------------------- project manifests
def _manifest(directory: str) -> Read:
    """[tool.mlcc] of pyproject.toml, else "mlcc" of package.json, beside mlcc.yaml."""
    for name in MANIFESTS:
        try:
            with Directory(directory) as here:
                found = here.read(name, MAX_MANIFEST_BYTES, single_link=False)
        except Refused:
            continue  # not ours: another tool's link or folder of that name says nothing about mlcc
        if found is None or b"mlcc" not in found[0]:
            continue
        table, problem = _table(name, found[0])
        if problem:
            hint = "mend the file: mlcc reads its own table from it"
            return None, [error("MLCC033", problem, file=_beside(directory, name), hint=hint)]
        if table is not None:
            return _checked(table, _beside(directory, name))
    return None, ()


def _table(name: str, data: bytes) -> tuple[Any, str]:
    try:
        if name.endswith(".json"):
            document = json.loads(data)
            return (document.get("mlcc") if isinstance(document, dict) else None), ""
        return _toml(data.decode("utf-8")).get("tool", {}).get("mlcc"), ""
    except (ValueError, RecursionError, AttributeError):
        return None, f"{name} cannot be read"


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    parsed: dict[str, Any] = tomllib.loads(text)
    return parsed


def _checked(table: Any, name: str) -> Read:
    problem = config.plain_problem(table)
    if problem:
        return None, [error("MLCC033", f"{name}: its mlcc table holds {problem}", file=name)]
    root = node_of(table, Mark(name))
    read = config.check(root, name, partial=True, overlays=False)
    if not read.ok:
        return None, read.findings
    return Layer(Source.MANIFEST, config.layers(read, None)[0].root, name), read.findings


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


def _roots(own: Config, directory: str, request: Request) -> tuple[tuple[Root, ...], list[Finding]]:
    """The operator's registry folders, then the project's own."""
    named, problems = registry_roots(request)
    roots = list(named)
    for key, inside in PROJECT_FOLDERS.items():
        for text, mark in own.texts(key) if own.ok else ():
            root, problem = project_root(directory, text, inside)
            if root is None:
                problems.append(Finding("MLCC402", Severity.ERROR, problem, key, mark.file, mark.line, mark.column))
            else:
                roots.append(root)
    return tuple(roots), problems


def present_below(directory: str, relative: str) -> bool:
    """Whether something stands at a path of the project; what lies outside it counts as there (others judge that)."""
    name = os.path.normpath(relative)
    if os.path.isabs(name) or name.startswith(".."):
        return True
    with Directory(directory) as here:
        return here.exists(name)


def project_root(directory: str, text: str, inside: str = "") -> tuple[Root | None, str]:
    """A registry folder of the project itself, or None and what is wrong with it.  inside: as of `Root`."""
    relative, words = os.path.normpath(text), f"{inside or 'registry'} {quoted(text)}"
    if os.path.isabs(relative) or relative.startswith(".."):
        return None, f"{words} lies outside the project: use --registry or MLCC_REGISTRY_PATH"
    try:
        with Directory(directory) as here:
            found = here.parent(f"{relative}/x")
    except Refused as problem:
        return None, f"{words}: {problem.findings[0].message}"
    if found is None:
        return None, f"{words}: no such directory"
    os.close(found[0])
    path = os.path.join(directory, text)
    return Root(_beside(directory, text), path, trusted=False, label=text, inside=inside), ""
