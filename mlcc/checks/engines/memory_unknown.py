"""MLCC153: a model of which the registries do not have the facts that decide whether it fits."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import quoted
from mlcc.resolve.hardware import memory

CODE = "MLCC153"


def check(subject: Subject) -> Iterator[Finding]:
    """Where the memory check cannot compute anything, a note is shown: no finding would look like a fit."""
    engine, target, instance = subject.rows.engine, subject.rows.target, subject.rows.instance
    if engine is None or "max_model_len" not in engine.typed_keys or target is None or not target.instances:
        return
    seen = set()
    for container in serving_containers(subject):
        path, model = container.model_path, container.model
        named = subject.resolved.values.get(path)
        known = model is not None and memory.knows_weights(model.facts)
        if instance is None or named is None or known or path in seen:
            continue
        seen.add(path)
        message = (
            f"the registries do not know the size of {quoted(str(named.value), 80)}: whether it fits is not checked"
        )
        hint = "a row with its facts in a registry of yours lets mlcc compute it (CONTRIBUTING.md, Add a model)"
        yield subject.finding(CODE, path, message, hint, Severity.NOTE)
