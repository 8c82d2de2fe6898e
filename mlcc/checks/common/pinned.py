"""MLCC125: a requirement without an exact version, so that two builds of one commit may differ."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import quoted

CODE = "MLCC125"
PYTHON, DEBIAN = ("build", "requirements"), ("build", "system_packages")


def check(subject: Subject) -> Iterator[Finding]:
    """Python packages pin with ==, Debian packages with =; a range is one where the rows' version lies in it."""
    value = subject.resolved.values.get(DEBIAN)
    for line in value.value if value is not None else ():
        if "=" not in line:
            yield _finding(subject, DEBIAN, f"{quoted(str(line))} has no version", f"{line}=VERSION")
    value = subject.resolved.values.get(PYTHON)
    if value is not None and value.value:
        from mlcc.resolve.requirements import is_empty, joined, lowest, parsed

        kept = {own.text for own, _ in joined(subject.rows.requirements, value.value).kept}
        for line in value.value:
            found = parsed(line)
            if found is None or found.version or line in kept or is_empty(line):
                continue
            name = line[: len(line) - len(line.lstrip(NAME))]
            what = "has no version" if line == name else "is a range: the version is whatever is newest at the build"
            yield _finding(subject, PYTHON, f"{quoted(line)} {what}", f"{name}=={lowest(line) or 'VERSION'}")


# What a name and its extras are made of.
NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-[],"


def _finding(subject: Subject, path: tuple[str, ...], message: str, pin: str) -> Finding:
    return subject.finding(CODE, path, message, f"pin it: {pin}", Severity.WARNING)
