"""MLCC121: a secret without exactly one place, or with a place that its target does not read."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path

CODE = "MLCC121"
# The places of a secret, with the message for one that the target does not read.
FORMS = {
    "secretsmanager": "is in AWS Secrets Manager, which {} does not read",
    "env": "comes from a variable of this machine, which {} does not have",
    "kubernetes": "is in a Kubernetes cluster, which {} does not read",
}


def check(subject: Subject) -> Iterator[Finding]:
    """One of secretsmanager, env and kubernetes; the target's row has those that a running container reads."""
    secrets: dict[Path, set[str]] = {}
    for path in subject.resolved.values:
        if path[0] == "secrets" and len(path) > 2:
            secrets.setdefault(path[:2], set()).add(str(path[2]))
    target = subject.rows.target
    read = target.secrets if target is not None else ()
    for path, keys in secrets.items():
        forms = [f for f in FORMS if f in keys]
        leaf = next(p for p in subject.resolved.values if p[:2] == path)
        if len(forms) != 1:
            message = f"{path[1]} names {len(forms)} of {', '.join(FORMS)}"
            yield subject.finding(CODE, leaf, message, "name exactly one: where the value is kept")
        elif "json_key" in keys and forms != ["secretsmanager"]:
            hint = "remove it: the other places contain the value itself"
            yield subject.finding(CODE, (*path, "json_key"), f"{path[1]} has a json_key without secretsmanager", hint)
        elif read and forms[0] not in read and subject.resolved.get(f"secrets.{path[1]}.phase") != "build":
            words = FORMS[forms[0]].format(target.name if target is not None else "")
            hint = f"use {' or '.join(read)}" + (", or phase: build" if forms == ["env"] else "")
            hint += "" if "env" in read else ", or deploy to the target local"
            yield subject.finding(CODE, leaf, f"{path[1]} {words}", hint, Severity.WARNING)
