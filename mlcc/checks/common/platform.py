"""MLCC135: an image that is built for another processor than the instance has."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import quoted

CODE = "MLCC135"


def check(subject: Subject) -> Iterator[Finding]:
    """An image of another platform ends with `exec format error` before it logs anything."""
    instance, value = subject.rows.instance, subject.resolved.value("build.platform")
    target = subject.rows.target
    if instance is None or value is None or target is None or not target.instances or not instance.platform:
        return
    if value.value != instance.platform:
        message = f"the image is built for {quoted(str(value.value))}, and {instance.name} runs {instance.platform}"
        hint = f"remove build.platform: it is {instance.platform} then; or take another instance type"
        yield subject.finding(CODE, ("build", "platform"), message, hint)
