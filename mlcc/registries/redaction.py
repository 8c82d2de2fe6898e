"""What is a secret, by name and by value.  Law: the rule is data; fields are redacted before they are cut or joined.

A variable's name is classified by its words, the last one most: `OPENAI_API_KEY` is a secret, and
`VLLM_MAX_NUM_BATCHED_TOKENS` is not.  A value is a secret when it has the format of one, whatever its name.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.text import quoted
from mlcc.registries.redaction_rule import Rule, packaged

REDACTED = "***REDACTED***"
# Keys of mlcc.yaml below which users name the values.
FREE_MAPS = ("env", "tags", "parameters", "extra_args", "overrides")
# Characters of a value that is looked for in texts, as it is and in base64.
SHORTEST = 8
SHORTEST_BASE64 = 12
# How often a text is looked through at most: as many secrets as this may stand in a row without a mark between them.
ROUNDS = 8


def words(name: str) -> list[str]:
    """A name's words in upper case: `dbPassword` and `DB_PASSWORD` are alike."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return [w for w in re.split(r"[^A-Za-z0-9]+", spaced.upper()) if w]


def _stem(word: str) -> str:
    """A word without its number."""
    return word.rstrip("0123456789") or word


def _without_behind(parts: Sequence[str], behind: frozenset[str]) -> Sequence[str]:
    """A name's words up to the one that decides."""
    size = len(parts)
    while size > 1 and (parts[size - 1].isdigit() or not behind.isdisjoint((parts[size - 1], _stem(parts[size - 1])))):
        size -= 1
    return parts[:size]


def _tells(first: str, before: str, plural: str, rule: Rule) -> bool:
    """True when the word in front of a key or a token, or of several, makes it a secret by itself."""
    return before in rule.plurals.get(plural, ()) and first not in rule.plurals_unless


def is_secret_name(name: str, rule: Rule | None = None) -> bool:
    """True when a variable of this name holds a secret."""
    rule = rule or packaged()
    if name in rule.never:
        return False
    written = words(name)
    if not written:
        return False
    parts = _without_behind(written, rule.behind)
    more = _without_behind(written, rule.behind | rule.behind_keys)
    if _stem(more[-1]).endswith(("KEY", "TOKEN")) or more[-1] in rule.plurals:
        parts = more
    last = _stem(parts[-1])
    if set(parts) & rule.anywhere or any(p.endswith(rule.anywhere_endings) for p in parts):
        return last not in rule.anywhere_unless_last
    before = parts[-2] if len(parts) > 1 else ""
    for ending, unless in rule.last.items():
        if last == ending or (ending == "TOKEN" and last.endswith(ending)):
            return _tells(parts[0], before, f"{ending}S", rule) or not {parts[0], before} & unless
    if last in rule.plurals:
        return _tells(parts[0], before, last, rule)
    if last in rule.joined:
        return True
    for size in (2, 3):
        if " ".join(parts[-size:]) in rule.last_two:
            return not set(parts) & rule.last_two_unless
    return False


def names_secret(path: Sequence[Any], rule: Rule | None = None) -> bool:
    """True for the path of a value in mlcc.yaml or in a lock that its user has given the name of a secret."""
    return len(path) > 1 and path[-2] in FREE_MAPS and is_secret_name(str(path[-1]), rule)


# compiled when they are first needed: compiling all takes as long as reading mlcc.yaml
_compiled = functools.cache(re.compile)


def _patterns(text: str, rule: Rule | None) -> Sequence[re.Pattern[str]]:
    """The patterns that may match in a text.  Asked for every value and line: for nearly all of them there is none."""
    rule = rule or packaged()
    found = [at for mark, hints in rule.hints if mark in text for hint, at in hints if hint in text]
    return [_compiled(rule.patterns[at]) for at in sorted(set(found))] if found else ()


def is_secret_value(value: str, rule: Rule | None = None) -> bool:
    """True when a value has the format of a secret."""
    return any(pattern.search(value) for pattern in _patterns(value, rule))


def shown_value(name: str, text: str, size: int, otherwise: str = "a secret") -> str:
    """A value in quotes for a message; of one that is a secret, by its name or its form, only that there is one."""
    secret = is_secret_name(name) or is_secret_value(text)
    return otherwise if secret else quoted(text, size)


def redact_text(text: str, rule: Rule | None = None) -> str:
    """Text with every secret-shaped part replaced.  Short and empty values are never touched."""
    patterns = _patterns(text, rule)
    # again while something is found: what stood at the end of one secret may be the beginning of another
    for _ in range(ROUNDS if patterns else 0):
        before = text
        for pattern in patterns:
            text = pattern.sub(REDACTED, text)
        if text == before:
            break
    return text


# `name = value`, `"name": "value"`: a name, what stands between, and a value that is long enough for a secret.
_GIVEN = r"([A-Za-z][A-Za-z0-9_.-]{2,80})([\"']?\s{0,3}[=:]\s{0,3}[\"']?)([^\s\"',;&]{6,})"


def redact_given(text: str, rule: Rule | None = None) -> str:
    """Free text without secrets: those by their format, and what is given to a name that is a secret's."""

    def shown(found: re.Match[str]) -> str:
        return f"{found[1]}{found[2]}{REDACTED}" if is_secret_name(found[1], rule) else found[0]

    return redact_text(_compiled(_GIVEN).sub(shown, text), rule)


def redact(variables: Mapping[str, str], rule: Rule | None = None) -> dict[str, str]:
    """Variables with secret values replaced, by name and by format."""
    return {k: REDACTED if is_secret_name(k, rule) and v else redact_text(v, rule) for k, v in variables.items()}


def redact_value(name: str, value: Any, rule: Rule | None = None) -> Any:
    """One value without secrets, by its name and by format; of a list, each element."""
    if isinstance(value, (tuple, list)):
        return [redact_value(name, element, rule) for element in value]
    return redact({name: value}, rule)[name] if isinstance(value, str) else value


def redact_known(text: str, variables: Mapping[str, str], rule: Rule | None = None) -> str:
    """Text without what has the format of a secret, and without the values of variables whose names are a secret's."""
    return redact_values(text, (value for name, value in variables.items() if is_secret_name(name, rule)), rule)


def redact_values(text: str, values: Iterable[str], rule: Rule | None = None) -> str:
    """Text without what has the format of a secret, and without values that are known to be secrets.

    A value is found as it is, each line of several by itself, and in the other forms that `forms` makes; one of under
    8 characters is not looked for: it would be found everywhere.
    """
    return redact_forms(text, forms(values), rule)


def redact_forms(text: str, known: Iterable[str], rule: Rule | None = None) -> str:
    """The same for many texts: known is what `forms` made once of the values."""
    for form in known:
        text = text.replace(form, REDACTED)
    return redact_text(text, rule)


def forms(values: Iterable[str]) -> list[str]:
    """How values may stand in a text, the longest first: one may be a part of another."""
    found: set[str] = set()
    for value in values:
        for part in {value, *(line.strip() for line in value.splitlines())}:
            if len(part) >= SHORTEST:
                found.update(_forms(part))
    return sorted(found, key=len, reverse=True)


def _forms(value: str) -> Iterator[str]:
    """A value as it is, and as Python, JSON, XML, a URL and a shell quote it; a longer one in base64 too."""
    from binascii import b2a_base64
    from urllib.parse import quote

    raw = value.encode("utf-8", "surrogateescape")
    yield from (value, repr(value)[1:-1], repr(raw)[2:-1], value.replace("'", "'\"'\"'"))
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield from (text, text.replace("/", "\\/"), text.translate(_GO))
    for text in (quote(raw), quote(raw, safe=""), quote(raw, safe=" ").replace(" ", "+")):
        yield from (text, re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text))
    yield from map(value.translate, _MARKUP)
    if len(value) >= SHORTEST_BASE64:
        text = b2a_base64(raw, newline=False).decode()
        for encoded in (text, text.replace("+", "-").replace("/", "_")):
            yield from (encoded, encoded.rstrip("="))


# How Go's JSON and several libraries of HTML and XML write the marks of markup, and both kinds of quotes.
_GO = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "&<>"})
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_QUOTES = ("\"'", "&quot; '", "&quot; &#x27;", "&quot; &#39;", "&quot; &apos;", "&#34; &#39;")
_MARKUP = [
    str.maketrans(_ESCAPED | dict(zip("\"'", quotes.split() if " " in quotes else quotes, strict=True)))
    for quotes in _QUOTES
]


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
        return redact_forms(text, self._forms, self._rule).removesuffix("\n").split("\n") if text else []


def redact_lines(lines: Iterable[str], values: Iterable[str], rule: Rule | None = None) -> Iterator[str]:
    """Lines that come one by one, without secrets."""
    cleaner = Lines(values, rule)
    for line in lines:
        yield from cleaner.feed(line)
    yield from cleaner.rest()


_KEY_BEGIN, _KEY_END = "-----BEGIN", "-----END"
_KEY_NAMES = ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----")
