"""Pickers: programs that choose values which a person would have to look up.  Law: they answer, `init` writes.

An answer becomes text in mlcc.yaml, where it is reviewed like any other; nothing is picked when a project is applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlcc.core.records import NamedTuple


class Question(NamedTuple):
    """What a picker is asked.

    given: values by dotted path that the user named, as text (`project.name` always); missing: dotted paths that would
    otherwise be asked or left to their defaults.
    """

    given: Mapping[str, str]
    missing: tuple[str, ...] = ()


class Picker(Protocol):
    """A function of the entry-point group `mlcc.pickers`."""

    def __call__(self, question: Question) -> Mapping[str, str]:
        """Values by dotted path, as text; what it does not know it leaves out."""
