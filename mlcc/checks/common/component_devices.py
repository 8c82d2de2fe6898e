"""MLCC138: inference components that together need more devices than the instances have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.proposals import larger, with_devices
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.resolve.hardware import shares

CODE = "MLCC138"


def check(subject: Subject) -> Iterator[Finding]:
    """SageMaker places copies on instances; what does not fit is never placed, and the endpoint stays in Creating."""
    instance, resolved = subject.rows.instance, subject.resolved
    if instance is None or not instance.accelerator_count:
        return
    names = [n for n in resolved.names("inference_components") if subject.enabled(("inference_components", Item(n)))]
    share = shares.share(instance.accelerator_count, len(names))
    wanted: dict[str, tuple[int, Path]] = {}
    largest = 0  # a component that is larger than an instance is reported by MLCC143
    for name in names:
        prefix: Path = ("inference_components", Item(name))
        count, copies = (resolved.values.get((*prefix, key)) for key in ("gpu_count", "copy_count"))
        devices = int(count.value) if count is not None else share
        largest = max(largest, devices)
        place = "gpu_count" if count is not None else "copy_count"
        wanted[name] = (devices * int(copies.value if copies is not None else 1), (*prefix, place))
    machines = int(resolved.get("deployment.instance_count", 1) or 1)
    have, total = instance.accelerator_count * machines, sum(n for n, _ in wanted.values())
    if total > have and largest <= instance.accelerator_count:
        each = ", ".join(f"{name} {n}" for name, (n, _) in wanted.items())
        message = f"the components need {total} devices ({each}), and {machines} x {instance.name} have {have}"
        last = list(wanted.values())[-1][1]
        other = larger(subject, "take a larger instance type", with_devices(-(-total // machines)))
        hint = f"lower gpu_count or copy_count, raise deployment.instance_count, or {other}"
        yield subject.finding(CODE, last, message, hint)
