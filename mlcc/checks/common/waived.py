"""MLCC400: a broken rule that a waiver allows."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks import waivers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity

CODE = "MLCC400"


def check(subject: Subject) -> Iterator[Finding]:
    """Every broken rule that somebody answers for is shown, so that nobody forgets it."""
    for breach, waiver in waivers.waived(subject):
        if not waivers.expired(waiver, subject.today):
            message = f"{breach.message}; waived {waivers.words(waiver)}"
            hint = f"waiver at {waiver.origin}, policy at {breach.policy.origin}"
            yield subject.finding(CODE, breach.path, message, hint, Severity.NOTE)
