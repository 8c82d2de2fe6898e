"""MLCC108: an instance type that no registry lists."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.proposals import named
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import nearest, quoted

CODE = "MLCC108"


def check(subject: Subject) -> Iterator[Finding]:
    """An unknown type is a typo far more often than a type newer than the registries."""
    name = subject.resolved.get("deployment.instance_type")
    if name is None or subject.rows.instance is not None:
        return
    near = nearest(str(name), subject.registries.instances)
    hint = (
        f"did you mean {named(subject, near)}? " if near else ""
    ) + "`mlcc catalog instances` lists them; a newer one can be added as a registry row"
    yield subject.finding(
        CODE, ("deployment", "instance_type"), f"no instance type is called {quoted(str(name))}", hint
    )
