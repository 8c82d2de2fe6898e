"""MLCC408: a waiver of a rule that its folder does not have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import nearest, quoted

CODE = "MLCC408"


def check(subject: Subject) -> Iterator[Finding]:
    """It would waive nothing, and its owner would believe that it does; nor does it reach rules of other folders."""
    for folder, waiver in ((f, w) for f in subject.registries.policy_folders for w in f.stray):
        near = nearest(waiver.policy, folder.names)
        hint = f"did you mean {near}? " if near else ""
        hint += "a waiver stands in the folder of the rule that it waives"
        message = f"the waiver names the rule {quoted(waiver.policy, 80)}, which its folder does not have"
        mark = waiver.mark
        yield Finding(CODE, Severity.ERROR, message, "policies", mark.file, mark.line, mark.column, hint)
