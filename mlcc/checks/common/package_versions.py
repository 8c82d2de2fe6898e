"""MLCC193: requirements that contradict each other, the framework's version, or pip's own grammar."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import quoted

CODE = "MLCC193"
PATH = ("build", "requirements")


def check(subject: Subject) -> Iterator[Finding]:
    """Each package once, with a version that exists, and the framework's own package at framework.version."""
    value = subject.resolved.values.get(PATH)
    if value is None or not value.value:
        return
    from mlcc.resolve.requirements import is_empty, parsed, twice

    for line in value.value:
        found = parsed(line)
        if found is None:
            name, _, version = line.partition("=")
            near = (f"{line}.0", f"{name.rstrip('!~<>')}=={version.lstrip('=')}")  # ~= wants two numbers
            right = next((one for one in near if parsed(one) is not None), "")
            hint = right or "name, extras in brackets, and a version: pandas==2.3.3"
            yield subject.finding(CODE, PATH, f"{quoted(line)} is nothing that pip can install", hint)
        elif is_empty(line):
            yield subject.finding(CODE, PATH, f"no version satisfies {quoted(line)}", f"{found.package}==VERSION")
        else:
            yield from _framework(subject, line, found.package)
    for first, second in twice(value.value):
        message = f"{quoted(first)} and {quoted(second)} are two requirements of one package"
        yield subject.finding(CODE, PATH, message, "keep one of them")


def _framework(subject: Subject, line: str, package: str) -> Iterator[Finding]:
    """The framework itself has the version of its row, with which all other packages were tested, and is there once."""
    from mlcc.resolve.requirements import allows, parsed

    framework, version = subject.rows.framework, subject.rows.version
    if framework is None or version is None or package not in framework.packages:
        return
    row = next(
        (one for text in version.requirements if (one := parsed(text)) and one.package in framework.packages), None
    )
    if row is None or not row.version or (row.package == package and allows(line, row.version)):
        return
    if allows(line, row.version):
        message = f"{quoted(line)} would be installed beside {row.text}, another build of {framework.title}"
        yield subject.finding(CODE, PATH, message, f"leave {package} out: framework.version is its version")
        return
    others = [name for name, other in framework.versions.items() if allows(line, name) and other.requirements]
    message = f"{quoted(line)} is not framework.version {version.name} ({row.text})"
    hint = f"framework: {{version: {quoted(others[0])}}}" if others else f"mlcc catalog frameworks {framework.name}"
    yield subject.finding(CODE, PATH, message, f"{hint}, and leave {package} out of build.requirements")
