"""The redaction rule of registries/redaction.yaml as a record.  Law: it is read once; redaction.py applies it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.packaged import read
from mlcc.io.yaml import reader

# Keys whose value is a text of words.
WORDS = (
    "anywhere",
    "anywhere_unless_last",
    "addresses",
    "address_words",
    "last_two_unless",
    "plurals_unless",
    "joined",
    "behind",
    "never",
    "prose",
    "switches",
)


class Rule(NamedTuple):
    """The redaction rule, as read from registries/redaction.yaml."""

    anywhere: frozenset[str]
    anywhere_endings: tuple[str, ...]
    anywhere_unless_last: frozenset[str]
    addresses: frozenset[str]
    address_words: frozenset[str]
    last: Mapping[str, frozenset[str]]
    last_before: Mapping[str, frozenset[str]]
    last_two: frozenset[str]
    last_two_unless: frozenset[str]
    first_two: frozenset[str]
    plurals: Mapping[str, frozenset[str]]
    plurals_unless: frozenset[str]
    joined: frozenset[str]
    behind: frozenset[str]
    behind_keys: frozenset[str]
    never: frozenset[str]
    prose: frozenset[str]
    switches: frozenset[str]
    # options of one letter, each with the words of which one stands before it; joined: with its value
    short_options: Mapping[str, frozenset[str]]
    short_options_joined: Mapping[str, frozenset[str]]
    # a pattern of texts of which one is in every name of a secret, in the cases that names are written in
    stems: str
    # patterns of secret values, in the order in which they are tried
    patterns: tuple[str, ...]
    # hint texts, one of which is in every value that a pattern matches, each with the pattern's number; grouped by a
    # character that all hints of the group contain
    hints: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def rule_of(document: Mapping[str, Any]) -> Rule:
    """The rule in a registry document."""
    words_of = {name: frozenset(document[name].split()) for name in WORDS}
    values = tuple(document["values"].values())
    return Rule(
        words_of["anywhere"],
        tuple(document["anywhere_endings"].split()),
        words_of["anywhere_unless_last"],
        words_of["addresses"],
        words_of["address_words"],
        _words_of_each(document["last"]),
        _words_of_each(document["last_before"]),
        frozenset(document["last_two"]),
        words_of["last_two_unless"],
        frozenset(document["first_two"]),
        _words_of_each(document["plurals"]),
        words_of["plurals_unless"],
        frozenset(head + end for head in words_of["joined"] for end in ("PASS", "PWD")),
        words_of["behind"],
        frozenset(word for group in document["behind_keys"] for word in group.split()),
        words_of["never"],
        words_of["prose"],
        words_of["switches"],
        _words_of_each(document["short_options"]),
        _words_of_each(document["short_options_joined"]),
        _stems(document),
        tuple(value["pattern"] for value in values),
        _by_character((hint, at) for at, value in enumerate(values) for hint in value["hints"].split()),
    )


def _stems(document: Mapping[str, Any]) -> str:
    found = {
        *document["anywhere"].split(),
        *document["anywhere_endings"].split(),
        *document["last"],
        *document["plurals"],
    }
    found |= {"PASS", "PWD"}
    least = sorted(stem for stem in found if not any(other in stem for other in found - {stem}))
    # five times as fast as a search that ignores case
    forms = [form for stem in least for form in (stem, stem.lower(), stem.capitalize())]
    for words in map(str.split, document["last_two"]):
        capital = [word.capitalize() for word in words]
        forms += ["[_.-]?".join(form) for form in (words, map(str.lower, words), capital)]
        forms.append("".join((words[0].lower(), *capital[1:])))
    return "|".join(forms)


def _words_of_each(document: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(text.split()) for name, text in document.items()}


def _by_character(hints: Iterable[tuple[str, int]]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """Groups hints by one character, so that a text without that character is not searched for them."""
    groups: dict[str, list[tuple[str, int]]] = {character: [] for character in ("_", "-", "=", ".", "")}
    for hint, at in hints:
        groups[next(character for character in groups if character in hint)].append((hint, at))
    return tuple((character, tuple(group)) for character, group in groups.items())


@functools.cache
def packaged() -> Rule:
    """The packaged rule."""
    loaded = reader.load_yaml(read("registries", "redaction.yaml"), "redaction.yaml", public=True, packaged=True)
    assert loaded.root is not None
    return rule_of(loaded.root.plain())
