"""Which files a root may contain, and whether they are valid.  Law: a file that nothing reads is a finding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Node
from mlcc.core.text import allowed
from mlcc.core.version import VERSION
from mlcc.io.cache import remembering
from mlcc.io.schema import validator
from mlcc.io.yaml import reader
from mlcc.registries import files
from mlcc.registries.files import Root

# The place of each kind: files at the top of a root, and folders of files.
TOP = (
    "amis", "architectures", "aws_errors", "aws_permissions", "bootstrap_modules", "builders", "chat_templates",
    "ci_systems", "cuda", "deployment_configs", "e2e", "editors", "engines", "log_causes", "model_architectures",
    "older_variables", "prices", "quantizations", "regions", "targets", "triton_backends", "workloads",
)  # fmt: skip
FOLDERS = {
    "frameworks": "framework",
    "instances": "instances",
    "models": "models",
    "options": "options",
    "policies": "policies",
}


def row_names(root: Root, relname: str, kind: str) -> tuple[str, ...]:
    """The names of a file's rows.  The whole file is read and validated, unless these bytes were read before."""
    data = files.file_bytes(root, relname)
    memo = remembering() if root.trusted and len(data) >= reader.WORTH_KEEPING else None
    recipe = repr(("names", VERSION, root.validate, kind, validator.schema_digest(kind)))
    name = hashlib.sha256(recipe.encode() + data).hexdigest()
    kept = memo.read(name) if memo is not None else None
    if kept is not None:
        with suppress(ValueError):
            return tuple(json.loads(kept.decode("utf-8", "surrogatepass")))
    document = files.parsed(root, relname, data)
    expect_kind(document, kind)
    rows = document.get("rows")
    names = tuple(rows.value) if rows is not None else ()
    if memo is not None:
        memo.write(name, json.dumps(names, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return names


def kind_of(relname: str) -> str:
    """The kind of rows in a file of this name, or an empty text when nothing reads it."""
    folder, _, name = relname.rpartition("/")
    stem = name.removesuffix(".yaml")
    if stem == name:
        return ""
    return FOLDERS.get(folder, "") if folder else stem if stem in TOP else ""


def unread_file(root: Root, relname: str) -> list[Finding]:
    """A warning where nothing reads a file of this name; the file is not opened.

    A hidden folder in a root that is not the project's own belongs to other tools.
    """
    hidden = root.trusted and any(part.startswith(".") for part in relname.split("/"))
    if hidden or kind_of(relname):
        return []
    known = allowed([f"{name}.yaml" for name in TOP] + [f"{folder}/*.yaml" for folder in FOLDERS])
    shown, message = files.shown(root, relname), "nothing reads a registry file of this name"
    return [Finding("MLCC404", Severity.WARNING, message, "", shown, hint=f"known: {known}")]


def file_problems(root: Root, relname: str, read: Callable[[Root, str], Node]) -> list[Finding]:
    """What is wrong with one file: a mistake in it, or a name that nothing reads.  read: gives the file's nodes."""
    unread = unread_file(root, relname)
    if unread:
        return unread
    try:
        expect_kind(read(root, relname), kind_of(relname))
    except UserError as problem:
        return list(problem.findings)
    return []


def expect_kind(document: Node, kind: str) -> None:
    """Raises UserError for a file whose `kind` is not that of its name."""
    field = document.get("kind")
    if field is None or field.value != kind:
        mark = field.mark if field is not None else document.mark
        message = f"a file of this name has rows of the kind {kind}"
        raise UserError(
            [Finding("MLCC403", Severity.ERROR, message, "kind", mark.file, mark.line, mark.column, f"kind: {kind}")]
        )
