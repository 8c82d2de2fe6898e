"""One project that is planned and not written: printed, and its outcome.  Law: the same for plan, diff and --check."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlcc.apply.prepare import Prepared
from mlcc.cli.changes import print_plan, say_sources, say_uncommitted, summary_line
from mlcc.cli.outcomes import CHANGED, REFUSED, UNCHANGED, Outcome
from mlcc.cli.output import print_findings
from mlcc.cli.projects import target_of, warn_unfinished
from mlcc.cli.runs import Scope
from mlcc.cli.session import Session
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import printable
from mlcc.plan import changes
from mlcc.resolve.project import Project

Printer = Callable[[Sequence[Finding]], None]
# Of the files that a finding names.
MAX_NAMED = 5


def outcome_of(
    session: Session,
    over: Scope,
    path: str,
    project: Project,
    prepared: Prepared,
    code: int,
    *,
    check: bool = False,
    printer: Printer | None = None,
) -> Outcome:
    """Prints what apply would do to one project.

    code: the exit code where there is something to do; check: that it is not done is a mistake; printer: prints the
    plan in another way.
    """
    findings = over.findings(path, project, [*prepared.plan.findings, *prepared.state.findings])
    if not session.machine:
        say_sources(session, project)
    if printer is not None:
        printer(findings)
    else:
        print_plan(session, project, prepared, findings, path, done=False)
    if not session.machine:
        print_findings(findings, session)
        say_uncommitted(session, project)
    warn_unfinished(session, target_of(path, over.selection.directory))
    document = session.documents.pop(path, None)
    pending = [_pending(prepared, path, check)] if prepared.changes and not prepared.plan.blocked else []
    status = status_of(prepared)
    return Outcome(
        path, status, 1 if status == REFUSED else code if prepared.changes else 0, (), findings, document, pending
    )


def status_of(prepared: Prepared) -> str:
    """What would become of the project."""
    return REFUSED if prepared.plan.blocked else CHANGED if prepared.changes else UNCHANGED


def _pending(prepared: Prepared, path: str, check: bool) -> Finding:
    """That the rendered files are not as mlcc.yaml says, for formats that hold findings alone."""
    named = [
        f"{c.path} ({c.action})" for c in prepared.all_changes if c.action not in (changes.UNCHANGED, changes.KEEP)
    ]
    shown = ", ".join(printable(name, 100) for name in named[:MAX_NAMED])
    more = f" and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    what = f"{summary_line(prepared)}: {shown}{more}" if named else "files of .mlcc are missing or others"
    shown_path = printable(path, 300)
    if check:
        message = f"the project is not as mlcc.yaml says: {what}"
        return Finding(
            "MLCC242", Severity.ERROR, message, file=shown_path, hint="mlcc apply, and commit what it writes"
        )
    return Finding("MLCC241", Severity.NOTE, f"mlcc apply would change the project: {what}", file=shown_path)
