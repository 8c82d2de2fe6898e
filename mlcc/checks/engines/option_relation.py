"""MLCC140: options of an engine that do not go together."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC140"


def check(subject: Subject) -> Iterator[Finding]:
    """The engine's row says which key must not be below which other one, and which needs another one."""
    engine, seen, every = subject.rows.engine, set(), list(places(subject))
    for place in every if engine is not None else ():
        for high, low in engine.at_least.items() if engine is not None else ():
            one, other = place.engine.get(high), place.engine.get(low)
            if one is not None and other is not None and one.path not in seen and one.value < other.value:
                seen.add(one.path)
                message = f"{high} is {one.value}, and must not be below {low}, which is {other.value}{place.words}"
                yield subject.finding(CODE, one.path, message, f"raise it to {other.value}, or lower {low}")
        for key, needed in engine.requires.items() if engine is not None else ():
            found = place.engine.get(key)
            # what stands above the components says something where one of them has what it needs
            used = any(p.get(needed) for p in every if found is not None and p.engine.get(key) == found)
            if found is not None and not used and found.path not in seen:
                seen.add(found.path)
                message = f"{key} says nothing without {needed}{place.words}"
                yield subject.finding(CODE, found.path, message, f"set engine.{needed}, or remove it")
