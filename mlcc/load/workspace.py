"""mlcc.workspace.yaml: what the projects of a repository share.  Law: read under mlcc.yaml's limits; decides nothing.

It lies at the root of the repository.  Its base holds where a project extends no file itself, and its policies and
registries hold for every member: none of them can be taken away by a project.  All it names lies in the repository.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from mlcc.core.findings import Finding, Severity, has_errors
from mlcc.core.nodes import Mark, Node
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.disk.callers import own_file
from mlcc.io.disk.reader import Directory, Refused, present
from mlcc.io.schema import validator
from mlcc.io.yaml import reader
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load.layers import NOTHING
from mlcc.registries.match import matches

NAME, KIND = "mlcc.workspace.yaml", "workspace"
GIT = ".git"
# Keys that name folders of rows.
FOLDERS = ("policies", "registries")


class Workspace(NamedTuple):
    """A read workspace file.

    root: the folder that it lies in; file: its name for messages; node: its tree; findings: what is wrong with it.
    """

    root: str
    file: str
    node: Node
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """True when no finding is an error."""
        return not has_errors(self.findings)

    def texts(self, key: str) -> tuple[tuple[str, Mark], ...]:
        """The elements of a list of texts, with their places."""
        node = self.node.get(key)
        return tuple((str(n.value), n.mark) for n in node.value) if node is not None else ()

    @property
    def base(self) -> str:
        """The file that its projects stand on, as written, or an empty text."""
        node = self.node.get("base")
        return str(node.value) if node is not None else ""

    def is_member(self, directory: str) -> bool:
        """Whether a project belongs to it.  directory: its folder."""
        patterns = [pattern for pattern, _ in self.texts("members")]
        relative = os.path.relpath(os.path.abspath(directory), self.root)
        return not patterns or any(names(pattern, relative) for pattern in patterns)


def workspace_of(directory: str) -> Workspace | None:
    """The workspace around a folder, or None.

    In a repository it is the file at its root; without one the nearest file upwards, which must be the caller's own.
    """
    root = _root(os.path.abspath(directory))
    if not root:
        return None
    relative = os.path.relpath(root, os.path.abspath(directory))
    file = printable(os.path.normpath(os.path.join(directory, relative, NAME)), 300)
    try:
        with Directory(root) as tree:
            found = tree.read(NAME, CONFIG_LIMITS.max_bytes)
    except Refused as problem:
        return Workspace(root, file, NOTHING, problem.findings)
    if found is None:
        return None
    loaded = reader.load_yaml(found[0], file)
    if loaded.root is None or has_errors(loaded.findings):
        return Workspace(root, file, NOTHING, loaded.findings)
    findings = (*loaded.findings, *validator.validate_document(loaded.root, KIND))
    if has_errors(findings):
        return Workspace(root, file, NOTHING, findings)
    return Workspace(root, file, loaded.root, (*findings, *_outside(loaded.root)))


def _root(here: str) -> str:
    """The folder of the workspace file, or an empty text."""
    found = ""
    while True:
        if present(os.path.join(here, GIT)):
            return here if present(os.path.join(here, NAME)) else ""
        if not found and present(os.path.join(here, NAME)) and own_file(os.path.join(here, NAME)):
            found = here
        parent = os.path.dirname(here)
        if parent == here:
            return found
        here = parent


def _outside(root: Node) -> Iterator[Finding]:
    """What names no place in the repository."""
    named = [(key, node) for key in ("members", *FOLDERS) for node in _elements(root.get(key))]
    base = root.get("base")
    for key, node in [*named, *([("base", base)] if base is not None else [])]:
        text, mark = str(node.value), node.mark
        if os.path.isabs(text) or os.path.normpath(text).split("/")[0] == "..":
            message = f"{quoted(text)} lies outside the repository"
            hint = f"name a place in the repository, relative to {NAME}"
            yield Finding("MLCC409", Severity.ERROR, message, key, mark.file, mark.line, mark.column, hint)


def _elements(node: Node | None) -> Sequence[Node]:
    return node.value if node is not None else ()


def names(pattern: str, folder: str) -> bool:
    """Whether a pattern names a folder: `*` stands for any text within a name, `**` for any number of folders.

    Both are relative to the root, which is `.` itself.

    >>> names("services/*", "services/iris"), names("**", "."), names("services/*", "services/a/b")
    (True, True, False)
    """
    wanted, parts = ([part for part in text.split("/") if part not in ("", ".")] for text in (pattern, folder))
    reached = {0}
    for part in wanted:
        if part == "**":
            reached = set(range(min(reached), len(parts) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(parts) and matches(part, parts[at])}
    return len(parts) in reached


def stranger(workspace: Workspace, mark: Mark) -> Finding:
    """A warning about a project that is no member.  mark: the beginning of its mlcc.yaml."""
    place = str(workspace.node.mark_of(("members",)))
    message = f"the project is no member of the workspace: the base, policies and registries of {workspace.file} "
    hint = f"add its folder to `members` ({place}), or move it out of the repository"
    return Finding(
        "MLCC410", Severity.WARNING, message + "do not hold for it", "", mark.file, mark.line, mark.column, hint
    )
