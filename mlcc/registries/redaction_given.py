"""What a text gives to a secret's name: `name = value`, JSON, options of a command line.  Law: pure; the rule is data.

What is asked for many lines is found in time that is linear in the text, and mostly in that of one search.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mlcc.registries.redaction_rule import Rule

REDACTED = "***REDACTED***"
IsSecret = Callable[[str, Rule], bool]
# What gives a value to a name: `name = value`, `"name": "value"`, `\\"name\\": ["value"]`, `--name value`, or as
# Kubernetes lists variables, `- name: NAME` and `value: x` below it.
_HEAD = (
    r"(?<![^\s\"'\[(,=])--?(?P<option>[A-Za-z][A-Za-z0-9_-]{2,60})"
    r"(?:[ \t]{1,3}|[\"'],\s{0,2}(?=[\"'])|,(?=[^\s\"']))(?!-)"
    r"|(?:(?<=ame: )|(?<=ame: \")|(?<=ame\": \")|(?<=ame\":\")|(?<=Key\": \")|(?<=Key\":\"))"
    r"(?P<listed>[A-Za-z][A-Za-z0-9_.-]{2,80})(?:[\"']?,?\s{1,100}|[\"'],)[\"']?[A-Za-z]{0,20}[vV]alue[\"']?:\s{0,3}"
    r"|(?<![A-Za-z0-9_.])(?P<name>\.?[A-Za-z][A-Za-z0-9_.-]{2,80})\\{0,4}[\"']?\s{0,3}(?P<mark>=>?|:)"
    r"(?:\s{0,3}|[ \t]{0,40})(?=\S)"
)
# A value in quotes, with what a text in a text puts before them, or up to the next blank or mark.
_VALUE = (
    r"\[?(?:(?:[bBrRuUfF]{0,2}|Some\()(?P<quote>\\{0,4}[\"'])(?!(?P=quote))(?P<quoted>[^\n]{1,4096}?)(?<!\\)(?P=quote)"
    r"|[\"']?(?P<bare>[^\s\"',;&]{3,}))"
)
_SHORT_OPTION = r"(?<!\S)(?P<option>-[A-Za-z])(?P<gap>[ \t]{0,2}[\"']?)(?P<bare>[^\s\"';&|]{3,})"
# Refers to a value that stands elsewhere, or says that there is none.
_REFERENCE = (
    r"\$[{(].*|\$[A-Z_][A-Z0-9_]*|%[A-Z_]+%|\{\{.*|<[^<>]*>[.)`'\"]*|\*{3}.*|\((?:sensitive|known)\b.*|arn:aws[a-z-]*:.*"
    # of Terraform and of programs: var.db_password, AutoTokenizer.from_pretrained(x), --secret id=token
    r"|(?:args|cfg|config|data|env|local|module|os[.]environ|process[.]env|secrets|self|settings|var)[./].*"
    r"|[A-Za-z_]\w*(?:[.][A-Za-z_]\w*)+\(.*|id=[\w.-]+|(?i:your)[_-][\w-]*|[~.]?(?:/[a-z0-9._-]+){2,}"
    r"|(?i:none|null|true|false|\[?redacted\]?)[})\].`,;]*"
)
_ASSIGNMENT = r"[a-z_]{2,20}=[^=]"
_PORT_OR_PATH = r"[0-9.:]+(?:/(?:tcp|udp))?|[./~].*"
# A bare value given to a name by a mark is at least so long; behind an option, or in quotes, a shorter one counts too.
SHORTEST_BARE = 6
# How far before an option of one letter the command may stand.
LOOK_BEHIND = 300
LONGEST_NAME = 100
LONGEST_LOOK = 600
# What most keys of logs are: of a cache, of a message.  In the query of a URL it is a secret.
KEY = "KEY"


# compiled when they are first needed: compiling all takes as long as reading mlcc.yaml
compiled = functools.cache(re.compile)


def words(name: str) -> list[str]:
    """A name's words in upper case: `dbPassword` and `DB_PASSWORD` are alike."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return [w for w in re.split(r"[^A-Za-z0-9]+", spaced.upper()) if w]


def without_given(text: str, rule: Rule, is_secret: IsSecret, strict: bool = False) -> str:
    """Text without what is given to a secret's name.

    is_secret: whether a variable of a name holds a secret; strict: also where the name may be a word of prose.
    """
    parts, kept, at = list[str](), 0, 0
    for head in _heads(text, rule, is_secret):
        value = _value(head, rule, strict) if head.end() >= at else None
        if value is not None and _is_given(head, value, rule, strict):
            start, at = value.span("quoted" if value["quoted"] else "bare")
            parts += [text[kept:start], REDACTED]
            kept = at
    return _without_short_options("".join([*parts, text[kept:]]), rule)


def _value(head: re.Match[str], rule: Rule, strict: bool) -> re.Match[str] | None:
    """What stands behind a name.  Behind a word of prose most is no secret, and is looked at again from the next word:
    so only its beginning is read there, and the whole where that looks like a secret.
    """
    text, pattern = head.string, compiled(_VALUE)
    if not strict and head["name"] and {*words(head["name"])} <= rule.prose:
        begin = pattern.match(text, head.end(), head.end() + LONGEST_LOOK)
        if begin is None or not _is_given(head, begin, rule, strict):
            return None
    return pattern.match(text, head.end())


def _heads(text: str, rule: Rule, is_secret: IsSecret) -> Iterator[re.Match[str]]:
    """Where something is given to a secret's name: a text is looked at closely where a word of one stands."""
    before, known, pattern = 0, dict[str, bool](), compiled(_HEAD)
    for hit in compiled(rule.stems).finditer(text):
        if hit.start() < before:
            continue
        word = compiled(r"[A-Za-z0-9_.-]*\Z").search(text[max(before, hit.start() - LONGEST_NAME) : hit.start()])
        begin = hit.start() - len(word[0]) if word is not None else hit.start()
        head = pattern.search(text, begin, hit.end() + LONGEST_NAME)
        if head is None or head.start() > hit.start():
            continue
        before, name = head.end(), _name_of(head)
        if name not in known:
            known[name] = is_secret(name, rule)
        if known[name]:
            yield head


def _name_of(head: re.Match[str]) -> str:
    return str(head["option"] or head["listed"] or head["name"])


def _is_given(head: re.Match[str], found: re.Match[str], rule: Rule, strict: bool) -> bool:
    """True when what stands behind a secret's name is its value."""
    name, value = _name_of(head), found["quoted"] or found["bare"]
    if compiled(_REFERENCE).fullmatch(value) or _in_arn(head):
        return False
    if head["option"]:
        return bool(found["quoted"]) or not _is_prose(name, value, found.string[found.end() :])
    if found["bare"] and len(value) < SHORTEST_BARE:
        return False
    if strict:
        return True
    bare_key = words(name) == [KEY] and head.string[head.start() - 1 : head.start()] not in ("?", "&")
    if head["mark"] != ":" and not bare_key:
        return True
    if {*words(name)} <= rule.prose and not _looks_random(value):
        return False
    if head["mark"] == ":" and compiled(_ASSIGNMENT).match(value):
        return False  # `Created wheel for corp-auth: filename=corp_auth.whl`
    if head["mark"] == ":" and head.string[head.start() - 1 : head.start()] == "/":
        return False  # what stands behind the name of a secret in a store: `rotating prod/hf-token: version 3`
    return bool(found["quoted"]) or not _is_prose(name, value, found.string[found.end() :])


def _in_arn(head: re.Match[str]) -> bool:
    """True in the middle of `arn:aws:secretsmanager:us-east-1:123456789012:secret:db`, which names a secret."""
    return head["mark"] == ":" and head.string[: head.start()].endswith(":")


def _is_prose(name: str, value: str, rest: str) -> bool:
    """True for `--password must be set` and `[--token TOKEN]`.  rest: what follows the value."""
    plain = value.rstrip(".:)]}")
    if plain.isupper() and {*words(plain)} <= {*words(name)}:
        return True
    return (
        plain.isalpha()
        and plain in (plain.lower(), plain.title())
        and len(plain) <= 12
        and compiled(r"[ \t][a-z]").match(rest) is not None
    )


def _looks_random(value: str) -> bool:
    # a key of a cache, with a digest behind its words
    if compiled(r"[A-Za-z][A-Za-z0-9._]*-(?:[A-Za-z0-9._]+-)*[0-9a-f]{32,}").fullmatch(value):
        return False
    mixed = all(any(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit))
    return mixed and compiled(r"[A-Za-z0-9+/_=-]{16,}").fullmatch(value) is not None


def _without_short_options(text: str, rule: Rule) -> str:
    """Text without what stands behind options of one letter in the commands where that is a password."""

    def shown(found: re.Match[str]) -> str:
        begin = max(0, found.start() - LOOK_BEHIND)
        line = text[max(begin, text.rfind("\n", begin, found.start()) + 1) : found.start()]
        known = rule.short_options if found["gap"].strip("\"'") else rule.short_options_joined
        if known.get(found["option"], frozenset()).isdisjoint(line.split()):
            return found[0]
        harmless = any(compiled(one).fullmatch(found["bare"]) for one in (_PORT_OR_PATH, _REFERENCE))
        return found[0] if harmless else f"{found['option']}{found['gap']}{REDACTED}"

    return compiled(_SHORT_OPTION).sub(shown, text)


def json_of(text: str) -> Any:
    """What a text says as JSON, an object or a list; None where it does not."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_gives(found: Any, name: str, rule: Rule, is_secret: IsSecret) -> bool:
    """True when a document gives a value of whatever length to a secret's name, however deep."""
    if isinstance(found, dict):
        return any(json_gives(value, key, rule, is_secret) for key, value in found.items())
    if isinstance(found, list):
        return any(json_gives(value, name, rule, is_secret) for value in found)
    if not name or not isinstance(found, str) or not found or {*words(name)} <= rule.prose:
        return False
    return is_secret(name, rule) and compiled(_REFERENCE).fullmatch(found) is None
