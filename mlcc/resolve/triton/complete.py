"""What registry rows add to the models of a Triton repository.  Law: pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path, names
from mlcc.core.values import Source
from mlcc.load.layers import leaves, value_of
from mlcc.registries.triton_rows import Sample, TritonBackend
from mlcc.resolve.candidates import Table
from mlcc.resolve.result import Rows
from mlcc.resolve.triton.models import DEFAULT_MODEL, MODELS, sample


# ---------------------------------------------------------------- candidates
def complete_models(table: Table, rows: Rows) -> None:
    """Adds the implied model, what each model's backend says of it, and the default model's variable."""
    own = rows.backend
    if own is None:
        return
    _implied(table, own)
    sampled = sample(_winners(table), own)
    for name in names(table.candidates, MODELS):
        _element(table, rows, own, name, sampled if sampled is not None and sampled.name == name else None)
    if sampled is not None:
        _put(table, ("test", "payload"), sampled.payload, own)
    _default_model(table, own)


def _winners(table: Table) -> dict[Path, Any]:
    return {p: min(found, key=lambda c: c.source).value for p, found in table.candidates.items()}


def _put(table: Table, path: Path, value: Any, row: TritonBackend) -> None:
    """Takes a row's value, unless something of the same or a stronger source says it, or a part of it."""
    for known, found in table.candidates.items():
        if known[: len(path)] == path and (known != path or any(c.source is Source.DEPLOYMENT_CONFIG for c in found)):
            return
    table.put(path, value, Source.DEPLOYMENT_CONFIG, row.origin)


def _implied(table: Table, own: TritonBackend) -> None:
    """The one model of a project that lists none: the file or the Hub's model that it names, else the sample."""
    if names(table.candidates, MODELS):
        return
    named, project = table.winner("model.name"), table.chosen("project.name")
    if named is None:
        seeded = table.winner("seed_files.sample_model")
        if own.sample is not None and (seeded is None or seeded.value):
            _put(table, (*MODELS, Item(own.sample.name), "name"), own.sample.name, own)
        return
    local = str(named.value).startswith("./")
    if project and (local or own.options_file):
        here: Path = (*MODELS, Item(project))
        table.put((*here, "name"), project, named.source, named.origin, named.mark)
        if local and not own.options_file:
            table.put((*here, "file"), str(named.value), named.source, named.origin, named.mark)


def _element(table: Table, rows: Rows, own: TritonBackend, name: str, sampled: Sample | None) -> None:
    here: Path = (*MODELS, Item(name))
    _put(table, (*here, "backend"), own.name, own)
    values = _winners(table)
    backend = rows.backends.get(str(values.get((*here, "backend"))))
    if backend is None:
        return
    if sampled is not None:
        _take(table, name, sampled.model, backend)
    form = backend.form(str(values.get((*here, "file"), "")), str(values.get(("model", "format"), "")))
    for key, value in form.parameters.items() if form is not None else ():
        _put(table, (*here, "parameters", key), str(value).replace("{model}", name), backend)
    _take(table, name, backend.model, backend)
    if _winners(table).get((*here, "max_batch_size")) == 0:
        _without_batching(table, (*here, "dynamic_batching"))


def _take(table: Table, name: str, part: Node, row: TritonBackend) -> None:
    for path, node in _leaves_of(name, part):
        _put(table, path, value_of(path, node), row)


def _without_batching(table: Table, path: Path) -> None:
    """Takes the row's own batching away where the user has said that there is no batch."""
    kept = [c for c in table.candidates.pop(path, []) if c.source is not Source.DEPLOYMENT_CONFIG]
    if kept:
        table.candidates[path] = kept


def _leaves_of(name: str, part: Node) -> Iterator[tuple[Path, Node]]:
    """The leaves of a row's partial element, at their places below triton.models[NAME]."""
    element = Node({"name": Node(name, part.mark), **part.value}, part.mark)
    root = Node({"triton": Node({"models": Node((element,), part.mark)}, part.mark)}, part.mark)
    yield from leaves(root)


def _default_model(table: Table, own: TritonBackend) -> None:
    """`triton.default_model` and its variable say the same; one model alone is the default."""
    path: Path = ("env", DEFAULT_MODEL)
    for candidate in table.candidates.get(("triton", "default_model"), []):
        if all(c.source != candidate.source for c in table.candidates.get(path, [])):
            table.put(path, candidate.value, candidate.source, candidate.origin, candidate.mark)
    known = names(table.candidates, MODELS)
    if len(known) == 1:
        _put(table, path, known[0], own)
