"""MLCC143: a model split over more devices than there are, or over a number that does not divide its heads."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Container, devices_needed, serving_containers, split_size
from mlcc.checks.proposals import larger, with_devices
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.registries.rows import Instance
from mlcc.resolve.hardware.instances import can_share_heads

CODE = "MLCC143"
LARGER = "take a larger instance type"


def check(subject: Subject) -> Iterator[Finding]:
    """Every device of a split must exist; every device gets a whole number of attention heads."""
    instance = subject.rows.instance
    if subject.rows.engine is None:
        return
    for container in serving_containers(subject):
        if instance is not None and container.devices is not None:
            yield from _too_few_devices(subject, instance, container, container.devices)
        yield from _uneven_heads(subject, container)


def _too_few_devices(subject: Subject, instance: Instance, container: Container, devices: int) -> Iterator[Finding]:
    have, needed = instance.accelerator_count, devices_needed(container)
    if have is not None and devices > have:
        message = f"gpu_count is {devices}{container.words}, and {instance.name} has {have}"
        hint = f"lower it to {have}, or {larger(subject, LARGER, with_devices(devices))}"
        yield subject.finding(CODE, (*container.prefix, "gpu_count"), message, hint)
    if needed > devices:
        message = f"{needed} devices are needed{container.words}, and there are {devices} ({instance.name})"
        more = larger(subject, LARGER, with_devices(needed)) if not container.prefix else LARGER
        hint = f"lower it to {devices}, set it to max, or {more}"
        yield subject.finding(CODE, container.path("tensor_parallel_size"), message, hint)


def _uneven_heads(subject: Subject, container: Container) -> Iterator[Finding]:
    model, size = container.model, split_size(container)
    if model is None or can_share_heads(model.facts, size):
        return
    heads, kv_heads = (model.facts.get(key, 0) for key in ("attention_heads", "kv_heads"))
    words = f"{heads} attention heads"
    words += f" and {kv_heads} of keys and values" if kv_heads not in (0, heads) else ""
    message = f"{model.name} has {words}, which {size} devices cannot share evenly"
    fits = ", ".join(str(n) for n in (1, 2, 4, 8, 16) if can_share_heads(model.facts, n))
    yield subject.finding(CODE, container.path("tensor_parallel_size"), message, f"use {fits}")
