"""Plans for programs: the documents that plan, diff and apply print.  Law: one shape, whatever the number of projects.

The keys at the top are those of the one project, or the sums of all; `projects` holds each with its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcc.apply.prepare import Prepared
from mlcc.cli import costs, migrations
from mlcc.cli import outcomes as became
from mlcc.cli.changes import cause_of, changed_values
from mlcc.cli.outcomes import STATUSES, Outcome
from mlcc.cli.output import document, plain, print_document
from mlcc.cli.session import Session
from mlcc.core.findings import Finding, ordered
from mlcc.core.tree import digest
from mlcc.plan.changes import ACTIONS, CONFLICT, UNCHANGED, Change
from mlcc.resolve.project import Project


def plan_document(project: Project, prepared: Prepared, findings: Iterable[Finding]) -> dict[str, Any]:
    """The `plan/diff/apply` contract."""
    moved = migrations.of(project, prepared)
    return document(
        changes=[_change(c, prepared) for c in prepared.all_changes],
        values=changed_values(project, prepared),
        summary=prepared.summary,
        costs=[row.document for row in costs.rows(project, prepared.before)],
        **({"engine": migrations.document(moved)} if moved is not None else {}),
        findings=[plain(f) for f in ordered(findings)],
    )


def _change(change: Change, prepared: Prepared) -> dict[str, Any]:
    """One file; `digest` is that of the bytes that are written, so that a saved plan says what will be."""
    row: dict[str, Any] = {"path": change.path, "action": change.action}
    if change.data is not None:
        row["digest"] = digest(change.data)
    if change.action != UNCHANGED:
        row["cause"] = cause_of(change, prepared)
    return row


EMPTY: dict[str, Any] = {"changes": [], "values": [], "summary": dict.fromkeys(ACTIONS, 0), "costs": []}
"""Of a project that could not be planned."""


def entry(outcome: Outcome) -> dict[str, Any]:
    """A project as `projects` has it."""
    own = outcome.document
    if own is None:
        own = {**EMPTY, "findings": [plain(f) for f in ordered(outcome.findings)]}
    return {"file": outcome.file, "status": outcome.status, **{k: v for k, v in own.items() if k != "schema_version"}}


def flush(session: Session) -> None:
    """Prints the documents that a command has kept, by the files of its projects."""
    kept, session.documents = session.documents, {}
    if kept or session.format in ("json", "yaml"):
        outcomes = [Outcome(file, _status(one), document=one) for file, one in kept.items()]
        print_document(session, joined([entry(one) for one in outcomes], len(outcomes) != 1))


def _status(one: Mapping[str, Any]) -> str:
    """What became of a project, by its document."""
    if one["summary"][CONFLICT] or any(f["severity"] == "error" for f in one["findings"]):
        return became.REFUSED
    return became.UNCHANGED if one["summary"][UNCHANGED] == sum(one["summary"].values()) else became.CHANGED


def joined(entries: Sequence[Mapping[str, Any]], several: bool) -> dict[str, Any]:
    """The plan contract.  several: with paths from the repository's root, though there may be one project or none."""
    totals = {"projects": len(entries), **dict.fromkeys(STATUSES, 0)}
    for one in entries:
        totals[one["status"]] += 1
    if len(entries) == 1 and not several:
        own = {key: value for key, value in entries[0].items() if key not in ("file", "status", "inputs")}
        return document(**own, totals=totals, projects=list(entries))
    changes, values, findings = list[Any](), list[Any](), list[Any]()
    summary = Counter(dict.fromkeys(ACTIONS, 0))
    for one in entries:
        folder = one["file"].rpartition("/")[0]
        changes += [{**c, "path": f"{folder}/{c['path']}" if folder else c["path"]} for c in one["changes"]]
        values += [{**value, "file": one["file"]} for value in one.get("values", ())]
        findings += one["findings"]
        summary.update(one["summary"])
    sums = {"changes": changes, "values": values, "summary": dict(summary), "costs": [], "findings": findings}
    return document(**sums, totals=totals, projects=list(entries))
