"""Candidates for each value, and who wins.  Law: pure; sources are compared by `values.Source` and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mlcc.config import Layer, leaves, value_of
from mlcc.values import Beaten, Item, Mark, Path, Source, Value, parse_path, sections


@functools.cache
def dotted_path(dotted: str) -> Path:
    """A path from its text (kept: the same few are asked for all the time)."""
    return parse_path(dotted) or ()


def names(values: Iterable[Path], prefix: Path) -> tuple[str, ...]:
    """Names of the elements below a named list, in order of first appearance."""
    size = len(prefix)
    segments = [p[size] for p in values if len(p) > size and p[:size] == prefix]
    return tuple(dict.fromkeys(s.name for s in segments if isinstance(s, Item)))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that a source offers for a path."""

    value: Any
    source: Source
    origin: str
    mark: Mark


@dataclass
class Table:
    """Candidates per path, and the order in which named elements appeared."""

    candidates: dict[Path, list[Candidate]] = field(default_factory=dict)

    def add(self, layer: Layer) -> None:
        """Takes every leaf of a layer."""
        for path, node in leaves(layer.root):
            origin = layer.origin or str(node.mark)
            self.put(path, value_of(path, node), layer.source, origin, node.mark)

    def put(self, path: Path, value: Any, source: Source, origin: str, mark: Mark = Mark("")) -> None:
        """Takes one leaf."""
        self.candidates.setdefault(path, []).append(Candidate(value, source, origin, mark))

    def winner(self, dotted: str) -> Candidate | None:
        """The strongest candidate of a path."""
        found = self.candidates.get(dotted_path(dotted))
        return min(found, key=lambda c: c.source) if found else None

    def chosen(self, dotted: str) -> str:
        """The strongest candidate's value as text, or an empty string."""
        found = self.winner(dotted)
        return str(found.value) if found is not None else ""

    def settle(self) -> dict[Path, Value]:
        """Winners with what they beat; a leaf hides every weaker leaf below or above it."""
        values: dict[Path, Value] = {}
        strongest: dict[Path, Source] = {}
        for path, found in self.candidates.items():
            best = min(c.source for c in found)
            for prefix in sections(path):
                strongest[prefix] = min(best, strongest.get(prefix, Source.DEFAULT))
        for path, found in self.candidates.items():
            first, *rest = sorted(found, key=lambda c: c.source)
            above = [p for p in sections(path) if p in self.candidates]
            if any(min(c.source for c in self.candidates[p]) < first.source for p in above):
                continue
            if path in strongest and strongest[path] < first.source:
                continue
            beaten = tuple(Beaten(c.value, c.source, c.origin) for c in rest)
            values[path] = Value(first.value, first.source, first.origin, beaten, first.mark)
        return dict(sorted(values.items(), key=lambda item: _order(item[0])))


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Sorts paths by key; named elements by name."""
    return tuple((1, s.name) if isinstance(s, Item) else (0, str(s)) for s in path)
