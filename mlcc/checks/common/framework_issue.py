"""MLCC154: a known issue of the chosen version."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlcc.checks.policies import concerns
from mlcc.checks.policy_facts import PolicyContext
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity

CODE = "MLCC154"


def check(subject: Subject) -> Iterator[Finding]:
    """Issues in the version's row; those with conditions only where the conditions are met."""
    version, instance = subject.rows.version, subject.rows.instance
    context = PolicyContext(subject.resolved, subject.registries)
    for issue in version.known_issues if version is not None else ():
        if not concerns(issue, context):
            continue
        kinds, types = issue.get("accelerators"), issue.get("instances")
        if kinds and (instance is None or instance.accelerator_name not in kinds):
            continue
        if types and (instance is None or not any(fnmatchcase(instance.name, t) for t in types)):
            continue
        severity = Severity.NOTE if issue.get("severity") == "note" else Severity.WARNING
        yield subject.finding(
            CODE, ("framework", "version"), str(issue["message"]), str(issue.get("source", "")), severity
        )
