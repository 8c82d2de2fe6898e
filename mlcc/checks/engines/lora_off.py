"""MLCC137: an adapter over an engine that does not serve adapters."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item

CODE = "MLCC137"


def check(subject: Subject) -> Iterator[Finding]:
    """The engine of the adapter's base must have LoRA on, or SageMaker cannot load the adapter."""
    engine, resolved = subject.rows.engine, subject.resolved
    if engine is None or "lora.enabled" not in engine.typed_keys:
        return
    containers = {container.prefix: container for container in serving_containers(subject)}
    for name in resolved.names("adapters"):
        base = resolved.values.get(("adapters", Item(name), "base"))
        if not subject.enabled(("adapters", Item(name))):
            continue
        prefix = ("inference_components", Item(str(base.value))) if base is not None else ()
        container = containers.get(prefix) or containers.get(())
        if container is not None and container.get("lora.enabled") is not True:
            message = f"adapter {name} needs LoRA{container.words or ' in the engine'}, which is off"
            yield subject.finding(CODE, ("adapters", Item(name), "name"), message, "set engine.lora.enabled: true")
