"""The one word that a misspelt word can only mean.  Law: stdlib only; where two words are near, none is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Of so many letters two may be wrong, of fewer one.
LONG = 8
MAX_LETTERS, MAX_WORDS = 80, 500
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def only_match(word: str, known: Iterable[str]) -> str:
    """The known word that `word` is a slip of; an empty text where there is none, or more than one.

    Another way to write it counts first (`instanceType`, `Instance-Type`), then one letter that is wrong, missing, too
    much or in its neighbour's place; of a long word two.

    >>> only_match("nmae", ["name", "region"])
    'name'
    """
    words = [w for w in dict.fromkeys(known) if w != word][:MAX_WORDS]
    if not word or len(word) > MAX_LETTERS:
        return ""
    same = [w for w in words if _folded(w) == _folded(word)]
    if same:
        return same[0] if len(same) == 1 else ""
    most = 2 if len(word) >= LONG else 1
    near = [w for w in words if distance(_folded(word), _folded(w), most) <= most]
    return near[0] if len(near) == 1 else ""


def _folded(word: str) -> str:
    return _HUMP.sub("_", word).lower().replace("-", "_").replace(" ", "_")


def distance(one: str, other: str, most: int) -> int:
    """How many letters differ, neighbours that changed places as one; more than `most` is `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, before = before, row
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return min(row[-1], most + 1)
