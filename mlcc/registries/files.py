"""Registry files as nodes.  Law: checked before anybody sees them; a broken file is an error with its place.

A root is a folder of YAML files.  Packaged files are validated by the data tests; any other root's files are
validated here, each time they are read.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, allowed, has_errors
from mlcc.core.nodes import Node
from mlcc.io.disk.reader import Directory, Refused
from mlcc.io.schema import validator
from mlcc.io.yaml import limits, reader
from mlcc.registries.parse import SCHEMAS

MAX_FILE_BYTES = 1 << 30


class Root(NamedTuple):
    """A folder of registry files.

    name: how origins speak of it (`builtin`, or the path as the user wrote it); trusted: packaged or named by the
    operator, so its files may be large; validate: check its files against the schemas; label: its name in a lock,
    where no path of this machine may stand; inside: the folder of a root whose place it takes (`policies`).
    """

    name: str
    path: str
    trusted: bool = True
    validate: bool = True
    label: str = ""
    inside: str = ""


def listing(root: Root) -> list[str]:
    """Relative names of the YAML files of a root, in order; `inside` stands before those of a folder of its own."""
    prefix = f"{root.inside}/" if root.inside else ""
    with Directory(root.path) as directory:
        return [prefix + name for name in directory.walk() if name.endswith((".yaml", ".yml"))]


def below(root: Root, relname: str) -> str:
    """A listed name as it lies below the root's path."""
    return relname.removeprefix(f"{root.inside}/") if root.inside else relname


def document(root: Root, relname: str) -> Node:
    """One registry file as nodes, checked.  Raises UserError with every finding."""
    return parsed(root, relname, file_bytes(root, relname))


def shown(root: Root, relname: str) -> str:
    """A file's name in messages: a path, but for what is packaged."""
    return f"{root.name}/{below(root, relname)}" if root.validate else f"{root.name}:{relname}"


def _limits(root: Root) -> limits.Limits:
    return limits.OPERATOR_LIMITS if root.trusted else limits.PROJECT_REGISTRY_LIMITS


def file_bytes(root: Root, relname: str) -> bytes:
    """The bytes of one file.  Raises Refused when it is not a plain file."""
    with Directory(root.path) as directory:
        found = directory.read(below(root, relname), min(_limits(root).max_bytes, MAX_FILE_BYTES), single_link=False)
    if found is None:
        raise Refused(f"{root.path}/{relname}", "no such file")
    return found[0]


def row(root: Root, relname: str, name: str) -> Node | None:
    """A packaged file with one of its rows alone, each on its own lines; None when no line begins that row.

    Reading YAML is most of what a first run does, and of a table of one file it needs one row.  The data tests hold
    packaged files to the form that this relies on: a row begins with two spaces, its name and a colon.
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
    """The nodes of a file whose bytes were read already, checked.  Raises UserError with every finding."""
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
    """What breaks the schema that the document's `kind` names."""
    kind = root.get("kind")
    if kind is not None and kind.value in SCHEMAS:
        return validator.validate_document(root, str(kind.value))
    mark = kind.mark if kind is not None else root.mark
    hint = f"kind: one of {allowed(SCHEMAS)}"
    message = "the document does not say what kind of registry file it is"
    return [Finding("MLCC403", Severity.ERROR, message, "kind", mark.file, mark.line, mark.column, hint)]


def digest(root: Root, names: tuple[str, ...]) -> str:
    """sha256 over the names and bytes of a root's files."""
    total = hashlib.sha256()
    with Directory(root.path) as directory:
        for name in names:
            found = directory.read(below(root, name), MAX_FILE_BYTES, single_link=False)
            data = found[0] if found else b""
            total.update(f"{name}\0{len(data)}\0".encode())
            total.update(data)
    return f"sha256:{total.hexdigest()}"
