"""What diff prints of one project, as text, as a document, or as a part of a comment.  Law: decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcc.apply.prepare import Prepared
from mlcc.cli import costs
from mlcc.cli.changes import HEADINGS, changed_lines, last_line, print_costs, print_hunks, print_plan, value_line
from mlcc.cli.comments import MAX_CHARACTERS, body
from mlcc.cli.comparisons import Comparison, FileDiff
from mlcc.cli.costs import Row
from mlcc.cli.outcomes import CHANGED, UNCHANGED, Outcome
from mlcc.cli.output import document, folded, plain, print_findings, table
from mlcc.cli.reports import Totals
from mlcc.cli.session import Session
from mlcc.core.findings import Finding, ordered
from mlcc.plan.changes import ACTIONS
from mlcc.plan.changes import UNCHANGED as SAME
from mlcc.resolve.project import Project

NOTHING = "nothing to do: the project is as mlcc.yaml says"
# What a row is for a program.
ROW = ("path", "before", "after", "source", "validation_level", "cause")


def print_planned(
    session: Session,
    project: Project,
    prepared: Prepared,
    compared: Comparison,
    findings: Sequence[Finding],
    path: str,
) -> None:
    """What apply would change."""
    if session.format in ("json", "yaml"):
        print_plan(session, project, prepared, findings, path, done=False)
    if session.machine:
        return
    if session.project:
        if prepared.changes or session.verbosity > 0:
            session.out(f"{session.about}{last_line(prepared, False)}")
        if not prepared.changes:
            return
    for line in changed_lines(project, prepared, session) if prepared.before.values else []:
        session.out(line)
    print_costs(session, project, prepared, changed_only=bool(session.project) or not prepared.changes)
    _print_files(session, compared.files)
    if not prepared.changes:
        session.acknowledge(NOTHING)


def _print_files(session: Session, files: Iterable[FileDiff]) -> None:
    """Hunks, those of one cause together."""
    found = [*files]
    for cause, heading in HEADINGS.items():
        of_cause = [file for file in found if file.cause == cause]
        if heading and of_cause:
            session.out(heading)
        for file in of_cause:
            print_hunks(_named(session, file), session)


def _named(session: Session, file: FileDiff) -> list[str]:
    """The hunks of a file under the name that it has from the repository's root."""
    lines = [*file.lines]
    if session.project:
        for number, start in enumerate(("--- a/", "+++ b/")):
            if len(lines) > number and lines[number].startswith(start):
                lines[number] = f"{start}{session.named(lines[number].removeprefix(start))}"
    return lines


def print_two(
    session: Session, path: str, compared: Comparison, findings: Sequence[Finding], env: str | None = None
) -> Outcome:
    """How two states differ.  env: two environments are compared, and this is the second."""
    files = [*compared.files]
    rows = [*compared.rows, *compared.others]
    differs = bool(rows or files)
    own = compared._replace(files=iter(files))
    status = CHANGED if differs else UNCHANGED
    if session.format in ("json", "yaml"):
        return Outcome(path, status, findings=findings, document=_document(own, files, rows, findings, env))
    if session.format == "markdown":
        return Outcome(path, status, findings=findings, comment=comment(session, own, findings))
    if session.project and (differs or session.verbosity > 0):
        session.out(f"{session.about}{_summary(files, rows)}")
    if not session.project or differs:
        _print_rows(session, rows, env)
        costs.show(session, compared.costs if env or not session.project else [r for r in compared.costs if r.changed])
        for line in () if env is not None and not compared.fits else compared.fits:
            indent = "  " if session.project else ""
            session.out(folded(f"{session.about}memory of {line}", session.room, indent, f"{indent}    "))
        _print_files(session, files)
    print_findings(findings, session)
    return Outcome(path, status, findings=findings)


def _print_rows(session: Session, rows: Sequence[dict[str, Any]], env: str | None) -> None:
    if env is not None and not session.project:
        if rows or session.machine:
            session.out(table(rows, ["path", "before", "after", "source"], session))
        else:
            session.acknowledge("no value differs")
        return
    for row in rows:
        session.out(value_line(row, session))
    if not rows and not session.project:
        session.acknowledge("no value differs")


def _summary(files: Sequence[FileDiff], rows: Sequence[Mapping[str, Any]]) -> str:
    parts = [f"{len(rows)} value{'' if len(rows) == 1 else 's'}"] if rows else []
    parts += [f"{len(files)} file{'' if len(files) == 1 else 's'}"] if files else []
    count = len(rows) + len(files)
    return f"{' and '.join(parts)} {'differs' if count == 1 else 'differ'}" if parts else "nothing differs"


def _document(
    compared: Comparison,
    files: Sequence[FileDiff],
    rows: Sequence[Mapping[str, Any]],
    findings: Sequence[Finding],
    env: str | None,
) -> dict[str, Any]:
    """The plan contract."""
    counts = Counter(file.action for file in files)
    priced = compared.costs
    if env is not None:  # of two environments the costs are before and after
        first, second = priced
        priced = [Row(second.environment, second.cost, first.cost)]
    return document(
        changes=[
            {"path": f.path, "action": f.action, **({"digest": f.digest} if f.digest else {}), "cause": f.cause}
            for f in files
        ],
        values=[{key: row[key] for key in ROW if key in row} for row in rows],
        summary={action: counts[action] for action in ACTIONS} | {SAME: compared.unchanged},
        costs=[row.document for row in priced],
        findings=[plain(f) for f in ordered(findings)],
    )


# ---------------------------------------------------------------- comments
def comment(session: Session, compared: Comparison, findings: Sequence[Finding]) -> dict[str, Any] | None:
    """A project's part of a comment; of its files no more than one comment can hold."""
    if session.format != "markdown":
        return None
    files, room = [], MAX_CHARACTERS
    for file in compared.files:
        lines = _named(session, file)
        size = sum(map(len, lines)) + len(lines)
        room -= size
        came, went = (sum(line[:1] == sign for line in lines[2:]) for sign in "+-")
        whole = list(lines) if room > 0 else None
        files.append(
            {"path": session.named(file.path), "action": file.action, "came": came, "went": went, "lines": whole}
        )
    priced = [row for row in compared.costs if row.cost is not None or row.before is not None]
    return {
        "rows": [dict(row) for row in (*compared.rows, *compared.others)],
        "costs": [{"environment": row.environment, "cost": costs.words_of(row)} for row in priced],
        "prices": list(costs.price_lines(priced)),
        "fits": list(compared.fits),
        "files": files,
    }


def print_totals(totals: Totals, session: Session) -> int:
    """The end of the run."""
    if session.format == "markdown":
        session.out(body(totals.kept))
        return totals.code
    return totals.print_plans()
