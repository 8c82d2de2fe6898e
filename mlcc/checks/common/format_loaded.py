"""MLCC113: a model format that the framework does not load."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed, quoted

CODE = "MLCC113"


def check(subject: Subject) -> Iterator[Finding]:
    """The framework row lists the formats that its handler loads."""
    framework, form = subject.rows.framework, subject.resolved.get("model.format")
    if framework is None or form is None or not framework.formats or form in framework.formats:
        return
    message = f"{framework.name} does not load {quoted(str(form))}"
    yield subject.finding(CODE, ("model", "format"), message, f"{framework.name} loads: {allowed(framework.formats)}")
