"""MLCC407: a waiver whose last day is over."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks import waivers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import format_path
from mlcc.core.text import printable

CODE = "MLCC407"


def check(subject: Subject) -> Iterator[Finding]:
    """At the waiver's place: its owner has to mend the project, or to decide anew."""
    for breach, waiver in waivers.waived(subject):
        if waivers.expired(waiver, subject.today):
            path, mark = format_path(breach.path), waiver.mark
            message = f"the waiver of {breach.policy.name} has expired; it was given {waivers.words(waiver)}"
            owner = printable(waiver.owner, 100)
            hint = f"keep the rule (policy at {breach.policy.origin}), or let {owner} set a later day"
            yield Finding(CODE, Severity.ERROR, message, path, mark.file, mark.line, mark.column, hint)
