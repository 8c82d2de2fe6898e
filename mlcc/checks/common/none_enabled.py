"""MLCC394: inference components that are all switched off: an endpoint that costs, and serves nothing."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.core.text import quoted

CODE = "MLCC394"
COMPONENTS = "inference_components"


def check(subject: Subject) -> Iterator[Finding]:
    """The listed components of a target that deploys them; without a list there is one, which is on."""
    target = subject.rows.target
    names = subject.resolved.names(COMPONENTS) if target is not None and target.components else ()
    if names and not any(subject.enabled((COMPONENTS, Item(name))) for name in names):
        first = (COMPONENTS, Item(names[0]), "enabled")
        message = (
            f"every inference component is switched off ({quoted(names[0])} first): the endpoint would serve nothing"
        )
        hint = f"mlcc set {COMPONENTS}[{names[0]}].enabled true, or do/clean where nothing shall serve"
        yield subject.finding(CODE, first, message, hint)
