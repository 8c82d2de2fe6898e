"""MLCC121: a secret that is not referred to in exactly one way, or in a way that its target has not."""

from collections.abc import Iterator

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding, Severity
from mlcc.values import Path

CODE = "MLCC121"
FORMS = ("secretsmanager", "env", "kubernetes")


def check(subject: Subject) -> Iterator[Finding]:
    """One of secretsmanager, env and kubernetes; env is for this machine and for builds."""
    found: dict[Path, set[str]] = {}
    for path in subject.resolved.values:
        if path[0] == "secrets" and len(path) > 2:
            found.setdefault(path[:2], set()).add(str(path[2]))
    for path, keys in found.items():
        forms = [f for f in FORMS if f in keys]
        leaf = next(p for p in subject.resolved.values if p[:2] == path)
        if len(forms) != 1:
            message = f"{path[1]} names {len(forms)} of {', '.join(FORMS)}"
            yield subject.finding(CODE, leaf, message, "name exactly one: where the value is kept")
        elif (
            forms == ["env"]
            and _leaves_machine(subject)
            and subject.resolved.get(f"secrets.{path[1]}.phase") != "build"
        ):
            target = subject.resolved.get("deployment.target")
            message = f"{path[1]} comes from a variable of this machine, which {target} has not"
            hint = "use secretsmanager, or phase: build, or deploy to the target local"
            yield subject.finding(CODE, leaf, message, hint, Severity.WARNING)


def _leaves_machine(subject: Subject) -> bool:
    return subject.rows.target is not None and subject.rows.target.needs_region
