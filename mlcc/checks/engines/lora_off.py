"""MLCC137: an adapter over an engine in which LoRA was switched off."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, format_path

CODE = "MLCC137"


def check(subject: Subject) -> Iterator[Finding]:
    """An adapter switches LoRA on by itself; where somebody says `false` SageMaker cannot load it."""
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
            path = container.path("lora.enabled")
            off = resolved.values.get(path)
            said = f", and {format_path(path)} is false" if off is not None else ", which is off"
            message = f"adapter {name} needs LoRA{container.words or ' in the engine'}{said}"
            place = path if off is not None else ("adapters", Item(name), "name")
            hint = f"remove {format_path(path)}: adapters switch LoRA on; or switch the adapter off (enabled: false)"
            yield subject.finding(CODE, place, message, hint)
