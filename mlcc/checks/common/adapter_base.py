"""MLCC123: an adapter whose base is not an inference component, or not named where there are several."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.core.text import allowed, quoted

CODE = "MLCC123"


def check(subject: Subject) -> Iterator[Finding]:
    """An adapter is attached to one component."""
    components = subject.resolved.names("inference_components")
    if not components:
        return
    for name in subject.resolved.names("adapters"):
        if not subject.enabled(("adapters", Item(name))):
            continue
        base = subject.resolved.values.get(("adapters", Item(name), "base"))
        if base is None:
            message = f"adapter {name} names no base, and there are {len(components)} components"
            yield subject.finding(
                CODE, ("adapters", Item(name), "name"), message, f"base: one of {allowed(components)}"
            )
        elif base.value not in components:
            message = f"no inference component is called {quoted(str(base.value))}"
            yield subject.finding(CODE, ("adapters", Item(name), "base"), message, f"known: {allowed(components)}")
