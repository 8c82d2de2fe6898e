"""MLCC126: a lower bound above its upper bound."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path

CODE = "MLCC126"


def check(subject: Subject) -> Iterator[Finding]:
    """Scaling of the project and of each component."""
    prefixes: list[Path] = [("scaling",)]
    prefixes += [("inference_components", Item(n), "scaling") for n in subject.resolved.names("inference_components")]
    for prefix in prefixes:
        low = subject.resolved.values.get((*prefix, "min_count"))
        high = subject.resolved.values.get((*prefix, "max_count"))
        if low is not None and high is not None and low.value > high.value:
            message = f"min_count {low.value} is above max_count {high.value}"
            yield subject.finding(CODE, (*prefix, "min_count"), message, "lower min_count or raise max_count")
