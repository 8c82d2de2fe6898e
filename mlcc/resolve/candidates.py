"""The table of candidates: every value that a source offers for a path.

Law: pure; of the candidates of a path the strongest source (`values.Source`) wins, and nothing outside this module
compares sources to decide that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path, Segment, dotted_path, sections
from mlcc.core.records import NamedTuple
from mlcc.core.values import Beaten, Source, Value
from mlcc.load.layers import Layer, leaves, value_of


class Candidate(NamedTuple):
    """A value that a source offers for a path."""

    value: Any
    source: Source
    origin: str
    mark: Mark = Mark("")


Condition = Callable[[Candidate], bool]


def _always(_: Candidate) -> bool:
    return True


class Table:
    """Candidates by path, in the order in which they were added.  A path without candidates is not in the table.

    Paths may be given as text: `deployment.target`.
    """

    def __init__(self) -> None:
        """An empty table."""
        self._candidates: dict[Path, list[Candidate]] = {}
        # For every section, the segments that follow it and how many paths of the table go through each.
        self._segments: dict[Path, dict[Segment, int]] = {}

    # -------------------------------------------------- adding
    def add(self, layer: Layer) -> None:
        """Takes every leaf of a layer."""
        for path, node in leaves(layer.root):
            self.put(path, value_of(path, node), layer.source, layer.origin or str(node.mark), node.mark)

    def put(self, path: Path, value: Any, source: Source, origin: str, mark: Mark = Mark("")) -> None:
        """Takes one value."""
        self._append(path, Candidate(value, source, origin, mark))

    def offer(self, path: Path, candidate: Candidate) -> None:
        """Takes a candidate, unless the same source has offered a value for the path already."""
        if all(known.source is not candidate.source for known in self.all_for(path)):
            self._append(path, candidate)

    def prefer(self, path: Path, candidate: Candidate) -> None:
        """Takes a candidate before all others of its source: of several of one source the first wins."""
        self._append(path, candidate)
        self._candidates[path].insert(0, self._candidates[path].pop())

    def _append(self, path: Path, candidate: Candidate) -> None:
        if path not in self._candidates:
            self._candidates[path] = []
            for end, segment in enumerate(path):
                counts = self._segments.setdefault(path[:end], {})
                counts[segment] = counts.get(segment, 0) + 1
        self._candidates[path].append(candidate)

    # -------------------------------------------------- asking
    def __contains__(self, path: Path) -> bool:
        """Whether a path has candidates."""
        return path in self._candidates

    def all_for(self, path: Path) -> tuple[Candidate, ...]:
        """All candidates of a path, in the order in which they were added."""
        return tuple(self._candidates.get(path, ()))

    def best(self, path: Path | str) -> Candidate | None:
        """The candidate of the strongest source."""
        return strongest(self._candidates.get(dotted_path(path) if isinstance(path, str) else path, ()))

    def text(self, path: Path | str) -> str:
        """The strongest candidate's value as text, or an empty text."""
        candidate = self.best(path)
        return str(candidate.value) if candidate is not None else ""

    def names(self, *prefix: Segment) -> tuple[str, ...]:
        """Names of the elements of a named list, in order of first appearance."""
        return tuple(s.name for s in self._segments.get(prefix, ()) if isinstance(s, Item))

    def keys(self, *prefix: Segment) -> tuple[Path, ...]:
        """Paths of the values directly below a section."""
        paths = ((*prefix, segment) for segment in self._segments.get(prefix, ()))
        return tuple(path for path in paths if path in self._candidates)

    def below(self, *prefix: Segment) -> Iterator[Path]:
        """Paths of all values below a section, at any depth."""
        for segment in tuple(self._segments.get(prefix, ())):
            path = (*prefix, segment)
            if path in self._candidates:
                yield path
            yield from self.below(*path)

    def has_below(self, path: Path) -> bool:
        """Whether a path is a section with values in it."""
        return path in self._segments

    def winners(self) -> dict[Path, Any]:
        """The strongest value of every path."""
        return {path: _strongest(candidates).value for path, candidates in self._candidates.items()}

    # -------------------------------------------------- changing
    def drop(self, path: Path, condition: Condition = _always) -> None:
        """Removes the candidates of a path, or those of them that meet a condition."""
        kept = [c for c in self._candidates.get(path, ()) if not condition(c)]
        if kept:
            self._candidates[path] = kept
        elif self._candidates.pop(path, None) is not None:
            self._forget(path)

    def _forget(self, path: Path) -> None:
        for end, segment in enumerate(path):
            counts = self._segments[path[:end]]
            counts[segment] -= 1
            if not counts[segment]:
                del counts[segment]
            if not counts:
                del self._segments[path[:end]]

    def replace(self, path: Path, candidate: Candidate) -> None:
        """Makes a candidate the only one of a path."""
        self.drop(path)
        self._append(path, candidate)

    def keep_strongest(self, prefix: Path, alternatives: Mapping[str, str]) -> None:
        """Of keys that exclude one another, keeps those of the strongest source.

        alternatives: the alternative to which each key below `prefix` belongs; the key of that name decides for it.
        Keys of an alternative that the strongest source does not use are removed where their source is weaker.
        """
        size = len(prefix)
        sources = {path: _strongest(self._candidates[path]).source for path in self.below(*prefix)}
        decisive = {path: source for path, source in sources.items() if alternatives.get(str(path[size])) == path[size]}
        if not decisive:
            return
        first = min(decisive.values())
        used = {str(path[size]) for path, source in decisive.items() if source is first}
        for path, source in sources.items():
            alternative = alternatives.get(str(path[size]))
            if alternative is not None and alternative not in used and source > first:
                self.drop(path)

    # -------------------------------------------------- the result
    def settle(self) -> dict[Path, Value]:
        """Winners with the candidates that they beat; a value hides every weaker one in a section above or below it."""
        ranked = {path: sorted(candidates, key=_source) for path, candidates in self._candidates.items()}
        within: dict[Path, Source] = {}
        for path, (first, *_) in ranked.items():
            for prefix in sections(path):
                within[prefix] = min(first.source, within.get(prefix, Source.DEFAULT))
        values: dict[Path, Value] = {}
        for path, (first, *rest) in ranked.items():
            if any(ranked[above][0].source < first.source for above in sections(path) if above in ranked):
                continue
            if path in within and within[path] < first.source:
                continue
            beaten = tuple(Beaten(c.value, c.source, c.origin) for c in rest)
            values[path] = Value(first.value, first.source, first.origin, beaten, first.mark)
        return dict(sorted(values.items(), key=lambda item: _order(item[0])))


def strongest(candidates: Iterable[Candidate]) -> Candidate | None:
    """The candidate of the strongest source: the first one, where several are of one source."""
    return min(candidates, key=_source, default=None)


def _strongest(candidates: list[Candidate]) -> Candidate:
    return min(candidates, key=_source)


def _source(candidate: Candidate) -> Source:
    return candidate.source


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Sorts paths by key; named elements by name."""
    return tuple((1, s.name) if isinstance(s, Item) else (0, str(s)) for s in path)
