"""code/engine.json: what the project's serve script must know of its engine.

Law: pure; each key is one line, however long, so that another version of an engine changes a few lines of a project
(docs/adr/0036-one-line-of-options.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine.options import KnownOptions, names_of
from mlcc.resolve.engine.spelling import spelled

# How serve.py reads a value; what is not listed is passed on as it is.
TYPES = ("flag", "switch", "boolean", "integer", "number", "text", "list", "json")


# ---------------------------------------------------------------- code/engine.json
def engine_document(engine: Engine, version: str, found: KnownOptions | None) -> str:
    """What the project's serve script reads: how the engine is started, and what its command line knows."""
    options: dict[str, set[str]] = {kind: set() for kind in TYPES}
    for row in found.options.values() if found is not None else ():
        # its text is written into a file where it is JSON: engines list it as the path of one
        options["json" if row.name == engine.file_option else row.type].add(row.name)
        options[row.type].update(row.aliases)
        options["flag"].update(name for name in names_of(row) if name not in (row.name, *row.aliases))
    document = {
        "engine": engine.name,
        "version": version,
        "prefixes": [engine.prefix, *engine.further_prefixes],
        "command": list(engine.command),
        "fixed": list(engine.fixed_arguments),
        "flags": dict(engine.flags),
        "model_variable": engine.model_variables.get("model.name", ""),
        "routes": dict(engine.routes),
        "file": engine.file_option,
        "parts": dict(_parts(engine)),
        "options": {kind: _names(names) for kind, names in options.items() if names},
        "variables": _names(found.variables if found is not None else ()),
    }
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()) + "\n}"


def _parts(engine: Engine) -> Iterable[tuple[str, str]]:
    """Further variables, with the option that each says, or the option and the key of a JSON option."""
    for name, key in engine.extra_variables.items():
        how = spelled(engine, key)
        if how is not None:
            yield name, f"{how.option}.{how.key}" if how.key else how.option


def _names(names: Iterable[str]) -> list[str]:
    """Names in order, as one text in a list: the scripts of earlier releases, which users have edited, read lists."""
    return [" ".join(sorted(names))] if names else []
