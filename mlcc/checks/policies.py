"""Policies, checked on one resolved project.  Law: pure; a value that cannot be checked does not pass."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.paths import Item, Path, format_path, parse_path
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed
from mlcc.core.value_text import scalar_text
from mlcc.io.schema import keys
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.registries.loader import Registries
from mlcc.registries.match import matches
from mlcc.registries.policy_rows import Policy
from mlcc.registries.rows import VALIDATION_LEVELS
from mlcc.resolve.result import Resolved

FACTS_PREFIX = "facts."
# Keys that name other sources of values; they have no value of their own.
UNRESOLVED = ("version", "extends", "registries", "policies", "environments")
# What may follow the path of a list of texts.
ELEMENTS = "[*]"
# Paths with patterns, of which one must match.
Conditions = Mapping[str, tuple[str, ...]]


class PolicyContext(NamedTuple):
    """One resolved environment, and the registries for look-ups."""

    resolved: Resolved
    registries: Registries


class Fact(NamedTuple):
    """A fact that the registries have about a chosen row: the path that chooses the row, and how the fact is read.

    kind: `number` or `level` (a validation level) for what has an order, else empty.
    """

    path: str
    read: Callable[[PolicyContext], Any]
    kind: str = ""


def _row_field(row: str, field: str) -> Callable[[PolicyContext], Any]:
    """A field of a selected row; None where no row is selected or the row does not have it."""

    def read(context: PolicyContext) -> Any:
        return getattr(getattr(context.resolved.rows, row), field, None)

    return read


def _cost(context: PolicyContext) -> float | None:
    """USD an hour of all instances; None where no row has the price."""
    name = context.resolved.get("deployment.instance_type")
    price = context.registries.price(str(name)) if name else None
    return None if price is None else price.amount * int(context.resolved.get("deployment.instance_count", 1))


FACTS: Mapping[str, Fact] = {
    "accelerator": Fact("deployment.instance_type", _row_field("instance", "accelerator")),
    "accelerator_count": Fact("deployment.instance_type", _row_field("instance", "accelerator_count"), "number"),
    "accelerator_name": Fact("deployment.instance_type", _row_field("instance", "accelerator_name")),
    "config_validation_level": Fact("deployment.config", _row_field("config", "validation_level"), "level"),
    "cost_usd_per_hour": Fact("deployment.instance_type", _cost, "number"),
    "environment": Fact("environments", lambda context: context.resolved.env or DEFAULT_ENVIRONMENT),
    "framework_validation_level": Fact("framework.version", _row_field("version", "validation_level"), "level"),
    "instance_family": Fact("deployment.instance_type", _row_field("instance", "family")),
    "model_family": Fact("model.name", _row_field("model", "family")),
    "model_gated": Fact("model.name", _row_field("model", "gated")),
    "model_validation_level": Fact("model.name", _row_field("model", "validation_level"), "level"),
}


def paths(policy: Policy) -> tuple[str, ...]:
    """Every path that a rule names."""
    return (policy.path, *policy.when, *policy.unless)


def exists(path: str) -> bool:
    """Whether a rule's path can have a value: a section has none itself, only the keys in it do."""
    if path.startswith(FACTS_PREFIX):
        return path.removeprefix(FACTS_PREFIX) in FACTS
    if re.split(r"[.\[]", path)[0] in UNRESOLVED:
        return False
    parsed = parse_path(path.replace("*", "x"))
    prop = keys.find(parsed) if parsed is not None else None
    return prop is not None and "object" not in prop.types


def wrong_limit(policy: Policy) -> str:
    """A limit of another kind than the value that it limits: a validation level for a number, a number for a text."""
    fact = FACTS.get(policy.path.removeprefix(FACTS_PREFIX)) if policy.path.startswith(FACTS_PREFIX) else None
    for name, limit in (("at_least", policy.at_least), ("at_most", policy.at_most)):
        level = isinstance(limit, str)
        fits = fact is not None and fact.kind == "level" if level else fact is None or fact.kind == "number"
        if limit is not None and not fits:
            return f"{name} is {'a validation level' if level else 'a number'}, and {policy.path} is none"
    return ""


def can_check(policy: Policy) -> bool:
    """Whether a rule can be checked at all: MLCC191 reports the others."""
    return all(map(exists, paths(policy))) and not wrong_limit(policy)


def values(context: PolicyContext, path: str) -> list[tuple[Path, Any]]:
    """The values that a rule's path names, with their places."""
    if path.startswith(FACTS_PREFIX):
        fact = FACTS[path.removeprefix(FACTS_PREFIX)]
        value = fact.read(context)
        return [(parse_path(fact.path) or (), value)] if value not in (None, "") else []
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


def applies(policy: Policy, context: PolicyContext) -> bool:
    """Whether a rule applies here: all its conditions match, and those that waive it do not."""
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
