"""Why a value changed: mlcc.yaml, or a registry's row and mlcc itself.  Law: pure.

What somebody wrote at the last apply stands in the lock.  It is resolved again with today's registries: a value that
comes out otherwise than it was recorded was not changed by mlcc.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from mlcc.core.paths import Path, nested
from mlcc.core.tree import LOCK_NAME
from mlcc.core.values import Source
from mlcc.load.layers import Layer, node_layer
from mlcc.load.lock_choices import of_environment
from mlcc.resolve.project import Project
from mlcc.resolve.resolver import resolve_layers
from mlcc.resolve.result import Resolved

# Why something changed: somebody's words, newer rows of registries or a newer mlcc, or both.
INPUT, REGISTRIES, BOTH = "input", "registries", "both"
BY_HAND = {source.label: source for source in Source if source.by_hand}


class Leaf(Protocol):
    """A recorded leaf."""

    @property
    def value(self) -> Any:
        """The value."""

    @property
    def source(self) -> str:
        """The label of the source that won."""


def resolved_again(project: Project, recorded: Mapping[Path, Leaf], name: str | None) -> Resolved:
    """What somebody wrote at the last apply, resolved with today's registries.

    recorded: the leaves of one environment in the lock; name: that environment (None: the default).
    """
    held = of_environment(project.inputs.choices, name)
    resolved = resolve_layers(tuple(_layers(recorded)), project.registries, name, held)
    return resolved._replace(texts=project.inputs.texts)


def moved_by_registries(project: Project, recorded: Mapping[Path, Leaf]) -> set[Path]:
    """Paths of the chosen environment whose value differs from the recorded one though nobody's words changed it.

    What somebody writes now is their change, and so is what their other words bring or take away.  recorded: the leaves
    of the same environment in the lock.
    """
    before = {path: leaf.value for path, leaf in recorded.items()}
    again = {path: value.value for path, value in resolved_again(project, recorded, project.chosen).values.items()}
    now = project.resolved.values
    return {
        path
        for path in {*now, *before}
        if cause(before.get(path), again.get(path), now[path].value if path in now else None) == REGISTRIES
        and not (path in now and now[path].source.by_hand)
    }


def cause(recorded: Any, again: Any, now: Any) -> str:
    """Why something that was recorded is another one now, or '' where it is the same.

    again: what comes out of the recorded words with today's registries and today's mlcc.
    """
    if recorded == now:
        return ""
    if recorded == again:
        return INPUT
    return REGISTRIES if again == now else BOTH


def _layers(recorded: Mapping[Path, Leaf]) -> Iterator[Layer]:
    """What was written or chosen by somebody, by its source."""
    for label, source in BY_HAND.items():
        values = {path: leaf.value for path, leaf in recorded.items() if leaf.source == label}
        if values:
            yield node_layer(source, nested(values), LOCK_NAME)
