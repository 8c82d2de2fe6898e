"""The redaction rule of registries/redaction.yaml as a record.  Law: it is read once; redaction.py applies it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.packaged import read
from mlcc.io.yaml import reader

# Keys whose value is a text of words.
WORDS = ("anywhere", "anywhere_unless_last", "last_two_unless", "plurals_unless", "joined", "behind", "never")


class Rule(NamedTuple):
    """The redaction rule, as read from registries/redaction.yaml."""

    anywhere: frozenset[str]
    anywhere_endings: tuple[str, ...]
    anywhere_unless_last: frozenset[str]
    last: Mapping[str, frozenset[str]]
    last_two: frozenset[str]
    last_two_unless: frozenset[str]
    plurals: Mapping[str, frozenset[str]]
    plurals_unless: frozenset[str]
    joined: frozenset[str]
    behind: frozenset[str]
    behind_keys: frozenset[str]
    never: frozenset[str]
    # patterns of secret values, in the order in which they are tried
    patterns: tuple[str, ...]
    # texts of which one is in every value that a pattern matches, with its number, by a character that all of them have
    hints: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def rule_of(document: Mapping[str, Any]) -> Rule:
    """The rule in a registry document."""
    words_of = {name: frozenset(document[name].split()) for name in WORDS}
    values = tuple(document["values"].values())
    return Rule(
        words_of["anywhere"],
        tuple(document["anywhere_endings"].split()),
        words_of["anywhere_unless_last"],
        {word: frozenset(unless.split()) for word, unless in document["last"].items()},
        frozenset(document["last_two"]),
        words_of["last_two_unless"],
        {word: frozenset(front.split()) for word, front in document["plurals"].items()},
        words_of["plurals_unless"],
        frozenset(head + end for head in words_of["joined"] for end in ("PASS", "PWD")),
        words_of["behind"],
        frozenset(word for group in document["behind_keys"] for word in group.split()),
        words_of["never"],
        tuple(value["pattern"] for value in values),
        _by_mark((hint, at) for at, value in enumerate(values) for hint in value["hints"].split()),
    )


def _by_mark(hints: Iterable[tuple[str, int]]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Hints below a character of theirs: in a text without it none of them is looked for."""
    groups: dict[str, list[tuple[str, int]]] = {mark: [] for mark in ("_", "-", "=", ".", "")}
    for hint, at in hints:
        groups[next(mark for mark in groups if mark in hint)].append((hint, at))
    return tuple((mark, tuple(group)) for mark, group in groups.items())


@functools.cache
def packaged() -> Rule:
    """The packaged rule."""
    loaded = reader.load_yaml(read("registries", "redaction.yaml"), "redaction.yaml", public=True, packaged=True)
    assert loaded.root is not None
    return rule_of(loaded.root.plain())
