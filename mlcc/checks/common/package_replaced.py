"""MLCC194: a note of what build.requirements does to the packages of the registry rows."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity

CODE = "MLCC194"
PATH = ("build", "requirements")


def check(subject: Subject) -> Iterator[Finding]:
    """An exact version takes the place of the row's; a range that the row's version lies in installs that one."""
    value = subject.resolved.values.get(PATH)
    if value is None or not value.value:
        return
    from mlcc.resolve.requirements import joined

    both = joined(subject.rows.requirements, value.value)
    framework = subject.rows.framework
    for row, own in both.replaced:
        if framework is not None and row.package in framework.packages:
            continue  # MLCC193 refuses it
        message = f"{own.text} takes the place of {row.text}, with which the framework's version was tested"
        yield subject.finding(
            CODE, PATH, message, "do/build and do/test show whether they work together", Severity.NOTE
        )
    for own, row in both.kept:
        message = f"{own.text} is installed as {row.version}, the version of the framework's row"
        yield subject.finding(CODE, PATH, message, f"to say it yourself: {row.text}", Severity.NOTE)
