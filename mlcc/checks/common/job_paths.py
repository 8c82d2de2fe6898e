"""MLCC136: a key that the target needs and that is not set."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import dotted_path
from mlcc.io.schema import keys

CODE = "MLCC136"


def check(subject: Subject) -> Iterator[Finding]:
    """The project is rendered correctly without it, so it is a warning: it must be set before the deployment."""
    target = subject.rows.target
    if target is None:
        return
    for path in target.needs:
        ways = [path, target.instead[path]] if path in target.instead else [path]
        if not any(subject.resolved.get(way) for way in ways):
            message = f"{' or '.join(ways)} is missing: {target.title} needs it"
            hint = "; or ".join(f"mlcc set {way} {_example(way)}" for way in ways)
            yield subject.finding(CODE, tuple(path.split(".")), message, hint, Severity.WARNING)
    for path, other in target.together.items():
        if subject.resolved.get(path) and not subject.resolved.get(other):
            hint = f"mlcc set {other} {_example(other)}"
            message = f"{path} has no effect without {other}"
            yield subject.finding(CODE, tuple(path.split(".")), message, hint, Severity.WARNING)


def _example(path: str) -> str:
    """A value of the key, as its schema shows one."""
    prop = keys.find(dotted_path(path))
    return str(prop.schema["examples"][0]) if prop is not None else "VALUE"
