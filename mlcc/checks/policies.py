"""Policies, checked on one resolved project.  Law: pure; a value that cannot be checked does not pass."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.checks.policy_facts import FACTS, FACTS_PREFIX, PolicyContext, fact_of, values_of
from mlcc.core.paths import Item, Path, format_path, parse_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, printable
from mlcc.core.value_text import scalar_text
from mlcc.io.schema import keys
from mlcc.registries.match import matches
from mlcc.registries.policy_rows import Policy
from mlcc.registries.redaction import shown_value
from mlcc.registries.rows import VALIDATION_LEVELS

# Keys that name other sources of values; they have no value of their own.
UNRESOLVED = ("version", "extends", "registries", "policies", "environments")
# What may follow the path of a list of texts.
ELEMENTS = "[*]"
# A rule's path that stands for every value.
EVERYTHING = "*"
# An image that nobody can put another one in the place of.
PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}\Z")
MAX_VALUE, MAX_TEXT = 80, 500
# Paths with patterns, of which one must match.
Conditions = Mapping[str, tuple[str, ...]]


def nowhere(policy: Policy) -> list[str]:
    """The paths of a rule at which nothing can be."""
    conditions = [path for path in (*policy.when, *policy.unless) if not exists(path)]
    return conditions if is_about_something(policy) else [policy.path, *conditions]


def exists(path: str) -> bool:
    """Whether a rule's path can have a value: a section has none itself, only the keys in it do."""
    if path.startswith(FACTS_PREFIX):
        return fact_of(path) is not None
    if path == EVERYTHING:
        return True
    if re.split(r"[.\[]", path)[0] in UNRESOLVED:
        return False
    prop = _key(path)
    return prop is not None and "object" not in prop.types


def _key(path: str) -> keys.Property | None:
    """The key of mlcc.yaml that a rule's path names."""
    parsed = parse_path(path.replace("*", "x"))
    return keys.find(parsed) if parsed is not None else None


def is_about_something(policy: Policy) -> bool:
    """Whether the path of a rule can have a value; one that requires keys is about a mapping of free keys."""
    if not policy.required_keys:
        return exists(policy.path)
    prop = _key(policy.path)
    return prop is not None and "*" not in policy.path and _key(f"{policy.path}.x") is not None


def wrong_limit(policy: Policy) -> str:
    """A limit of another kind than the value that it limits: a validation level for a number, a number for a text."""
    fact = fact_of(policy.path)
    for name, limit in (("at_least", policy.at_least), ("at_most", policy.at_most)):
        level = isinstance(limit, str)
        fits = fact is not None and fact.kind == "level" if level else fact is None or fact.kind == "number"
        if limit is not None and not fits:
            return f"{name} is {'a validation level' if level else 'a number'}, and {policy.path} is none"
    return ""


def can_check(policy: Policy) -> bool:
    """Whether a rule can be checked at all: MLCC191 reports the others."""
    return not nowhere(policy) and not wrong_limit(policy)


def values(context: PolicyContext, path: str) -> list[tuple[Path, Any]]:
    """The values that a rule's path names, with their places."""
    if path.startswith(FACTS_PREFIX):
        return values_of(FACTS[path.removeprefix(FACTS_PREFIX)], context)
    wanted = path.removesuffix(ELEMENTS)
    if "*" in wanted:
        leaves = [
            (p, v.value) for p, v in context.resolved.values.items() if any(matches(wanted, n) for n in _names(p))
        ]
    else:
        parsed = parse_path(wanted) or ()
        leaf = context.resolved.values.get(parsed)
        leaves = [(parsed, leaf.value)] if leaf is not None else []
    return [(p, element) for p, value in leaves for element in (value if isinstance(value, tuple) else (value,))]


@functools.lru_cache(4096)
def _names(path: Path) -> set[str]:
    """A path in the forms that patterns may have: a key with a dot is written in brackets, or as it is."""
    return {format_path(path), ".".join(s.name if isinstance(s, Item) else str(s) for s in path)}


def _all(context: PolicyContext, conditions: Conditions) -> bool:
    """Whether each path has a value that one of its patterns matches."""
    return all(
        any(_matched(patterns, value) for _, value in values(context, path)) for path, patterns in conditions.items()
    )


def _matched(patterns: tuple[str, ...], value: Any) -> bool:
    return any(matches(pattern, scalar_text(value)) for pattern in patterns)


def broken_without_value(policy: Policy) -> bool:
    """Whether a missing value breaks a rule: a rule that requires it, or a limit for a fact that is not known."""
    limited = policy.at_least is not None or policy.at_most is not None
    return policy.required or (limited and policy.path.startswith(FACTS_PREFIX))


class Breach(NamedTuple):
    """A rule that a value breaks: the value's path, and how, in words that show no secret and no forbidden text."""

    policy: Policy
    path: Path
    message: str


def breaches(context: PolicyContext, policy: Policy) -> Iterator[Breach]:
    """What of one environment breaks one rule; nothing where the rule does not apply, or cannot be checked."""
    if not can_check(policy) or not applies(policy, context):
        return
    if policy.required_keys:
        yield from _lacking_keys(context, policy)
        return
    found = values(context, policy.path)
    if not found and broken_without_value(policy):
        fact = fact_of(policy.path)
        words = "is not known for this choice, and so cannot be checked" if fact else "is missing"
        yield _breach(policy, parse_path(fact.path if fact else policy.path) or (), f"{policy.path} {words}")
    for path, value in found:
        how = wrong(policy, value)
        if how:
            yield _breach(policy, path, f"{_shown(policy, path, value)} {how}")
        elif _matched(policy.forbidden_literals, value):
            # neither the value nor the pattern: it may be what must not be known
            yield _breach(policy, path, f"{format_path(path)} holds a text that is forbidden")


def _lacking_keys(context: PolicyContext, policy: Policy) -> Iterator[Breach]:
    here = parse_path(policy.path) or ()
    present = {
        path[len(here)] for path in context.resolved.values if len(path) > len(here) and path[: len(here)] == here
    }
    for key in policy.required_keys:
        if key not in present:
            yield _breach(policy, (*here, key), f"{format_path((*here, key))} is missing")


def _shown(policy: Policy, path: Path, value: Any) -> str:
    """The value for a message; one that may be a secret is not quoted."""
    fact = fact_of(policy.path)
    name = policy.path if fact is not None and fact.kind != "values" else format_path(path)
    return f"{name} {shown_value(str(path[-1]), scalar_text(value), MAX_VALUE, '')}".rstrip()


def _breach(policy: Policy, path: Path, how: str) -> Breach:
    text = printable(policy.message, MAX_TEXT)
    return Breach(policy, path, f"{policy.name}: {text} ({how})" if text else f"{policy.name}: {how}")


def applies(policy: Policy, context: PolicyContext) -> bool:
    """Whether a rule applies here: all its conditions match, and those against it do not."""
    return meets(context, policy.when, policy.unless)


def concerns(issue: Mapping[str, Any], context: PolicyContext) -> bool:
    """Whether a known issue of a row concerns this configuration.  Some issues have a check of their own."""
    conditions = (
        {path: tuple(map(scalar_text, patterns)) for path, patterns in issue.get(key, {}).items()}
        for key in ("when", "unless")
    )
    return "checked_by" not in issue and meets(context, *conditions)


def meets(context: PolicyContext, when: Conditions, unless: Conditions) -> bool:
    """Whether all of `when` match, and not all of `unless`."""
    return _all(context, when) and not (unless and _all(context, unless))


def wrong(policy: Policy, value: Any) -> str:
    """How a value breaks a rule, or an empty text."""
    if policy.allowed and not _matched(policy.allowed, value):
        return f"is not one of {allowed(policy.allowed)}"
    if _matched(policy.forbidden, value):
        return "is forbidden" + (f" (as are {allowed(policy.forbidden)})" if len(policy.forbidden) > 1 else "")
    if policy.pinned and not PINNED.match(scalar_text(value)):
        return "is not pinned by its digest"
    for limit, sign, words in ((policy.at_least, 1, "below"), (policy.at_most, -1, "above")):
        if limit is None:
            continue
        size, bound = _size(value, limit), _size(limit, limit)
        if size is None or bound is None:
            return f"cannot be compared with {limit}"
        if not size * sign >= bound * sign:  # NaN does not pass either
            return f"is {words} {limit}"
    return ""


def _size(value: Any, like: float | str) -> float | None:
    """A number, or the rank of a validation level, where that is what it is compared with."""
    if isinstance(like, str):
        ranks = VALIDATION_LEVELS[::-1]
        return ranks.index(value) if value in ranks else None
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
