"""MLCC139: a host whose driver does not support the instance's devices yet, or no longer supports them."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.version_order import order

CODE = "MLCC139"


def check(subject: Subject) -> Iterator[Finding]:
    """A named machine image only: SageMaker's default host is one that fits the instance."""
    target, instance = subject.rows.target, subject.rows.instance
    if target is None or instance is None or not target.host_image:
        return
    name = str(subject.resolved.get(target.host_image, ""))
    ami = subject.registries.entries("amis").get(name)
    has = str(ami.facts.get("driver", "")) if ami is not None else ""
    if not has or instance.accelerator != "cuda":
        return
    for limit, wrong, words in (
        (instance.driver, order(has)[:1] < order(instance.driver)[:1], "need driver {} or newer"),
        (instance.last_driver, order(has)[:1] > order(instance.last_driver)[:1], "need driver {} or older"),
    ):
        if limit and wrong:
            device = instance.accelerator_name
            message = f"{name} has driver {has}, and {device} devices ({instance.name}) {words.format(limit)}"
            hint = f"name another {target.host_image} (mlcc catalog amis), or another instance type"
            yield subject.finding(CODE, tuple(target.host_image.split(".")), message, hint)
