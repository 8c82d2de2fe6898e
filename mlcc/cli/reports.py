"""The end of a run over projects: documents, reports, notes and sums.  Law: said once, whatever the number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mlcc.cli.formats import print_report
from mlcc.cli.outcomes import CHANGED, REFUSED, UNCHANGED, VALID, Outcome
from mlcc.cli.output import count_line, document, plain, print_document, print_findings
from mlcc.cli.plan_documents import entry, joined
from mlcc.cli.runs import Scope
from mlcc.cli.session import REPORT_FORMATS, Session
from mlcc.core.findings import Finding, Severity, ordered
from mlcc.core.records import NamedTuple

CHANGES = 2
# Exit codes by how much they matter: what is wrong is more than that there is something to do.
WEIGHT = (0, CHANGES, 1, 3)


class Totals:
    """What a run came to, project by project."""

    def __init__(self, session: Session, over: Scope, keeps_documents: bool = False) -> None:
        """over: the projects; keeps_documents: whatever is printed."""
        self.session, self.over = session, over
        self.keeps = session.format != "table" or keeps_documents
        self.code = 0
        self.counts: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.notes: dict[Finding, list[Finding]] = {}
        self.kept: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Counts one project; of its outcome only what the format needs at the end is kept."""
        self.code = max(self.code, outcome.code, key=WEIGHT.index)
        self.counts[outcome.status] += 1
        self.noted.update(dict.fromkeys(outcome.noted, 1))
        if self.session.format == "table":
            for finding in notes(outcome.findings):
                self.notes.setdefault(_same(finding), []).append(finding)
        if self.keeps:
            self.kept.append(outcome._replace(lines=()))

    def print_plans(self) -> int:
        """The end of plan, diff and apply: the document or the report, then the sums.  Returns the exit code."""
        session = self.session
        if session.format in ("json", "yaml"):
            print_document(session, joined([entry(one) for one in self.kept], self.over.many))
        elif session.format in REPORT_FORMATS:
            print_report(self.cases(), session, self.over.chosen)
        if self.over.many:
            self.say_notes()
            self.print_sums(f"{self._projects()}: {self._parts((UNCHANGED, CHANGED, REFUSED))}")
        return self.code

    def print_sums(self, line: str) -> None:
        """The last line: of the result where people read it, else talk."""
        if self.session.format in ("table", "markdown"):
            (self.session.out if self.code else self.session.acknowledge)(line)
        else:
            self.session.say(line)

    def cases(self) -> list[Outcome]:
        """Each project with all that a report holds of it."""
        return [one._replace(findings=[*one.findings, *one.pending]) for one in self.kept]

    def say_notes(self) -> None:
        """What is the same for several projects, once."""
        session = self.session
        if session.format != "table":
            return
        print_findings(once(self.notes), session)
        for text, times in self.noted.items():
            session.say(f"note: {text}{f' ({times} projects)' if times > 1 else ''}")

    def _projects(self) -> str:
        number = self.counts.total()
        return f"{number:,} project{'' if number == 1 else 's'}"

    def _parts(self, statuses: Iterable[str]) -> str:
        return ", ".join(f"{self.counts[s]:,} {s}" for s in statuses if self.counts[s]) or "nothing to do"


class Checked(NamedTuple):
    """What validate found: of each project, and of what could not be looked into.

    known: how many findings a baseline knows, which are left out; None without one.
    """

    outcomes: Sequence[Outcome]
    hidden: Sequence[Finding]
    known: int | None = None

    @property
    def findings(self) -> list[Finding]:
        """All of them."""
        return [*self.hidden, *(f for one in self.outcomes for f in one.findings)]


def print_checked(checked: Checked, session: Session, over: Scope) -> None:
    """The findings of validate, and how many projects are valid."""
    print_found(checked, session, over)
    if session.format == "markdown" or not session.machine or over.many:
        _say_checked(checked, session, over)


def print_found(checked: Checked, session: Session, over: Scope) -> None:
    """Findings as the whole result of a command."""
    found = checked.findings
    if session.format in ("json", "yaml"):
        print_document(session, _checked_document(checked))
    elif session.format == "table" and over.many:
        shown: dict[Finding, list[Finding]] = {}
        for finding in notes(found):
            shown.setdefault(_same(finding), []).append(finding)
        print_report([Outcome("", findings=[*without_notes(found), *once(shown)])], session, over.chosen)
    else:
        hidden = [Outcome(one.file, REFUSED, 1, findings=[one]) for one in checked.hidden]
        print_report([*hidden, *checked.outcomes], session, over.chosen)


def _checked_document(checked: Checked) -> dict[str, Any]:
    projects = [
        {"file": one.file, "status": one.status, "findings": [plain(f) for f in ordered(one.findings)]}
        for one in checked.outcomes
    ]
    known = {"known": checked.known} if checked.known is not None else {}
    return document(findings=[plain(f) for f in ordered(checked.findings)], projects=projects, **known)


def _say_checked(checked: Checked, session: Session, over: Scope) -> None:
    count = count_line(checked.findings)
    if not over.many:
        session.say(f"{over.chosen[0]}: {count}" if count else f"{over.chosen[0]}: nothing wrong")
        return
    number = len(checked.outcomes)
    words = f"{number:,} project{'' if number == 1 else 's'}"
    refused = sum(one.status == REFUSED for one in checked.outcomes)
    parts = f"{number - refused:,} {VALID}, {refused:,} {REFUSED}; " if refused else ""
    line = f"{words}: {parts}{count}" if count else f"{words}: nothing wrong"
    if session.format == "markdown":
        session.out(f"\n{line}")
    else:
        session.say(line)


# ---------------------------------------------------------------- notes
def notes(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are notes."""
    return [f for f in findings if f.severity is Severity.NOTE]


def without_notes(findings: Iterable[Finding]) -> list[Finding]:
    """The others."""
    return [f for f in findings if f.severity is not Severity.NOTE]


def _same(finding: Finding) -> Finding:
    """What two notes about different projects have in common."""
    return finding._replace(file="", line=0, column=0)


def once(found: dict[Finding, list[Finding]]) -> list[Finding]:
    """Each note at its first place, with the number of the others."""
    shown = []
    for first, *others in found.values():
        more = f" (and in {len(others):,} more project{'' if len(others) == 1 else 's'})" if others else ""
        shown.append(first._replace(message=f"{first.message}{more}"))
    return shown
