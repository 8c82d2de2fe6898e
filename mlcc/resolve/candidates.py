"""Candidates for each value, and who wins.  Law: pure; sources are compared by `values.Source` and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path, dotted_path, sections
from mlcc.core.values import Beaten, Source, Value
from mlcc.load.layers import Layer, leaves, value_of


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


def put_once(table: Table, path: Path, candidate: Candidate) -> None:
    """Takes a candidate, unless the same source says the same already."""
    if all(c.source != candidate.source for c in table.candidates.get(path, [])):
        table.put(path, candidate.value, candidate.source, candidate.origin, candidate.mark)
