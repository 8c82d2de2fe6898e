"""MLCC377: a pod that is larger than its node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcc.checks.proposals import larger, with_devices
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import quoted
from mlcc.registries.rows import Instance
from mlcc.resolve.hyperpod import clusters

CODE = "MLCC377"
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-zA-Z]*)\Z")
_FACTORS = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    **{f"{letter}i": 1024.0 ** (n + 1) for n, letter in enumerate("KMGTPE")},
}  # fmt: skip
GIB = 1024.0**3


def check(subject: Subject) -> Iterator[Finding]:
    """Kubernetes places a pod on no node then, and it stays Pending for ever; every type that is named must do."""
    resolved = subject.resolved
    listed = resolved.get("hyperpod.instance_types", ())
    target = subject.rows.target
    for name in listed or [resolved.get("deployment.instance_type", "")]:
        instance = subject.registries.instance(str(name)) if name else None
        path = ("hyperpod", "instance_types") if listed else ("deployment", "instance_type")
        if instance is None:
            if listed:
                hint = "`mlcc catalog instances --offered hyperpod` lists those that there are"
                yield subject.finding(CODE, path, f"no instance type is called {quoted(str(name))}", hint)
            continue
        if listed and not instance.hyperpod and not clusters.is_plain(resolved.values):
            hint = "`mlcc catalog instances --offered hyperpod` lists those that are"
            yield subject.finding(CODE, path, f"{instance.name} is not offered for HyperPod clusters", hint)
        yield from _too_much(subject, instance)
        devices = target.devices if target is not None else {}
        if listed and subject.rows.instance is not None and instance.accelerator != subject.rows.instance.accelerator:
            words = f"{instance.name} has another kind of device than {subject.rows.instance.name}"
            hint = (
                f"deployment.instance_type says which the pods ask for ({', '.join(devices.values())}); list its kind"
            )
            yield subject.finding(CODE, path, words, hint)


def _too_much(subject: Subject, instance: Instance) -> Iterator[Finding]:
    count = subject.resolved.get("hyperpod.gpu_count")
    have = instance.accelerator_count or 0
    if count is not None and int(count) > have:
        more = larger(subject, "", with_devices(int(count))) if instance == subject.rows.instance else ""
        hint = f"at most {have}" if have else "remove it, or take an instance type with GPUs"
        hint = f"{hint}, or {more}" if more and have else hint
        message = f"gpu_count is {count}, and {instance.name} has {have}"
        yield subject.finding(CODE, ("hyperpod", "gpu_count"), message, hint)
    limits = {
        "cpu": (float(instance.vcpu) if instance.vcpu else None, "processors"),
        "memory": (instance.memory_gib * GIB if instance.memory_gib else None, "bytes of memory"),
    }
    for word, (most, unit) in limits.items():
        asked = subject.resolved.get(f"hyperpod.{word}_request")
        amount = quantity(str(asked)) if asked is not None else None
        if amount is not None and most is not None and amount >= most:
            message = f"{word}_request {asked} leaves nothing of the {most:,.0f} {unit} of {instance.name}"
            hint = "ask for less: the node's own programs take a part"
            yield subject.finding(CODE, ("hyperpod", f"{word}_request"), message, hint)


def quantity(text: str) -> float | None:
    """An amount as Kubernetes writes it, in processors or bytes; None for what is no such text.

    >>> quantity("500m"), quantity("1Gi")
    (0.5, 1073741824.0)
    """
    found = _QUANTITY.match(text)
    factor = _FACTORS.get(found[2]) if found is not None else None
    return float(found[1]) * factor if found is not None and factor is not None else None
