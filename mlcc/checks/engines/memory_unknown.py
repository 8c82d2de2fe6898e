"""MLCC153: a model of which the registries know too little to say whether it fits."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, quoted
from mlcc.core.paths import Path
from mlcc.resolve.hardware import memory

CODE = "MLCC153"


def check(subject: Subject) -> Iterator[Finding]:
    """Nobody shall take the silence of the memory check for its consent."""
    engine, target, instance = subject.rows.engine, subject.rows.target, subject.rows.instance
    if engine is None or "max_model_len" not in engine.typed or target is None or not target.instances:
        return
    seen = set()
    for place in places(subject):
        path: Path = (*place.prefix, "model") if place.own_model else ("model", "name")
        named = subject.resolved.values.get(path)
        known = place.model is not None and (memory.possible(place.model.facts) or memory.sized(place.model.facts))
        if instance is None or named is None or known or path in seen:
            continue
        seen.add(path)
        message = f"the registries do not know the size of {quoted(str(named.value), 80)}: nobody says whether it fits"
        hint = "a row with its facts in a registry of yours lets mlcc sum it up (CONTRIBUTING.md, Add a model)"
        yield subject.finding(CODE, path, message, hint, Severity.NOTE)
