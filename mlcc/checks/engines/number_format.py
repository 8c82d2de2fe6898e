"""MLCC134: a number format that the instance's devices do not compute with."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.version_order import order

CODE = "MLCC134"


def check(subject: Subject) -> Iterator[Finding]:
    """The engine's row has the compute capability that a value of a key needs; without the key the engine chooses."""
    engine, instance, seen = subject.rows.engine, subject.rows.instance, set()
    if engine is None or instance is None or not instance.compute_capability:
        return
    for container in serving_containers(subject):
        for key, values in engine.needed_capability.items():
            setting = container.engine.get(key)
            least = values.get(str(setting.value)) if setting is not None else None
            if setting is None or least is None or setting.path in seen:
                continue
            if order(instance.compute_capability) < order(least):
                seen.add(setting.path)
                message = (
                    f"{setting.value} needs devices of compute capability {least}, and {instance.name} has "
                    f"{instance.accelerator_name} of {instance.compute_capability}"
                )
                others = [value for value in ("half", "float16") if value not in values]
                yield subject.finding(CODE, setting.path, message, f"set it to {others[0]}, or take newer devices")
