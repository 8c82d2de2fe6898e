"""What a run says of one project, as it passes between processes and is kept.  Law: data, made of JSON's types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlcc.cli.session import Line
from mlcc.core.findings import Finding, Fix, Severity
from mlcc.core.records import NamedTuple
from mlcc.core.tree import BASE_DIR, LOCK_NAME

# What became of a project: nothing is to do, something is or was done, or it cannot be done.
UNCHANGED, CHANGED, REFUSED = "unchanged", "changed", "refused"
STATUSES = (UNCHANGED, CHANGED, REFUSED)
# Nothing is wrong with it, for validate.
VALID = "valid"


class Outcome(NamedTuple):
    """What one project's part of a run came to.

    file: its mlcc.yaml; lines: what is printed; document: its part of a document; pending: why its rendered files are
    not as mlcc.yaml says, for the formats that hold findings alone; noted: what is said once for all projects; comment:
    its part of a comment on a pull request; done: what was carried out, for the case that the output cannot tell it.
    """

    file: str
    status: str = UNCHANGED
    code: int = 0
    lines: Sequence[Line] = ()
    findings: Sequence[Finding] = ()
    document: Mapping[str, Any] | None = None
    pending: Sequence[Finding] = ()
    noted: Sequence[str] = ()
    comment: Mapping[str, Any] | None = None
    done: str = ""


def recorded(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON has it."""
    return {**outcome._asdict(), "findings": list(outcome.findings), "pending": list(outcome.pending)}


def of_record(record: Mapping[str, Any]) -> Outcome:
    """The outcome that `recorded` was given.  Raises KeyError, TypeError or ValueError for anything else."""
    found = Outcome(**{name: record[name] for name in Outcome._fields})
    findings, pending = ([_finding(one) for one in several] for several in (found.findings, found.pending))
    return found._replace(findings=findings, pending=pending, lines=[(str(a), bool(b)) for a, b in found.lines])


def _finding(fields: Sequence[Any]) -> Finding:
    code, severity, *rest = fields
    finding = Finding(code, Severity(severity), *rest)
    return finding._replace(fix=Fix(*finding.fix)) if finding.fix is not None else finding


def within(folder: str, findings: Iterable[Finding], *, named_inside: bool) -> list[Finding]:
    """Findings of a project by names from where its folder is named from.

    named_inside: they name files of the project from its folder; else only mlcc's own ones.
    """
    own = (LOCK_NAME, BASE_DIR.partition("/")[0])
    return [
        f._replace(file=f"{folder}/{f.file}" if f.file else folder)
        if folder and (named_inside or f.file.partition("/")[0] in own)
        else f
        for f in findings
    ]
