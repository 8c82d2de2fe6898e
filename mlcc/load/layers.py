"""Documents as layers of values, each with its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import Item, Path
from mlcc.core.records import NamedTuple
from mlcc.core.values import Source
from mlcc.io.schema import keys

# Keys that shape how documents combine; they are never configuration values.
STRUCTURE = ("version", "extends", "environments")
NOTHING = Node({}, Mark(""))
# What --env calls the values without an overlay.
DEFAULT_ENVIRONMENT = "default"


class Layer(NamedTuple):
    """One source of values: a tree in mlcc.yaml's shape.

    source: its place in the precedence; origin: fixed text for what has no lines (an option, a variable), else empty.
    """

    source: Source
    root: Node
    origin: str = ""


# ---------------------------------------------------------------- trees as leaves
def leaves(root: Node) -> Iterator[tuple[Path, Node]]:
    """Every value of a tree with its path: scalars, and lists whose elements have no names (not `x-*` keys)."""
    yield from _leaves(root, ())


def _leaves(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if node.is_map and (node.value or not keys.empty_counts(path)):
        for key, child in node.value.items():
            if path or not key.startswith("x-"):
                yield from _leaves(child, (*path, key))
    elif node.is_list and _named(path):
        for element in node.value:
            name = str(element.value["name"].value)
            yield from _leaves(element, (*path, Item(name)))
    else:
        yield path, node


def _named(path: Path) -> bool:
    prop = keys.find(path)
    return prop is not None and prop.named


def value_of(path: Path, node: Node) -> Any:
    """A leaf's value: container environment values are text exactly as written, lists are tuples of plain data.

    The keys of a list's mappings have one order, their names first: in which one wrote them means nothing.
    """
    prop = keys.find(path)
    if combined(prop) and not isinstance(node.value, str):
        return node.text
    plain = node.plain()
    return tuple(map(_ordered, plain)) if isinstance(plain, list) else plain


def _ordered(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _ordered(plain[key]) for key in sorted(plain, key=lambda key: (key != "name", key))}
    return [_ordered(value) for value in plain] if isinstance(plain, list) else plain


def combined(prop: keys.Property | None) -> bool:
    """True for a key whose value is text exactly as written, whatever it looks like."""
    return prop is not None and prop.meta.get("keep") == "text"


def node_layer(source: Source, plain: Mapping[str, Any], origin: str) -> Layer:
    """A layer from plain data that has no lines."""
    from mlcc.core.nodes import node_of

    node: Node = node_of(plain, Mark(origin))
    return Layer(source, node, origin)
