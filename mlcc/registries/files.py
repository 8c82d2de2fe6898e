"""Registry files as nodes.  Law: every file is validated before it is used; a broken file is an error with its place.

A root is a folder of YAML files.  The data tests validate the packaged files; the files of any other root are
validated here, each time they are read.
"""

from __future__ import annotations

import hashlib
import os

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, error, has_errors
from mlcc.core.nodes import Node
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed
from mlcc.io.disk.reader import Directory, Refused
from mlcc.io.schema import validator
from mlcc.io.yaml import limits, reader
from mlcc.registries.parse import SCHEMAS

MAX_FILE_BYTES = 1 << 30
# Of a project's own root.
MAX_PROJECT_FILES = 200


class Root(NamedTuple):
    """A folder of registry files.

    name: its name in origins (`builtin`, or the path as the user wrote it); trusted: packaged or named by the
    operator, so its files may be large; validate: check its files against the schemas; label: its name in a lock,
    which must not contain a path of this machine; inside: the folder that it replaces in a root (`policies`); project:
    the folder of the project that it belongs to, empty for all others.
    """

    name: str
    path: str
    trusted: bool = True
    validate: bool = True
    label: str = ""
    inside: str = ""
    project: str = ""

    def opened(self) -> Directory:
        """The open folder.  Raises Refused where a link leads to one of a project's own."""
        if not self.project:
            return Directory(self.path)
        with Directory(self.project) as project:
            return project.below(os.path.relpath(self.path, self.project))


def listing(root: Root) -> list[str]:
    """Relative names of the YAML files of a root, in order; with `inside` before each where the root has it."""
    prefix = f"{root.inside}/" if root.inside else ""
    with root.opened() as directory:
        names = [name for name in directory.walk() if name.endswith((".yaml", ".yml"))]
        if not root.trusted:
            _check_total(root, directory, names)
    return [prefix + name for name in names]


def _check_total(root: Root, directory: Directory, names: list[str]) -> None:
    """Raises UserError where the files of a project's own root are more than a run reads, however small each is."""
    left, lines = _limits(root).max_bytes, 0
    for number, name in enumerate(names, 1):
        data = (directory.read(name, max(left, 0), single_link=False) or (b"", 0))[0]
        left -= len(data)
        # each line and each element of a flow collection is a key with its value, at the most
        lines += data.count(b"\n") + data.count(b",")
        if number > MAX_PROJECT_FILES or lines > _limits(root).max_nodes // 2:
            most = (
                f"{MAX_PROJECT_FILES} files, {_limits(root).max_bytes:,} bytes and {_limits(root).max_nodes:,} values"
            )
            message = f"a registry of a project may have {most} in all"
            hint = "name a large registry with --registry or MLCC_REGISTRY_PATH"
            raise UserError([error("MLCC402", message, file=root.name, hint=hint)])


def below(root: Root, relname: str) -> str:
    """A listed name, relative to the root's path."""
    return relname.removeprefix(f"{root.inside}/") if root.inside else relname


def document(root: Root, relname: str) -> Node:
    """One registry file as nodes, validated.  Raises UserError with every finding."""
    return parsed(root, relname, file_bytes(root, relname))


def shown(root: Root, relname: str) -> str:
    """A file's name in messages: a path, except for packaged files."""
    return f"{root.name}/{below(root, relname)}" if root.validate else f"{root.name}:{relname}"


def _limits(root: Root) -> limits.Limits:
    return limits.OPERATOR_LIMITS if root.trusted else limits.PROJECT_REGISTRY_LIMITS


def file_bytes(root: Root, relname: str) -> bytes:
    """The bytes of one file.  Raises Refused when it is not a plain file."""
    with root.opened() as directory:
        read = directory.read(below(root, relname), min(_limits(root).max_bytes, MAX_FILE_BYTES), single_link=False)
    if read is None:
        raise Refused(f"{root.path}/{relname}", "no such file")
    return read[0]


def row(root: Root, relname: str, name: str) -> Node | None:
    """A packaged file with only one of its rows, at its own lines; None when no line begins that row.

    Reading YAML takes most of the time of a first run, which needs only one row of such a table.  The data tests check
    the form that this relies on: a row of a packaged file begins with two spaces, its name and a colon.
    """
    lines = file_bytes(root, relname).decode("utf-8").split("\n")
    first = next((n for n, line in enumerate(lines) if line == f"  {name}:"), None)
    if first is None or "rows:" not in lines:
        return None
    head = lines.index("rows:") + 1
    rest = (n for n in range(first + 1, len(lines)) if lines[n][:2] == "  " and lines[n][2:3] not in ("", " "))
    last = next(rest, len(lines))
    kept = [*lines[:head], *[""] * (first - head), *lines[first:last], ""]
    return parsed(root, relname, "\n".join(kept).encode())


def parsed(root: Root, relname: str, data: bytes) -> Node:
    """The nodes of a file from its bytes, validated.  Raises UserError with every finding."""
    loaded = reader.load_yaml(
        data, shown(root, relname), _limits(root), public=root.trusted, packaged=not root.validate
    )
    if loaded.root is None or has_errors(loaded.findings):
        raise UserError(loaded.findings)
    if root.validate:
        findings = _validated(loaded.root)
        if has_errors(findings):
            raise UserError(findings)
    return loaded.root


def _validated(root: Node) -> list[Finding]:
    """What is wrong with a document, by the schema of its `kind`."""
    kind = root.get("kind")
    if kind is not None and kind.value in SCHEMAS:
        return validator.validate_document(root, str(kind.value))
    mark = kind.mark if kind is not None else root.mark
    hint = f"kind: one of {allowed(SCHEMAS)}"
    message = "the document does not name its kind of registry file"
    return [Finding("MLCC403", Severity.ERROR, message, "kind", mark.file, mark.line, mark.column, hint)]


def digest(root: Root, names: tuple[str, ...]) -> str:
    """sha256 over the names and bytes of a root's files.

    A checkout may have CR LF where the repository has LF: that is no difference.
    """
    total = hashlib.sha256()
    with root.opened() as directory:
        for name in names:
            read = directory.read(below(root, name), MAX_FILE_BYTES, single_link=False)
            data = read[0].replace(b"\r\n", b"\n") if read else b""
            total.update(f"{name}\0{len(data)}\0".encode())
            total.update(data)
    return f"sha256:{total.hexdigest()}"
