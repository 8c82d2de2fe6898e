"""Which row a name selects.  Law: pure; an exact name beats every pattern, then the longest literal prefix wins.

`*` stands for any text and is the only wildcard.  A look-up costs the length of the name, not the number of rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator


def is_pattern(name: str) -> bool:
    """True when a row's name is a pattern."""
    return "*" in name


def prefix(pattern: str) -> str:
    """The literal text before the first wildcard."""
    return pattern.partition("*")[0]


def matches(pattern: str, name: str) -> bool:
    """True when `name` fits the pattern, in time linear in the name for each literal part."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, position, end)
        if at < 0:
            return False
        position = at + len(part)
    return True


class Matcher:
    """An index over row names."""

    def __init__(self, names: Iterable[str]) -> None:
        """names: exact names and patterns, in any order."""
        self._exact: set[str] = set()
        self._patterns: dict[str, list[str]] = {}
        for name in names:
            if is_pattern(name):
                self._patterns.setdefault(prefix(name), []).append(name)
            else:
                self._exact.add(name)
        self._lengths = sorted({len(p) for p in self._patterns}, reverse=True)

    def find(self, name: str) -> str | None:
        """The row name that `name` selects, or None."""
        if name in self._exact:
            return name
        for end in self._lengths:
            for pattern in self._patterns.get(name[:end], ()):
                if matches(pattern, name):
                    return pattern
        return None

    def ambiguous(self) -> Iterator[tuple[str, str]]:
        """Pairs of patterns with the same literal prefix, which could both match; a data test allows none."""
        for same in self._patterns.values():
            yield from itertools.pairwise(same)
