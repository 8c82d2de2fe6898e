"""MLCC123: an adapter that is on top of no inference component, or has the name of one."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.core.text import allowed, quoted

CODE = "MLCC123"


def check(subject: Subject) -> Iterator[Finding]:
    """An adapter is attached to one component, and is one in SageMaker itself: they share their names."""
    components = subject.resolved.names("inference_components")
    if not components:
        return
    for name in subject.resolved.names("adapters"):
        if not subject.enabled(("adapters", Item(name))):
            continue
        if name in components:
            message = f"adapter {name} has the name of an inference component"
            yield subject.finding(CODE, ("adapters", Item(name), "name"), message, "give one of them another name")
        base = subject.resolved.values.get(("adapters", Item(name), "base"))
        if base is None:
            message = f"adapter {name} names no base, and there are {len(components)} components"
            yield subject.finding(
                CODE, ("adapters", Item(name), "name"), message, f"base: one of {allowed(components)}"
            )
        elif base.value not in components:
            message = f"no inference component is called {quoted(str(base.value))}"
            yield subject.finding(CODE, ("adapters", Item(name), "base"), message, f"known: {allowed(components)}")
