"""MLCC125: a requirement without an exact version, so that two builds of one commit may differ."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import quoted

CODE = "MLCC125"


def check(subject: Subject) -> Iterator[Finding]:
    """Requirements pin with ==, Debian packages with =."""
    for path, sign in ((("build", "requirements"), "=="), (("build", "system_packages"), "=")):
        value = subject.resolved.values.get(path)
        for line in value.value if value is not None else ():
            if sign not in line:
                message = f"{quoted(str(line))} has no version"
                yield subject.finding(CODE, path, message, f"pin it: {line}{sign}VERSION", Severity.WARNING)
