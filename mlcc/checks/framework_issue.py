"""MLCC154: what is known to go wrong with the chosen version."""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, Severity

CODE = "MLCC154"


def check(subject: Subject) -> Iterator[Finding]:
    """Issues in the version's row; those for some accelerators or instances only where these are chosen."""
    version, instance = subject.rows.version, subject.rows.instance
    for issue in version.known_issues if version is not None else ():
        if issue.get("when"):
            continue  # a condition in words is for people: mlcc catalog frameworks shows it
        kinds, types = issue.get("accelerators"), issue.get("instances")
        if kinds and (instance is None or instance.accelerator_name not in kinds):
            continue
        if types and (instance is None or not any(fnmatchcase(instance.name, t) for t in types)):
            continue
        severity = Severity.NOTE if issue.get("severity") == "note" else Severity.WARNING
        yield subject.finding(
            CODE, ("framework", "version"), str(issue["message"]), str(issue.get("source", "")), severity
        )
