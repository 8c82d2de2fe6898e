"""What a schema says about its keys: option, variables, phase, default.  Law: the one reader of `x-mlcc`.

The command line, the documentation, the .conf files and the checks ask here, so that a key is described once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Item, Path
from mlcc.core.records import NamedTuple
from mlcc.io.schema.validator import load_schema

# The schema of mlcc.yaml, which nearly all who ask here mean.
MLCC_YAML = "mlcc"


class Property(NamedTuple):
    """A key of mlcc.yaml: `path` has `*` for a map's names and `[]` for a list's elements."""

    path: tuple[str, ...]
    schema: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Dotted form for people: `inference_components[].copy_count`."""
        return ".".join(self.path).replace(".[]", "[]")

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `x-mlcc` object."""
        meta: Mapping[str, Any] = self.schema.get("x-mlcc", {})
        return meta

    @property
    def phase(self) -> str:
        """`build` (changes the rendered tree's image), `deploy`, or empty for a section of both."""
        return str(self.meta.get("phase", ""))

    @property
    def named(self) -> bool:
        """True for a list whose elements merge by name."""
        return self.meta.get("merge") == "name"

    @property
    def free(self) -> bool:
        """True for a mapping whose keys and depth the schema leaves open."""
        closed = {"properties", "patternProperties"} & set(self.schema)
        more = self.schema.get("additionalProperties")
        return self.types == ("object",) and not closed and more in (None, True, {})

    @property
    def types(self) -> tuple[str, ...]:
        """JSON types it may have."""
        if "anyOf" in self.schema:
            return tuple(str(form.get("type", "string")) for form in self.schema["anyOf"])
        kind = self.schema.get("type", "object")
        return tuple(kind) if isinstance(kind, list) else (str(kind),)


def properties(schema: Mapping[str, Any]) -> dict[tuple[str, ...], Property]:
    """Every key below an expanded schema by its pattern path, depth first, in the schema's order."""
    found: dict[tuple[str, ...], Property] = {}
    _add_below(found, (), schema)
    return found


def _add_below(found: dict[tuple[str, ...], Property], path: tuple[str, ...], schema: Mapping[str, Any]) -> None:
    children = [*schema.get("properties", {}).items()]
    children += [("*", child) for child in schema.get("patternProperties", {}).values()]
    children += [(word, schema.get(key)) for word, key in (("*", "additionalProperties"), ("[]", "items"))]
    for word, child in children:
        if isinstance(child, dict):
            here = (*path, word)
            found[here] = Property(here, child)
            _add_below(found, here, child)


@functools.cache
def index(name: str = MLCC_YAML) -> Mapping[tuple[str, ...], Property]:
    """All keys of a packaged schema by their pattern path (without what is below `environments`)."""
    keys = load_schema(name).get("properties", {})
    found = properties({"properties": {key: {} if key == "environments" else child for key, child in keys.items()}})
    if "environments" in keys:
        found["environments",] = Property(("environments",), keys["environments"])
    return found


def find(path: Path, name: str = MLCC_YAML) -> Property | None:
    """The key that a concrete path names, or None; free maps below a key answer with that key's `*`."""
    known = index(name)
    pattern: tuple[str, ...] = ()
    for segment in path:
        word = "[]" if isinstance(segment, (int, Item)) else segment
        if (*pattern, word) in known:
            pattern = (*pattern, word)
        elif (*pattern, "*") in known:
            pattern = (*pattern, "*")
        elif pattern in known and known[pattern].free:
            return known[pattern]
        else:
            return None
    return known.get(pattern)


def empty_counts(path: Path) -> bool:
    """True for a mapping that says something even when it holds nothing (`dynamic_batching: {}`)."""
    prop = find(path)
    return prop is not None and prop.meta.get("keep") == "empty"
