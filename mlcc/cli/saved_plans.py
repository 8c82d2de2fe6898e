"""Saved plans: what was reviewed, and all that it was made of.  Law: a plan is carried out as it is, or nothing is.

A plan holds of each project what would be done, and the digest of each file that was read for it.  It may come from a
stranger's build: it can only name projects below the repository's root, and what is done is planned anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.apply.prepare import Prepared
from mlcc.cli.outcomes import Outcome
from mlcc.cli.plan_documents import entry, joined, plan_document
from mlcc.cli.replay import OWN
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import BASE_DIR, digest
from mlcc.core.version import VERSION
from mlcc.io.disk.lock import locked
from mlcc.io.disk.reader import Directory, read_named
from mlcc.io.disk.writer import replace_file
from mlcc.load import locate
from mlcc.resolve.project import Project

MAX_PLAN_BYTES = 16 << 20
MAKES_ONE = "mlcc plan --out plan.json makes one"
# What of a difference is named.
MAX_NAMED = 5
RENDERED = "files that mlcc writes"
OWN_DIR = BASE_DIR.partition("/")[0]


class Inputs:
    """Notes the digest of each file that is read for one project."""

    def __init__(self) -> None:
        self.read: dict[str, str | None] = {}

    def saw(self, kind: str, arguments: tuple[Any, ...], answer: Any) -> None:
        """One question to the file system and its answer; of two the later one counts."""
        if kind == "named":
            self._note(str(arguments[0]), answer)
        elif kind == "read":
            self._note(os.path.join(arguments[0], arguments[2]), ":".join(map(str, answer)) if answer else None)

    def _note(self, path: str, found: str | None) -> None:
        whole = os.path.abspath(path)
        if not whole.startswith(OWN):
            self.read[whole] = found

    def document(self, root: str, target: str, prepared: Prepared) -> dict[str, Any]:
        """What there was to read, by paths from the repository's root; the files that mlcc writes together.

        target: the folder that the project is written to, which need not exist yet.
        """
        start = os.path.join(os.path.abspath(target), "")
        rendered = {*prepared.plan.base, *prepared.before.files}
        inputs, together = dict[str, Any](), dict[str, str]()
        for path, found in sorted(self.read.items()):
            if found is None:
                continue
            relative = path.removeprefix(start)
            if path.startswith(start) and (relative in rendered or relative.split("/")[0] == OWN_DIR):
                together[relative] = found
            else:
                inputs[printable(os.path.relpath(path, root), 300)] = found
        return {**inputs, RENDERED: digest(json.dumps(together, sort_keys=True).encode())}


def saved_entry(outcome: Outcome, project: Project, prepared: Prepared, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A project as a saved plan holds it."""
    document = plan_document(project, prepared, outcome.findings)
    return {**document, "inputs": dict(inputs)}


def write(path: str, outcomes: Iterable[Outcome], many: bool, sleep: Callable[[float], None]) -> None:
    """Writes a plan into a file that the operator names.  Raises Refused for what is no plain file."""
    document = {**joined([entry(one) for one in outcomes], many), "mlcc": VERSION}
    folder, name = os.path.split(path)
    with Directory(folder or ".") as target, locked(target, sleep):
        held = target.read(name, MAX_PLAN_BYTES)
        data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        replace_file(target, name, data, held[0] if held is not None else None)


class SavedPlan(NamedTuple):
    """What a file of a plan says.

    file: its name; projects: what it holds of each, by mlcc.yaml from the repository's root (of a plan that names none:
    by an empty text); version: of the mlcc that made it, where it says so.
    """

    file: str
    projects: Mapping[str, Mapping[str, Any]]
    version: str = ""

    @property
    def names_projects(self) -> bool:
        """Whether it says what it is about, and what it was made of."""
        return any("inputs" in one for one in self.projects.values())

    def differences(self, path: str, now: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[str]:
        """What is not as it was planned, of one project.  now: its document; inputs: what was read for it."""
        expected = self.projects.get(path) or self.projects.get("") or next(iter(self.projects.values()))
        found = []
        if self.version and self.version != VERSION:
            found.append(f"mlcc itself ({self.version}, now {VERSION})")
        if "inputs" in expected:
            held = expected["inputs"]
            found += sorted(name for name in {*held, *inputs} if held.get(name) != inputs.get(name))
        folder = os.path.dirname(path)
        found += sorted(os.path.join(folder, name) for name, *_ in {*_planned(now)} ^ {*_planned(expected)})
        values = json.loads(json.dumps(now["values"]))
        found += sorted(str(v["path"]) for v in values if v not in (expected.get("values") or []))
        return list(dict.fromkeys(found))

    def stale(self, path: str, different: Sequence[str], several: bool) -> Finding:
        """That a project has changed since; it is named where the plan is about several."""
        shown = ", ".join(printable(name, 120) for name in different[:MAX_NAMED])
        more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
        about = f"{printable(path, 200)}" if several else "the project"
        message = f"{about} has changed since it was planned: {shown}{more}; nothing was written"
        return error("MLCC221", message, file=printable(self.file, 200), hint="mlcc plan again, and review it")


def read(path: str) -> SavedPlan:
    """A plan as `mlcc plan --out` wrote it, or `-o json` printed it.  Raises UserError for anything else."""
    data = read_named(path, MAX_PLAN_BYTES, MAKES_ONE)
    try:
        document = json.loads(data)
        projects = dict(_projects(document))
        for one in projects.values():
            _planned(one)
        return SavedPlan(path, projects, str(document.get("mlcc", "")))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UserError([error("MLCC221", "not a plan", file=printable(path, 200), hint=MAKES_ONE)]) from None


def _projects(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = document.get("projects")
    if not listed:
        yield "", document
        return
    for one in listed:
        name = str(one["file"])
        parts = name.split("/")
        if name.startswith("/") or {"", ".", ".."} & {*parts} or parts[-1] not in locate.FILE_NAMES:
            raise ValueError(name)
        yield name, one


def _planned(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Path, action and digest of every change."""
    return [(str(c["path"]), str(c["action"]), str(c.get("digest"))) for c in document["changes"]]
