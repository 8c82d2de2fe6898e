"""A quick yes to documents that certainly obey a schema.  Law: never yes where jsonschema would object.

Nearly every document is right, and importing and building jsonschema takes longer than judging one.  So a document is
first tried here, against the keywords that our schemas use; whatever is not certainly right (a mistake, a keyword that
is not known here) goes to jsonschema, which alone says what is wrong.  A differential test holds the two together.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]
_compiled = functools.lru_cache(maxsize=1024)(re.compile)


def accepts(schema: Schema, value: Any) -> bool:
    """True when `value` certainly obeys `schema` (expanded: no `$ref`).  False says nothing."""
    for keyword, wanted in schema.items():
        rule = _RULES.get(keyword)
        if rule is not None:
            if not rule(schema, wanted, value):
                return False
        elif keyword not in _SILENT and not keyword.startswith("x-"):
            return False
    return True


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": _number,
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "null": lambda v: v is None,
}


def _type(schema: Schema, wanted: Any, value: Any) -> bool:
    if isinstance(wanted, str):
        return _TYPES[wanted](value)
    return any(_TYPES[name](value) for name in wanted)


def _enum(schema: Schema, wanted: Any, value: Any) -> bool:
    return any(type(each) is type(value) and each == value for each in wanted)


def _pattern(schema: Schema, wanted: Any, value: Any) -> bool:
    return not isinstance(value, str) or _compiled(wanted).search(value) is not None


def _items(schema: Schema, wanted: Any, value: Any) -> bool:
    return not isinstance(value, list) or (isinstance(wanted, dict) and all(accepts(wanted, each) for each in value))


def _unique(schema: Schema, wanted: Any, value: Any) -> bool:
    if not wanted or not isinstance(value, list):
        return True
    return all(isinstance(each, str) for each in value) and len(set(value)) == len(value)


def _dependencies(schema: Schema, wanted: Any, value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    return all(isinstance(w, list) and all(k in value for k in w) for key, w in wanted.items() if key in value)


def _object(schema: Schema, wanted: Any, value: Any) -> bool:
    """`properties`, `patternProperties` and `additionalProperties` together: each key by what applies to it."""
    if not isinstance(value, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = schema.get("additionalProperties", True)
    for key, child in value.items():
        applying = [known[key]] if key in known else []
        if patterns:
            applying += [below for pattern, below in patterns.items() if _compiled(pattern).search(key)]
        if not applying:
            if more is False:
                return False
            applying = [more] if isinstance(more, dict) else []
        for each in applying:
            if not accepts(each, child):
                return False
    return True


_RULES: dict[str, Callable[[Schema, Any, Any], bool]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "items": _items,
    "uniqueItems": _unique,
    "dependencies": _dependencies,
    # the three are checked together, where the first of them stands
    "properties": _object,
    "patternProperties": lambda schema, _, value: "properties" in schema or _object(schema, _, value),
    "additionalProperties": lambda schema, _, value: (
        "properties" in schema or "patternProperties" in schema or _object(schema, _, value)
    ),
    "required": lambda _, wanted, value: not isinstance(value, dict) or value.keys() >= set(wanted),
    "minProperties": lambda _, wanted, value: not isinstance(value, dict) or len(value) >= wanted,
    "maxProperties": lambda _, wanted, value: not isinstance(value, dict) or len(value) <= wanted,
    "minItems": lambda _, wanted, value: not isinstance(value, list) or len(value) >= wanted,
    "maxItems": lambda _, wanted, value: not isinstance(value, list) or len(value) <= wanted,
    "minLength": lambda _, wanted, value: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda _, wanted, value: not isinstance(value, str) or len(value) <= wanted,
    "minimum": lambda _, wanted, value: not _number(value) or value >= wanted,
    "maximum": lambda _, wanted, value: not _number(value) or value <= wanted,
    "exclusiveMinimum": lambda _, wanted, value: not _number(value) or value > wanted,
    "exclusiveMaximum": lambda _, wanted, value: not _number(value) or value < wanted,
    "anyOf": lambda _, wanted, value: any(accepts(each, value) for each in wanted),
    "allOf": lambda _, wanted, value: all(accepts(each, value) for each in wanted),
}
# Words about a schema, not about values.
_SILENT = frozenset({"title", "description", "examples", "default", "$schema", "$id", "$comment", "definitions"})
