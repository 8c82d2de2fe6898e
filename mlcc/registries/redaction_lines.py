"""Secrets in lines that come one by one, and in texts whose beginning was cut off.

Law: a line is shown only when no secret can have begun in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlcc.registries.redaction import SHORTEST, forms, redact_forms, redact_printed
from mlcc.registries.redaction_given import REDACTED
from mlcc.registries.redaction_rule import Rule


def after_cut(text: str, values: Iterable[str]) -> str:
    """Text that begins somewhere, at a line, without the end of a secret of several lines that began before it."""
    end, begin = text.find(_KEY_END), text.find(_KEY_BEGIN)
    if end >= 0 and not 0 <= begin < end:
        text = text[end:].partition("\n")[2]
    rests = [v[at.end() :] for v in values for v in [_one_form(v)] for at in re.finditer("\n", v)]
    return text.removeprefix(max((rest for rest in rests if text.startswith(rest)), key=len, default=""))


def _one_form(value: str) -> str:
    """A secret of several lines as lines show it."""
    return value.replace("\r\n", "\n").strip("\n")


class Lines:
    """Takes secrets out of lines that come one by one, each shown as soon as no secret can begin in it.

    Of a private key none but a word in its place is passed on.  Lines that may be the beginning of a known secret of
    several lines wait for what follows: each of them may be too short to be looked for by itself.
    """

    def __init__(self, values: Iterable[str], rule: Rule | None = None) -> None:
        """values: known secrets."""
        known = [_one_form(value) for value in values]
        self._forms, self._rule = forms(known), rule
        self._several = sorted((v for v in known if "\n" in v and len(v) >= SHORTEST), key=len, reverse=True)
        # how a text ends in which such a secret may have begun: its first line, its first two, ...
        self._begun = {value[: found.end()] for value in self._several for found in re.finditer("\n", value)}
        self._waiting = ""
        self._inside = False

    def feed(self, line: str) -> list[str]:
        """The lines that may be shown now.  line: without its end."""
        if self._inside:
            self._inside = _KEY_END not in line
            return []
        begins = _KEY_BEGIN in line and any(name in line for name in _KEY_NAMES)
        self._inside = begins and _KEY_END not in line
        self._waiting += f"{line}\n"
        for value in self._several:
            self._waiting = self._waiting.replace(value, REDACTED)
        held = max((len(text) for text in self._begun if self._waiting.endswith(text)), default=0)
        if held == 0 or self._inside:
            return self.rest()
        # the whole line in which it begins waits
        at = self._waiting.rfind("\n", 0, len(self._waiting) - held) + 1
        ready, self._waiting = self._waiting[:at], self._waiting[at:]
        return self._shown(ready)

    def rest(self) -> list[str]:
        """The lines that still wait, once no more come."""
        ready, self._waiting = self._waiting, ""
        return self._shown(ready)

    def _shown(self, text: str) -> list[str]:
        if not text:
            return []
        return redact_printed(redact_forms(text, self._forms, self._rule), self._rule).removesuffix("\n").split("\n")


def redact_lines(lines: Iterable[str], values: Iterable[str], rule: Rule | None = None) -> Iterator[str]:
    """Lines that come one by one, without secrets."""
    cleaner = Lines(values, rule)
    for line in lines:
        yield from cleaner.feed(line)
    yield from cleaner.rest()


_KEY_BEGIN, _KEY_END = "-----BEGIN", "-----END"
_KEY_NAMES = ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----")
