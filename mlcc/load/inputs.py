"""Where a project's inputs are, and their bytes.  Law: reads through `files` only; decides nothing.

Everything that the pure middle needs and that is not packaged is gathered here, once: mlcc.yaml, the file it extends,
the project manifest, the file of --config, options and variables.  The environment arrives as an argument.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlcc.core.findings import Finding, Severity, error
from mlcc.core.nodes import Mark, node_of
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.core.values import Source
from mlcc.io.disk.reader import Directory, Refused, present, read_named
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load import coerce, named_texts, overrides
from mlcc.load.document import Config, check_tree, document_layers, load_document
from mlcc.load.layers import Layer
from mlcc.load.locate import all_roots, beside, repository_root
from mlcc.load.lock_choices import Choices, read_choices
from mlcc.load.manifests import MANIFESTS, MAX_BYTES, read_table
from mlcc.load.request import Plugged, Read, Request
from mlcc.load.workspace import Workspace, stranger, workspace_of
from mlcc.registries.files import Root


class Inputs(NamedTuple):
    """Everything read.

    file: mlcc.yaml as the user named it; directory: where it lies; config: its tree; layers: of every source above
    and below it, without overlays; roots: registry folders beyond the packaged ones; findings: all that is wrong;
    plugged: what installed plugins add; choices: what registries chose before, as mlcc.lock holds it; environ:
    the caller's, for programs that a later stage runs; texts: files of the project that it names and renders as they
    are, by the name that it gives them; today: the day, empty where findings must not depend on it; workspace:
    that of the repository, whether or not the project is a member.
    """

    file: str
    directory: str
    config: Config
    layers: tuple[Layer, ...]
    roots: tuple[Root, ...]
    findings: tuple[Finding, ...]
    plugged: Plugged = Plugged()
    choices: Choices = EMPTY
    environ: Mapping[str, str] = EMPTY
    texts: Mapping[str, bytes] = EMPTY
    today: str = ""
    workspace: Workspace | None = None

    @property
    def lacks_base(self) -> bool:
        """True when a file that the project stands on could not be used: it may contain a missing value."""
        shared = self.workspace
        meant = bool(self.config.extends) or (shared is not None and (bool(shared.base) or not shared.ok))
        return meant and not any(layer.source in (Source.BASE, Source.WORKSPACE) for layer in self.layers)


def gather(file: str, request: Request, data: bytes | None = None) -> Inputs:
    """Reads a project's inputs.  Mistakes come back as findings; only an unreadable mlcc.yaml raises.

    data: the bytes that mlcc.yaml shall be taken to hold, where they are not written yet.
    """
    bytes_of = data if data is not None else read_named(file, CONFIG_LIMITS.max_bytes)
    own = load_document(bytes_of, printable(file, 300))
    directory = os.path.dirname(file) or "."
    layers: list[Layer] = []
    findings = list(own.findings)
    environ = request.environ or {}
    shared = workspace_of(directory)
    findings += shared.findings if shared is not None else ()
    member = shared if shared is not None and shared.ok and shared.is_member(directory) else None
    if shared is not None and shared.ok and member is None:
        findings.append(stranger(shared, own.root.mark))
    if own.ok:
        _collect(layers, findings, _base(own, directory, file))
        if member is not None and member.base and not own.extends:
            _collect(layers, findings, _shared_base(member, directory, file))
        _collect(layers, findings, _manifest(directory))
    if request.extra:
        _collect(layers, findings, _extra(os.fsdecode(request.extra)))
    _collect(layers, findings, overrides.variables(environ))
    _collect(layers, findings, overrides.options(request))
    roots, problems = all_roots(own, directory, request, member)
    texts, unread = named_texts.read([own.root if own.ok else own.sound, *(layer.root for layer in layers)], directory)
    findings += [*problems, *unread]
    choices = _choices(os.fsdecode(request.directory) or directory)
    read = Inputs(file, directory, own, tuple(layers), roots, tuple(findings), request.plugged, choices, environ)
    return read._replace(texts=texts, today=request.today, workspace=shared)


def _choices(directory: str) -> Choices:
    """The choices in the lock of a folder; none where it cannot be opened: a plan for it says why."""
    if not present(directory):
        return EMPTY
    try:
        with Directory(directory, follow=False) as target:
            return read_choices(target)
    except Refused:
        return EMPTY


def _collect(layers: list[Layer], findings: list[Finding], read: Read) -> None:
    layer, problems = read
    findings.extend(problems)
    if layer is not None:
        layers.append(layer)


def _document(data: bytes, shown: str, source: Source) -> Read:
    read = load_document(data, shown, partial=True, overlays=False)
    if not read.ok:
        return None, read.findings
    if read.extends:
        mark = read.root.mark_of(("extends",))
        message = f"{shown} extends another file itself; chains are not followed"
        problem = Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column)
        return None, [problem]
    found = document_layers(read, None)[0]
    return Layer(source, found.root), read.findings


def _base(own: Config, directory: str, file: str) -> Read:
    """The file that mlcc.yaml extends: relative, inside the repository, reached without links; another one than it."""
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
    if absolute == os.path.abspath(file):
        message = f"{quoted(own.extends)} is this file itself"
        return None, [Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column)]
    try:
        with Directory(root) as tree:
            found = tree.read(relative, CONFIG_LIMITS.max_bytes)
    except Refused as problem:
        return None, problem.findings
    if found is None:
        message = f"{quoted(own.extends)}: no such file"
        return None, [Finding("MLCC030", Severity.ERROR, message, "extends", mark.file, mark.line, mark.column)]
    return _document(found[0], printable(beside(directory, own.extends), 300), Source.BASE)


def _shared_base(workspace: Workspace, directory: str, file: str) -> Read:
    """The base of the workspace, named from where the caller is; none for the base itself."""
    node = workspace.node.get("base")
    assert node is not None, "asked of a workspace with a base alone"
    mark, relative = node.mark, os.path.normpath(workspace.base)
    if os.path.abspath(file) == os.path.join(workspace.root, relative):
        return None, ()
    try:
        with Directory(workspace.root) as tree:
            found = tree.read(relative, CONFIG_LIMITS.max_bytes)
    except Refused as problem:
        return None, problem.findings
    if found is None:
        message = f"{quoted(workspace.base)}: no such file"
        return None, [Finding("MLCC409", Severity.ERROR, message, "base", mark.file, mark.line, mark.column)]
    up = os.path.relpath(workspace.root, os.path.abspath(directory))
    return _document(found[0], printable(beside(directory, os.path.join(up, relative)), 300), Source.WORKSPACE)


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
                found = here.read(name, MAX_BYTES, single_link=False)
        except Refused:
            continue  # not ours: another tool's link or folder of that name says nothing about mlcc
        if found is None:
            continue
        table = read_table(name, found[0])
        if table.problem:
            hint = "mend the file: mlcc reads its own table from it"
            return None, [error("MLCC033", table.problem, file=beside(directory, name), hint=hint)]
        if table.value is not None:
            return _checked(table.value, beside(directory, name))
    return None, ()


def _checked(table: Any, name: str) -> Read:
    problem = coerce.plain_problem(table)
    if problem:
        return None, [error("MLCC033", f"{name}: its mlcc table holds {problem}", file=name)]
    root = node_of(table, Mark(name))
    read = check_tree(root, name, partial=True, overlays=False)
    if not read.ok:
        return None, read.findings
    return Layer(Source.MANIFEST, document_layers(read, None)[0].root, name), read.findings
