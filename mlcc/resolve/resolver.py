"""Config and registries to one flat set of values.

Law: pure; every value knows its source, its origin and the values that it beat.  Sources are compared only by
`values.Source`.  Registry rows take part as partial documents at level 8 and the schema's defaults at level 9, so that
a row, a file and an option obey the same merge: mappings key by key, lists of named elements by name, other lists as a
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.core.paths import EMPTY, Item, Path, dotted_path
from mlcc.core.values import HeldChoice, Source, Value
from mlcc.io.schema import keys
from mlcc.load.layers import Layer
from mlcc.registries.loader import Registries
from mlcc.resolve import rows
from mlcc.resolve.candidates import Table
from mlcc.resolve.choices import Choices
from mlcc.resolve.engine import adapters, variables
from mlcc.resolve.hardware import shares
from mlcc.resolve.hardware.hosts import pod_devices
from mlcc.resolve.hyperpod import clusters
from mlcc.resolve.result import DEFAULT_COMPONENT, Resolved
from mlcc.resolve.rows import Draft, Findings
from mlcc.resolve.triton import complete

BUILT_IN = "built-in default"


# ---------------------------------------------------------------- steps
def add_schema_defaults(draft: Draft) -> Findings:
    """The schema's defaults of keys outside named lists."""
    for pattern, prop in keys.index().items():
        if "default" in prop.schema and "*" not in pattern and "[]" not in pattern:
            value = prop.schema["default"]
            draft.table.put(pattern, tuple(value) if isinstance(value, list) else value, Source.DEFAULT, BUILT_IN)
    return []


def add_elements(draft: Draft) -> Findings:
    """The implied inference component, and an adapter's base where there is only one component."""
    table, target = draft.table, draft.rows.target
    if not table.names("inference_components") and target is not None and target.components:
        path: Path = ("inference_components", Item(DEFAULT_COMPONENT), "name")
        table.put(path, DEFAULT_COMPONENT, Source.DEFAULT, f"target {target.name} serves components")
    components = table.names("inference_components")
    for adapter in table.names("adapters"):
        base: Path = ("adapters", Item(adapter), "base")
        if base not in table and len(components) == 1:
            table.put(base, components[0], Source.DEFAULT, "the only inference component")
    return []


def add_element_defaults(draft: Draft) -> Findings:
    """The schema's defaults for every element of a named list."""
    for pattern, prop in keys.index().items():
        if "default" in prop.schema and "[]" in pattern and pattern.count("[]") == 1 and "*" not in pattern:
            at = pattern.index("[]")
            for name in draft.table.names(*pattern[:at]):
                path: Path = (*pattern[:at], Item(name), *pattern[at + 1 :])
                draft.table.put(path, prop.schema["default"], Source.DEFAULT, BUILT_IN)
    return []


def complete_triton_models(draft: Draft) -> Findings:
    """The values that rows add to the models of a Triton repository."""
    complete.complete_models(draft.table, draft.rows)
    return []


def serve_adapters(draft: Draft) -> Findings:
    """LoRA in the engines whose components have adapters, on a target that serves them."""
    target = draft.rows.target
    if draft.rows.engine is not None and target is not None and adapters.ADAPTERS in target.uses:
        adapters.offer_lora(draft.table, draft.rows.engine)
    return []


def spell_engine_options(draft: Draft) -> Findings:
    """The variables of the engine's containers and the typed keys, each from the other."""
    table, engine, instance = draft.table, draft.rows.engine, draft.rows.instance
    if engine is None:
        return []
    asked = table.best("hyperpod.gpu_count")
    pod = pod_devices(draft.rows.target, asked.value if asked is not None else None)
    have = instance.accelerator_count if instance is not None else None
    own = shares.of_components(table, have or 1)
    # what the project says for all containers must hold in each of them
    whole = pod or (min(have, *own.values()) if have and own else have)
    devices: dict[Path, int | None] = {(): whole, **own}
    return variables.spell(table, engine, draft.rows.model, devices)


def remove_unset_variables(draft: Draft) -> Findings:
    """Removes registry defaults of the variables in `env_unset`; a value that the user gave stays."""
    unset = draft.table.best("env_unset")
    for name in unset.value if unset is not None else ():
        draft.table.drop(("env", str(name)), lambda candidate: not candidate.source.by_hand)
    return []


# The ways to name the place of a secret, and the way to which each key belongs.
PLACES = {"secretsmanager": "secretsmanager", "json_key": "secretsmanager", "env": "env", "kubernetes": "kubernetes"}


def keep_one_place_of_secrets(draft: Draft) -> Findings:
    """Of a secret that two sources place differently (an overlay and its base), only the stronger one's place stays."""
    for secret in {path[:2] for path in draft.table.below("secrets") if len(path) > 2}:
        draft.table.keep_strongest(secret, PLACES)
    return []


def keep_one_cluster(draft: Draft) -> Findings:
    """The cluster of a target with manifests, and whether it can have HyperPod's operator."""
    if draft.rows.target is not None and draft.rows.target.manifests:
        clusters.keep_one_cluster(draft.table)
    return []


# Each step reads candidates and rows of the steps before it, so the order is a part of the merge.
STEPS: tuple[Callable[[Draft], Findings], ...] = (
    add_schema_defaults,  # first: a row may be named by a default (deployment.target)
    rows.select_config,
    rows.select_target,
    rows.select_architecture,
    rows.add_defaults,  # before the framework: the config's row may name one
    keep_one_cluster,  # after the defaults of the target
    rows.offer_payload_limit,
    rows.select_framework,
    rows.select_version,  # needs the framework, and the Triton backend of the architecture for the image
    rows.select_engine,  # before the model: a variable of the engine may name it
    rows.select_model,
    rows.add_test_request,
    serve_adapters,  # before the instance type: adapters need memory
    rows.read_engine_variables,  # before the instance type: sizes are computed from typed keys
    rows.select_instance,
    add_elements,  # after all rows: a row may add elements
    add_element_defaults,  # after all elements are there
    complete_triton_models,
    spell_engine_options,  # after everything that sets typed keys, variables or devices
    remove_unset_variables,  # after everything that adds variables
    keep_one_place_of_secrets,  # before the table is settled: it merges key by key
)


# ---------------------------------------------------------------- the whole
def resolve_layers(
    layers: Sequence[Layer], registries: Registries, env: str | None = None, held: Mapping[Path, HeldChoice] = EMPTY
) -> Resolved:
    """Merges all sources into one value per leaf.

    layers: documents, options and variables with their sources, in any order; registries: rows for level 8;
    env: the chosen environment's name, kept for the record; held: choices of registries that mlcc.lock holds.
    """
    draft = Draft(Table(), registries, Choices(held))
    for layer in layers:
        draft.table.add(layer)
    findings = [finding for step in STEPS for finding in step(draft)]
    values = draft.table.settle()
    findings += draft.choices.findings
    return Resolved(values, draft.rows, (*findings, *_missing(values, layers)), env, draft.choices.made)


REQUIRED = {
    "project.name": "name the project: project: {name: iris}",
    "deployment.config": "choose one with `mlcc catalog configs`: deployment: {config: http-fastapi}",
}


def _missing(values: Mapping[Path, Value], layers: Sequence[Layer]) -> Iterator[Finding]:
    mark = next((layer.root.mark for layer in layers if layer.source is Source.FILE), Mark("mlcc.yaml", 1, 1))
    for dotted, hint in REQUIRED.items():
        if dotted_path(dotted) not in values:
            yield Finding("MLCC027", Severity.ERROR, f"{dotted} is missing", dotted, mark.file, 1, 1, hint)
