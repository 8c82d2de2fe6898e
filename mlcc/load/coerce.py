"""Texts of options and variables as values of the type that a key has."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.paths import Path, parse_path
from mlcc.core.value_text import FALSE_WORDS, TRUE_WORDS
from mlcc.io.schema import keys
from mlcc.io.yaml import reader, scalars
from mlcc.load.document import _SHOWN
from mlcc.load.layers import combined

# ---------------------------------------------------------------- data from outside (options, variables, manifests)
MAX_DEPTH, MAX_NODES = 16, 20_000


def plain_problem(value: Any) -> str:
    """What keeps plain data from being configuration (size, depth, numbers, text that cannot travel), or ''.

    YAML documents are checked while they are read; this is for data that came another way.
    """
    nodes, pending = 0, [(value, 0)]
    while pending:
        node, depth = pending.pop()
        nodes += 1
        if nodes > MAX_NODES:
            return f"more than {MAX_NODES:,} values"
        if depth > MAX_DEPTH:
            return f"nested deeper than {MAX_DEPTH} levels"
        if isinstance(node, dict):
            pending += [(part, depth + 1) for pair in node.items() for part in pair]
        elif isinstance(node, (list, tuple)):
            pending += [(part, depth + 1) for part in node]
        elif problem := _scalar_problem(node):
            return problem
    return ""


def _scalar_problem(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    if isinstance(value, str) and _UNCARRIED.search(value):
        return "a NUL or lone surrogate character, which no shell or container can carry"
    known = isinstance(value, (str, int, float, bool, type(None)))
    return "" if known else "a value that is not text, number or switch"


_UNCARRIED = re.compile("[\x00\ud800-\udfff]")


def coerce_text(path: Path, text: str) -> tuple[Any, str]:
    """Text of an option or a variable as the type its key has: (value, "") or (None, what is wrong).

    A text key takes the text as it is; everything else is read like YAML, with the usual words for a switch.
    """
    prop = keys.find(path)
    types = prop.types if prop is not None else ("string",)
    if types == ("boolean",):
        word = text.strip().lower()
        if word in TRUE_WORDS + FALSE_WORDS:
            return word in TRUE_WORDS, ""
        return None, f"{_named(path, text)} is not true or false"
    if "array" in types or "object" in types:
        return _coerce_collection(path, text, types)
    if {"boolean", "string"} <= set(types) and text in ("true", "false") and not combined(prop):
        return text == "true", ""
    if "integer" in types or "number" in types:
        return (text, "") if combined(prop) else _coerce_number(path, text, types)
    return text, ""


def coerce_all(given: Mapping[str, str]) -> dict[Path, Any]:
    """Values by path of texts by dotted path, each as the type of its key.  Raises UserError for one that is none."""
    values: dict[Path, Any] = {}
    for dotted, text in given.items():
        path = parse_path(dotted)
        assert path is not None, "options are made of keys"
        value, wrong = coerce_text(path, text)
        if wrong:
            raise UserError([error("MLCC033", wrong, path=dotted)])
        values[path] = value
    return values


def _named(path: Path, text: str) -> str:
    """The text for a message; a secret, by where it stands or by its form, is not quoted."""
    from mlcc.registries.redaction import shown_value

    return "the value" if path[0] == "secrets" else shown_value(str(path[-1]), text, _SHOWN, "the value")


def _coerce_number(path: Path, text: str, types: tuple[str, ...]) -> tuple[Any, str]:
    value, _ = scalars.resolve(text.strip())
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value, ""
    if "string" in types:
        return text, ""
    return None, f"{_named(path, text)} is not a number"


def _coerce_collection(path: Path, text: str, types: tuple[str, ...]) -> tuple[Any, str]:
    prop = keys.find(path)
    numbers = prop is not None and prop.schema.get("items", {}).get("type") == "integer"
    elements = listed(text, numbers) if "array" in types else None
    if elements is not None:
        return elements, ""
    loaded = reader.load_yaml(text.encode("utf-8", "surrogatepass"), "value")
    if loaded.root is None or not (loaded.root.is_list or loaded.root.is_map):
        wanted = "a list, written A,B or in YAML" if types == ("array",) else "a list or mapping in YAML"
        return None, f"{_named(path, text)} is not {wanted}"
    if loaded.findings:
        return None, loaded.findings[0].message
    return loaded.root.plain(), ""


# ---------------------------------------------------------------- lists on a command line
# One element of A,B: a name with extras in brackets and versions, in which a comma stands only before a comparison.
_ELEMENT = re.compile(r"[A-Za-z0-9./:_@-](?:[A-Za-z0-9./:_@=~!<>*+-]|\[[A-Za-z0-9._,-]*\]|,(?=[=~!<>]))*")
_LISTED = re.compile(rf"{_ELEMENT.pattern}(?:,{_ELEMENT.pattern})*\Z")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\Z")


def listed(text: str, numbers: bool) -> list[str | int] | None:
    """The elements of a list written A,B, or None for any other text.  numbers: whole numbers are not text."""
    if not _LISTED.match(text):
        return None
    return [int(t) if numbers and _WHOLE.match(t) else t for t in _ELEMENT.findall(text)]
