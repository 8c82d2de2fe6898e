"""Fields of a node of a registry file, as plain data.  Law: pure; an absent field is the default, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.nodes import Node


def text(node: Node, key: str, default: str = "") -> str:
    """A scalar as text."""
    field = node.get(key)
    return default if field is None or field.value is None else str(field.value)


def texts(node: Node, key: str) -> tuple[str, ...]:
    """A list of scalars as texts."""
    field = node.get(key)
    return tuple(str(element.value) for element in field.value) if field is not None else ()


def flag(node: Node, key: str, default: bool = False) -> bool:
    """True or false."""
    field = node.get(key)
    return default if field is None else bool(field.value)


def mapping(node: Node, key: str) -> dict[str, Any]:
    """A mapping as plain data."""
    field = node.get(key)
    plain = field.plain() if field is not None else {}
    return plain if isinstance(plain, dict) else {}


def mappings(node: Node, key: str) -> tuple[Mapping[str, Any], ...]:
    """A list of mappings as plain data."""
    field = node.get(key)
    return tuple(element.plain() for element in field.value) if field is not None else ()


def items(node: Node, key: str) -> list[tuple[str, Node]]:
    """The keys of a mapping with their nodes."""
    field = node.get(key)
    return list(field.value.items()) if field is not None else []
