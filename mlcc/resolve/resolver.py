"""Config and registries to one flat set of values.  Law: pure; every value knows its source, origin and what it beat.

Sources are only ever compared by `values.Source`.  Registry rows take part as partial documents at level 8 and the
schema's defaults at level 9, so that a row, a file and an option obey the same merge: mappings key by key, lists of
named elements by name, other lists as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.core.paths import Item, Path, dotted_path, names
from mlcc.core.values import Source, Value
from mlcc.io.schema import keys
from mlcc.load.layers import SCHEMA, Layer
from mlcc.registries.loader import Registries
from mlcc.resolve.candidates import Table
from mlcc.resolve.engine import variables
from mlcc.resolve.result import DEFAULT_COMPONENT, Resolved, Rows
from mlcc.resolve.rows import select
from mlcc.resolve.triton import complete

BUILT_IN = "built-in default"


# ---------------------------------------------------------------- the whole
def resolve_layers(layers: Sequence[Layer], registries: Registries, env: str | None = None) -> Resolved:
    """Merges all sources into one value per leaf.

    layers: documents, options and variables with their sources, in any order; registries: rows for level 8;
    env: the chosen environment's name, kept for the record.
    """
    table, findings = Table(), list[Finding]()
    for layer in layers:
        table.add(layer)
    _schema_defaults(table)
    rows = select(table, registries, findings)
    _elements(table, rows)
    complete.complete_models(table, rows)
    findings += _spelled(table, rows)
    _unset(table)
    _one_place(table)
    values = table.settle()
    findings.extend(_missing(values, layers))
    return Resolved(values, rows, tuple(findings), env)


def _schema_defaults(table: Table) -> None:
    for pattern, prop in keys.index(SCHEMA).items():
        if "default" in prop.schema and "*" not in pattern and "[]" not in pattern:
            value = prop.schema["default"]
            table.put(pattern, tuple(value) if isinstance(value, list) else value, Source.DEFAULT, BUILT_IN)


def _elements(table: Table, rows: Rows) -> None:
    """Per-element defaults, the implied component, and an adapter's base."""
    components = names(table.candidates, ("inference_components",))
    if not components and rows.target is not None and rows.target.components:
        path: Path = ("inference_components", Item(DEFAULT_COMPONENT), "name")
        table.put(path, DEFAULT_COMPONENT, Source.DEFAULT, f"target {rows.target.name} serves components")
        components = (DEFAULT_COMPONENT,)
    for adapter in names(table.candidates, ("adapters",)):
        base: Path = ("adapters", Item(adapter), "base")
        if base not in table.candidates and len(components) == 1:
            table.put(base, components[0], Source.DEFAULT, "the only inference component")
    for pattern, prop in keys.index(SCHEMA).items():
        if "default" in prop.schema and "[]" in pattern and pattern.count("[]") == 1 and "*" not in pattern:
            at = pattern.index("[]")
            for name in names(table.candidates, pattern[:at]):
                path = (*pattern[:at], Item(name), *pattern[at + 1 :])
                table.put(path, prop.schema["default"], Source.DEFAULT, BUILT_IN)


def _spelled(table: Table, rows: Rows) -> list[Finding]:
    """What the engine's container is told, in its own words."""
    if rows.engine is None:
        return []
    devices: dict[Path, int | None] = {(): rows.instance.accelerator_count if rows.instance is not None else None}
    for component in names(table.candidates, ("inference_components",)):
        prefix: Path = ("inference_components", Item(component))
        found = table.candidates.get((*prefix, "gpu_count"))
        if found:
            devices[prefix] = int(min(found, key=lambda c: c.source).value)
    return variables.spell(table, rows.engine, rows.model, devices)


def _unset(table: Table) -> None:
    """Takes registry defaults of the variables in `env_unset` away; a value that the user gave stays."""
    found = table.winner("env_unset")
    for name in found.value if found is not None else ():
        path = ("env", str(name))
        kept = [c for c in table.candidates.pop(path, []) if c.source.level < Source.MODEL.level]
        if kept:
            table.candidates[path] = kept


# Where a secret lies is said in one of these ways, with what belongs to it.
FORMS = {"secretsmanager": "secretsmanager", "json_key": "secretsmanager", "env": "env", "kubernetes": "kubernetes"}


def _one_place(table: Table) -> None:
    """Of a secret that sources place differently (an overlay its base) only the strongest one's place stays."""
    said: dict[Path, list[tuple[Source, str]]] = {}
    for path, found in table.candidates.items():
        if path[0] == "secrets" and len(path) > 2 and str(path[2]) in FORMS and path[2] != "json_key":
            said.setdefault(path[:2], []).append((min(c.source for c in found), str(path[2])))
    for secret, forms in said.items():
        strongest = min(source for source, _ in forms)
        kept = {form for source, form in forms if source == strongest}
        for path in [p for p in table.candidates if p[:2] == secret and len(p) > 2]:
            weaker = min(c.source for c in table.candidates[path]) > strongest
            if weaker and FORMS.get(str(path[2]), next(iter(kept))) not in kept:
                del table.candidates[path]


REQUIRED = {
    "project.name": "name the project: project: {name: iris}",
    "deployment.config": "choose one with `mlcc catalog configs`: deployment: {config: http-fastapi}",
}


def _missing(values: Mapping[Path, Value], layers: Sequence[Layer]) -> Iterable[Finding]:
    file = next((la.root.mark for la in layers if la.source is Source.FILE), Mark("mlcc.yaml", 1, 1))
    for dotted, hint in REQUIRED.items():
        if dotted_path(dotted) not in values:
            yield Finding("MLCC027", Severity.ERROR, f"{dotted} is missing", dotted, file.file, 1, 1, hint)
