"""MLCC138: inference components that together need more devices than the instances have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path

CODE = "MLCC138"


def check(subject: Subject) -> Iterator[Finding]:
    """SageMaker places copies on instances; what does not fit is never placed, and the endpoint stays in Creating."""
    instance, resolved = subject.rows.instance, subject.resolved
    if instance is None or not instance.accelerator_count:
        return
    wanted: dict[str, tuple[int, Path]] = {}
    largest = 0  # a component that is larger than an instance is reported by MLCC143
    for name in resolved.names("inference_components"):
        prefix: Path = ("inference_components", Item(name))
        count, copies = resolved.values.get((*prefix, "gpu_count")), resolved.values.get((*prefix, "copy_count"))
        if count is not None and subject.enabled(prefix):
            largest = max(largest, int(count.value))
            wanted[name] = (int(count.value) * int(copies.value if copies is not None else 1), (*prefix, "gpu_count"))
    machines = int(resolved.get("deployment.instance_count", 1) or 1)
    have, total = instance.accelerator_count * machines, sum(n for n, _ in wanted.values())
    if total > have and largest <= instance.accelerator_count:
        each = ", ".join(f"{name} {n}" for name, (n, _) in wanted.items())
        message = f"the components need {total} devices ({each}), and {machines} x {instance.name} have {have}"
        last = list(wanted.values())[-1][1]
        hint = "lower gpu_count or copy_count, raise deployment.instance_count, or take a larger instance type"
        yield subject.finding(CODE, last, message, hint)
