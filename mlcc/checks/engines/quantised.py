"""MLCC148: quantisation asked for on a model that is quantised already, or that would have to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlcc.checks.containers import known, places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity, allowed
from mlcc.core.paths import Path
from mlcc.resolve.engine.spelling import spelled

CODE = "MLCC148"


def check(subject: Subject) -> Iterator[Finding]:
    """The engine reads the method from the checkpoint, and picks faster kernels when it is left to."""
    seen: set[Path] = set()
    methods = subject.registries.entries("quantizations")
    marks = [mark for row in methods.values() for mark in row.facts.get("marks", ())]
    for place in places(subject):
        named = subject.resolved.values.get((*place.prefix, "model") if place.own_model else ("model", "name"))
        name = str(named.value) if named is not None else ""
        own = str(place.model.facts.get("quantization", "")) if place.model is not None else ""
        words = name.lower().replace("_", "-").rpartition("/")[2].split("-")
        own = own or next((mark for mark in marks if mark in words), "")
        found = place.engine.get("quantization")
        if found is not None and own and "://" not in name and found.path not in seen:
            seen.add(found.path)
            message = f"{name} is quantised already ({own}); naming a method keeps the engine from its fastest kernels"
            yield subject.finding(CODE, found.path, message, "remove engine.quantization", Severity.WARNING)
        method = methods.get(str(found.value)) if found is not None else None
        plain = place.model is not None and "parameters" in place.model.facts and not own
        reads = method is not None and method.facts.get("checkpoint")
        if found is not None and reads and plain and found.path not in seen:
            seen.add(found.path)
            message = f"{found.value} is read from a checkpoint that was quantised so, and {name} is not one"
            others = [n for n, row in methods.items() if not row.facts.get("checkpoint") and n in _words(subject)]
            hint = "name such a checkpoint"
            hint += f", or a method that quantises while loading: {allowed(others)}" if others else ""
            yield subject.finding(CODE, found.path, message, hint)


def _words(subject: Subject) -> Collection[str]:
    """The methods that the engine's version has by itself."""
    engine, listed = subject.rows.engine, known(subject)
    how = spelled(engine, "quantization") if engine is not None else None
    option = listed.find(how.option) if listed is not None and how is not None else None
    return option.choices if option is not None else ()
