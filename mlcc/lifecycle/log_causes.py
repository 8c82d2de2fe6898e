"""What lines that a server printed mean.  Law: the words are rows of registries/log_causes.yaml; a line is text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.registries.loader import Registries

_WORD = re.compile(r"\{([a-z]+)\}")
MAX_LINE = 2000


class Cause(NamedTuple):
    """A sentence, and what to do."""

    says: str
    hint: str


def cause(lines: Iterable[str], registries: Registries) -> Cause | None:
    """The cause that a row finds in a log, of several the one with the longest line; None where no row fits."""
    texts = [line[:MAX_LINE] for line in lines]
    rows = registries.entries("log_causes").values()
    for row in sorted(rows, key=lambda row: -len(_WORD.sub("", str(row.facts["line"])))):
        pattern = _pattern(str(row.facts["line"]))
        found = next((match for text in texts if (match := pattern.search(text)) is not None), None)
        if found is not None:
            words = {name: printable(word, 100) for name, word in found.groupdict().items()}
            return Cause(_filled(str(row.facts["says"]), words), _filled(str(row.facts["hint"]), words))
    return None


@cache
def _pattern(line: str) -> re.Pattern[str]:
    """The text of a row, in which a name stands for a word; it has an end, so that no log makes it slow."""
    parts = _WORD.split(line)
    names = [f"(?P<{name}>[^\\s'\"]{{1,100}}?)" for name in parts[1::2]]
    texts = [re.escape(part) for part in parts[0::2]]
    last = "(?=\\.?(?:[\\s'\",:;)]|$))" if line.endswith("}") else ""
    return re.compile("".join(text + name for text, name in zip(texts, [*names, ""], strict=True)) + last)


def _filled(text: str, words: dict[str, str]) -> str:
    return _WORD.sub(lambda found: words.get(found[1], found[0]), text)
