"""Rules of an organisation as rows.  Law: pure; every row of every root applies, and none overrides another one.

This is different from other registries: a project's own folder can add rules, and cannot remove those of the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import scalar_text


class Policy(NamedTuple):
    """One rule about one value.

    path: a path of mlcc.yaml, in which `*` matches any text, or `facts.NAME`; allowed and forbidden: patterns for
    its text; at_least and at_most: a number or a validation level; when and unless: paths with patterns, which must
    all match for the rule to apply, or to be waived.
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
    when: Mapping[str, tuple[str, ...]] = EMPTY
    unless: Mapping[str, tuple[str, ...]] = EMPTY
    severity: str = "error"
    message: str = ""
    hint: str = ""

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
    for key in ("allowed", "forbidden"):
        row[key] = tuple(map(scalar_text, row.get(key, ())))
    for key in ("when", "unless"):
        row[key] = {path: tuple(map(scalar_text, patterns)) for path, patterns in row.get(key, {}).items()}
    return Policy(name=name, mark=mark, **{"source": source, **row})
