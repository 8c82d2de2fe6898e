"""What `mlcc schema --install` writes.  Law: below the repository's root; settings are merged, or left as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence

from mlcc.cli import repository_files
from mlcc.cli.output import print_findings
from mlcc.cli.projects import SKIPPED, below
from mlcc.cli.repository_files import Wanted
from mlcc.cli.session import Session
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import printable, quoted
from mlcc.io import packaged
from mlcc.io.disk.reader import read_named
from mlcc.io.editors import jetbrains, neovim, vscode
from mlcc.io.editors.mappings import Mapping, Unmergeable
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load import locate
from mlcc.plan.changes import UNCHANGED
from mlcc.registries import kinds, load
from mlcc.registries.loader import unknown_row

Merge = Callable[["str | None", Sequence[Mapping]], str]
FORMS: dict[str, Merge] = {
    "jetbrains_mappings": jetbrains.merged,
    "json_with_comments": vscode.merged,
    "lua_block": neovim.merged,
}
# Documents that a person writes, by the name of their schema; registry files follow from the table of their kinds.
DOCUMENTS = {
    "mlcc": locate.FILE_NAMES,
    "workspace": ("mlcc.workspace.yaml",),
    "policies": ("policies/*.yaml",),
}
# A path that can stand in a comment; white space would end it there.
PLAIN = re.compile(r"[\w./+-]+")
_MODELINE = re.compile(rb"^# (?:yaml-language-server: \$schema=|\$schema: )(\S+)", re.MULTILINE)


def run(session: Session, directory: str, editor: str, only_shown: bool) -> int:
    """Writes, or only prints, what an editor needs in the repository around a folder."""
    known = load().entries("editors")
    if editor not in known:
        raise unknown_row("editor", editor, known)
    facts = known[editor].facts
    root = locate.repository_root(directory)
    found = mappings(root)
    settings, problem = _settings(root, str(facts["file"]), FORMS[str(facts["form"])], found)
    if only_shown:
        repository_files.show(session, [settings])
        return 0
    if problem is not None:
        raise UserError([problem])
    wanted = [settings, *(_schema(root, one) for one in found)]
    repository_files.write(session, root, wanted)
    if not session.machine:
        shown = [file for file in wanted if file.action != UNCHANGED]
        repository_files.report(session, shown)
        if not shown:
            session.say("nothing to do: the settings and schemas are as this mlcc has them")
    else:
        repository_files.report(session, wanted)
    print_findings(list(_modelines(root)), session)
    session.say(f"{known[editor].title}: {facts['next']}")
    return 0


def schema_from(directory: str) -> str:
    """Where the repository's copy of the schema of mlcc.yaml is, seen from a folder; empty where there is none."""
    copy = os.path.join(locate.repository_root(directory), Mapping("mlcc", ()).path)
    path = os.path.relpath(copy, directory)
    return path if os.path.isfile(copy) and PLAIN.fullmatch(path) else ""


def mappings(root: str) -> list[Mapping]:
    """The schemas for the files of a repository; those of registries only where it has a folder of that name."""
    found = dict(DOCUMENTS)
    if _has_folder(root, "registries"):
        found |= {kind: (f"registries/{kind}.yaml",) for kind in kinds.TOP}
        found |= {k: (f"registries/{folder}/*.yaml",) for folder, k in kinds.FOLDERS.items() if k not in DOCUMENTS}
    there = set(os.listdir(packaged.path("schemas")))
    return [Mapping(name, tuple(names)) for name, names in found.items() if f"{name}.schema.json" in there]


def _has_folder(root: str, name: str) -> bool:
    for _, folders, _ in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED]
        if name in folders:
            return True
    return False


def _schema(root: str, one: Mapping) -> Wanted:
    data = packaged.read("schemas", f"{one.schema}.schema.json")
    return Wanted(one.path, data, repository_files.held(root, one.path))


def _settings(root: str, path: str, merge: Merge, found: list[Mapping]) -> tuple[Wanted, Finding | None]:
    """The settings as they shall be; where they cannot be merged a file of their own, and why."""
    before = repository_files.held(root, path)
    try:
        text = before.decode("utf-8") if before is not None else None
        return Wanted(path, merge(text, found).encode("utf-8"), before), None
    except UnicodeDecodeError:
        problem = Unmergeable("is not UTF-8")
    except Unmergeable as refused:
        problem = refused
    message, hint = f"{problem}: the settings were left as they are", "correct the file, or add what --print prints"
    place = (printable(path, 200), problem.line, 1 if problem.line else 0)
    return Wanted(path, merge(None, found).encode(), before), Finding(
        "MLCC423", Severity.ERROR, message, "", *place, hint
    )


def _modelines(root: str) -> Iterator[Finding]:
    """A warning for each mlcc.yaml whose first lines name another schema: editors follow these, not the settings."""
    for path in below(root)[0]:
        try:
            head = read_named(path, CONFIG_LIMITS.max_bytes)[:4096]
        except UserError:  # mlcc validate says so
            continue
        line = _MODELINE.search(head)
        if line is not None and b"://" in line[1]:
            message = f"names its schema at {quoted(line[1].decode('utf-8', 'replace'), 100)}"
            hint = "editors ask that address, and not the settings: remove the line"
            number = head.count(b"\n", 0, line.start()) + 1
            yield Finding("MLCC424", Severity.WARNING, message, "", printable(path, 200), number, 1, hint)
