"""Rules of an organisation as rows.  Law: pure; every row of every root applies, and none overrides another one.

This is different from other registries: a project's own folder can add rules, and cannot remove those of the operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import scalar_text


class Waiver(NamedTuple):
    """A rule that need not be kept: by whom that was decided, why, and the last day of it.

    policy: the rule's name; projects, environments and paths: patterns of what it is for, all where there are none.
    """

    policy: str
    owner: str
    reason: str
    expires: str
    mark: Mark
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """File and line of the waiver."""
        return str(self.mark)


class Policy(NamedTuple):
    """One rule about one value.

    path: a path of mlcc.yaml, in which `*` matches any text, or `facts.NAME`; allowed and forbidden: patterns for
    its text; at_least and at_most: a number or a validation level; pinned: an image must have its digest;
    required_keys: keys that a mapping must have; forbidden_literals: patterns whose matches are never shown; when and
    unless: paths with patterns, which must all match for the rule to apply, or for it not to; waivers: those of its
    folder that name it.
    """

    name: str
    path: str
    mark: Mark
    title: str = ""
    source: str = ""
    allowed: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    at_least: float | str | None = None
    at_most: float | str | None = None
    required: bool = False
    required_keys: tuple[str, ...] = ()
    pinned: bool = False
    forbidden_literals: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = EMPTY
    unless: Mapping[str, tuple[str, ...]] = EMPTY
    severity: str = "error"
    message: str = ""
    hint: str = ""
    waivers: tuple[Waiver, ...] = ()

    @property
    def origin(self) -> str:
        """File and line of the rule."""
        return str(self.mark)


def policies(document: Node) -> list[Policy]:
    """The rules of one file, in its order."""
    rows, source = document.get("rows"), document.get("source")
    if rows is None:
        return []
    of_file = str(source.value) if source is not None else ""
    return [_policy(name, node, rows.keys[name], of_file) for name, node in rows.value.items()]


def _policy(name: str, node: Node, mark: Mark, source: str) -> Policy:
    row: dict[str, Any] = node.plain()
    for key in ("allowed", "forbidden", "forbidden_literals"):
        row[key] = tuple(map(scalar_text, row.get(key, ())))
    row["required_keys"] = tuple(row.get("required_keys", ()))
    for key in ("when", "unless"):
        row[key] = {path: tuple(map(scalar_text, patterns)) for path, patterns in row.get(key, {}).items()}
    return Policy(name=name, mark=mark, **{"source": source, **row})


def waivers(document: Node) -> list[Waiver]:
    """The waivers of one file, in its order."""
    listed = document.get("waivers")
    return [_waiver(node) for node in listed.value] if listed is not None else []


def _waiver(node: Node) -> Waiver:
    row: dict[str, Any] = node.plain()
    for key in ("projects", "environments", "paths"):
        row[key] = tuple(map(scalar_text, row.get(key, ())))
    return Waiver(mark=node.mark, **row)


class PolicyFolder(NamedTuple):
    """The rules of one folder, each with its waivers; and the waivers that name none of them."""

    rules: tuple[Policy, ...] = ()
    stray: tuple[Waiver, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its rules."""
        return tuple(rule.name for rule in self.rules)


def policy_folder(documents: Sequence[Node]) -> PolicyFolder:
    """The files of one folder together."""
    rules = [rule for document in documents for rule in policies(document)]
    by_rule: dict[str, list[Waiver]] = {rule.name: [] for rule in rules}
    stray: list[Waiver] = []
    for waiver in (waiver for document in documents for waiver in waivers(document)):
        by_rule.get(waiver.policy, stray).append(waiver)
    return PolicyFolder(tuple(rule._replace(waivers=tuple(by_rule[rule.name])) for rule in rules), tuple(stray))
