"""The leaves of mlcc.lock: one line for each thing that it records.  Law: pure.

A difference of two locks is shown by leaves, so that each line says alone what it is about: the environment, the
section, the path (`environments.prod.values.ttl: {value: 2d, source: overlay}`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.tree import LOCK_NAME
from mlcc.io.yaml import reader, writer


class Leaf(NamedTuple):
    """One leaf in two locks, as text in YAML's flow style; None where a lock does not have it."""

    path: str
    before: str | None
    after: str | None


def leaf_differences(old: bytes, new: bytes) -> list[Leaf]:
    """The leaves in which two locks differ, in their order; none where only the layout does, or `old` is no YAML."""
    before, after = dict(_leaves(_plain(old))), dict(_leaves(_plain(new)))
    if old and not before:
        return []
    return [
        Leaf(path, before.get(path), after.get(path))
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    ]


def _plain(lock: bytes) -> Mapping[str, Any]:
    root = reader.load_yaml(lock, LOCK_NAME).root if lock else None
    return root.plain() if root is not None and root.is_map else {}


def _leaves(lock: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for section, entries in lock.items():
        if section != "environments":
            yield from _section(section, entries)
            continue
        for name, parts in _entries(entries):
            # one that changes nothing is recorded, too
            yield f"environments.{name}", writer.flow(None if parts is None else {})
            for part, values in _entries(parts):
                yield from _section(f"environments.{name}.{part}", values)


def _section(name: str, entries: Any) -> Iterator[tuple[str, str]]:
    if isinstance(entries, dict):
        for key, entry in entries.items():
            yield f"{name}.{key}", writer.flow(entry)
    else:
        yield name, writer.flow(entries)


def _entries(section: Any) -> Iterator[tuple[str, Any]]:
    yield from section.items() if isinstance(section, dict) else ()
