"""What is a secret, by name and by value.  Law: the rule is data; fields are redacted before they are cut or joined.

A variable's name is classified by its words, the last one most: `OPENAI_API_KEY` is a secret, and
`VLLM_MAX_NUM_BATCHED_TOKENS` is not.  A value is a secret when it has the format of one, whatever its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.text import quoted
from mlcc.registries.redaction_given import REDACTED, compiled, json_gives, json_of, without_given, words
from mlcc.registries.redaction_rule import Rule, packaged

# Keys of mlcc.yaml below which users name the values.
FREE_MAPS = ("env", "tags", "parameters", "extra_args", "overrides")
# Characters of a value that is looked for in texts, as it is and in base64.
SHORTEST = 8
SHORTEST_BASE64 = 12
# How often a text is looked through at most: as many secrets as this may stand in a row without a mark between them.
ROUNDS = 8


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
    written = words(name)
    if not written or "_".join(written) in rule.never or not rule.switches.isdisjoint(written):
        return False
    parts = _without_behind(written, rule.behind)
    more = _without_behind(written, rule.behind | rule.behind_keys)
    if _stem(more[-1]).endswith(("KEY", "TOKEN")) or more[-1] in rule.plurals:
        parts = more
    last = _stem(parts[-1])
    ends = {" ".join(some[-size:]) for some in (written, parts) for size in (2, 3)}
    if ends & rule.last_two:
        return not set(parts) & rule.last_two_unless
    if " ".join(written[:2]) in rule.first_two:
        return True
    if set(parts) & rule.anywhere or any(p.endswith(rule.anywhere_endings) for p in parts):
        is_address = last in rule.address_words and not rule.addresses.isdisjoint(parts)
        return is_address or last not in rule.anywhere_unless_last
    before = parts[-2] if len(parts) > 1 else ""
    for ending, unless in rule.last.items():
        if last == ending or (ending == "TOKEN" and last.endswith(ending)):
            # a word behind says what kind of key it is: TLS_KEY may be a file, and TLS_KEY_PEM is none
            otherwise = unless | (rule.last_before.get(ending, frozenset()) if parts == written else frozenset())
            said = bool(unless & {parts[0]} or otherwise & {before})
            return _tells(parts[0], before, f"{ending}S", rule) or not said
    if last in rule.plurals:
        return _tells(parts[0], before, last, rule)
    return last in rule.joined


def names_secret(path: Sequence[Any], rule: Rule | None = None) -> bool:
    """True for the path of a value in mlcc.yaml or in a lock that its user has given the name of a secret."""
    return len(path) > 1 and path[-2] in FREE_MAPS and is_secret_name(str(path[-1]), rule)


def _patterns(text: str, rule: Rule | None) -> Sequence[re.Pattern[str]]:
    """The patterns that may match in a text.  Asked for every value and line: for nearly all of them there is none."""
    rule = rule or packaged()
    found = [at for mark, hints in rule.hints if mark in text for hint, at in hints if hint in text]
    return [compiled(rule.patterns[at]) for at in sorted(set(found))] if found else ()


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


def redact_given(text: str, rule: Rule | None = None) -> str:
    """Free text of people without secrets: those by their format, and what is given to a name that is a secret's."""
    return _redacted(text, rule or packaged(), strict=True)


def redact_printed(text: str, rule: Rule | None = None) -> str:
    """The same for what a program prints: `token: 151645` and `key: model.layers` are no secrets there."""
    return _redacted(text, rule or packaged(), strict=False)


def _redacted(text: str, rule: Rule, strict: bool) -> str:
    # formats first: `key: -----BEGIN ...` without its first line, and `Authorization: Bearer x` without its second
    # word, would not be known any more
    before = redact_text(text, rule)
    after = without_given(before, rule, is_secret_name, strict)
    return after if after == before else redact_text(after, rule)


def gives_secret(text: str, rule: Rule | None = None) -> bool:
    """True when a text holds a value that is given to a secret's name: JSON, `--password x`, `api_key=x`."""
    rule = rule or packaged()
    return without_given(text, rule, is_secret_name) != text or json_gives(json_of(text), "", rule, is_secret_name)


def redact(variables: Mapping[str, str], rule: Rule | None = None) -> dict[str, str]:
    """Variables with secret values replaced, by name and by format."""
    return {k: REDACTED if is_secret_name(k, rule) and v else redact_printed(v, rule) for k, v in variables.items()}


def redact_value(name: str, value: Any, rule: Rule | None = None) -> Any:
    """One value without secrets, by its name and by format; of a list, each element."""
    if isinstance(value, (tuple, list)):
        return [redact_value(name, element, rule) for element in value]
    return redact({name: value}, rule)[name] if isinstance(value, str) else value


def redact_leaf(path: Sequence[Any], value: Any) -> Any:
    """A value of mlcc.yaml without secrets.  What stands under `secrets` refers to one, and is none by its name."""
    if names_secret(path) and not isinstance(value, (bool, str, tuple, list)):
        return REDACTED  # a number
    return redact_value("" if path[0] == "secrets" else str(path[-1]), value)


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
