"""Values that registry rows add to the models of a Triton repository.

Law: pure; a row's value is offered only where no other source sets the same key or a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.nodes import Node
from mlcc.core.paths import Item, Path
from mlcc.core.values import Source
from mlcc.load.layers import leaves, value_of
from mlcc.registries.triton_rows import TritonBackend
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.result import Rows
from mlcc.resolve.triton.models import CACHE, CACHE_MB, DEFAULT_MODEL, ENSEMBLE, MODELS, served_sample


def complete_models(table: Table, rows: Rows) -> None:
    """Adds the implied model, the values of each model's backend, and the variables of the server."""
    backend = rows.backend
    if backend is None:
        return
    _offer_implied_model(table, backend)
    sample = served_sample(table.winners(), backend)
    for name in table.names(*MODELS):
        prefix: Path = (*MODELS, Item(name))
        if table.text((*prefix, "platform")) == ENSEMBLE:
            continue
        _offer(table, (*prefix, "backend"), backend.name, backend)
        own = rows.backends.get(table.text((*prefix, "backend")))
        if own is not None and (*prefix, "config_file") not in table:
            is_sample = sample is not None and sample.name == name
            _complete_model(table, name, own, sample.model if sample is not None and is_sample else None)
    if sample is not None:
        _offer(table, ("test", "payload"), sample.payload, backend)
    _offer_default_model(table, backend)
    _offer_cache(table, backend)


def _offer(table: Table, path: Path, value: object, row: TritonBackend) -> None:
    """Offers a row's value, unless a part of it is set already."""
    if not table.has_below(path):
        table.offer(path, Candidate(value, Source.DEPLOYMENT_CONFIG, row.origin))


def _offer_implied_model(table: Table, backend: TritonBackend) -> None:
    """The one model of a project that lists none: the file or the Hub's model that it names, else the sample."""
    if table.names(*MODELS):
        return
    named, project = table.best("model.name"), table.text("project.name")
    if named is None:
        wants_sample = table.best("seed_files.sample_model")
        if backend.sample is not None and (wants_sample is None or wants_sample.value):
            name = backend.sample.name
            _offer(table, (*MODELS, Item(name), "name"), name, backend)
        return
    is_file = str(named.value).startswith("./")
    if project and (is_file or backend.options_file):
        prefix: Path = (*MODELS, Item(project))
        table.put((*prefix, "name"), project, named.source, named.origin, named.mark)
        if is_file and not backend.options_file:
            table.put((*prefix, "file"), str(named.value), named.source, named.origin, named.mark)


def _complete_model(table: Table, name: str, backend: TritonBackend, sample: Node | None) -> None:
    """Offers the values of a model's backend.  sample: the values of the sample model, where it is this one."""
    prefix: Path = (*MODELS, Item(name))
    if sample is not None:
        _offer_all(table, name, sample, backend)
    form = backend.form(table.text((*prefix, "file")), table.text("model.format"))
    for key, value in form.parameters.items() if form is not None else ():
        _offer(table, (*prefix, "parameters", key), str(value).replace("{model}", name), backend)
    _offer_all(table, name, backend.model, backend)
    largest, sequences = table.best((*prefix, "max_batch_size")), (*prefix, "sequence_batching")
    if (largest is not None and largest.value == 0) or sequences in table or table.has_below(sequences):
        # There are no batches, or those of sequences: the row's own batching does not apply.
        table.drop((*prefix, "dynamic_batching"), lambda c: c.source is Source.DEPLOYMENT_CONFIG)


def _offer_all(table: Table, name: str, part: Node, row: TritonBackend) -> None:
    for path, node in _leaves_of(name, part):
        _offer(table, path, value_of(path, node), row)


def _leaves_of(name: str, part: Node) -> Iterator[tuple[Path, Node]]:
    """The leaves of a row's partial element, at their places below triton.models[NAME]."""
    element = Node({"name": Node(name, part.mark), **part.value}, part.mark)
    root = Node({"triton": Node({"models": Node((element,), part.mark)}, part.mark)}, part.mark)
    yield from leaves(root)


def _offer_default_model(table: Table, backend: TritonBackend) -> None:
    """`triton.default_model` is the same as its variable.  The default is the only model that is in no ensemble."""
    path: Path = ("env", DEFAULT_MODEL)
    for candidate in table.all_for(("triton", "default_model")):
        table.offer(path, candidate)
    names = table.names(*MODELS)
    members = {str(step.get("model_name", "")) for name in names for step in _steps(table, name)}
    asked = [name for name in names if name not in members]
    if len(asked) == 1:
        _offer(table, path, asked[0], backend)


def _steps(table: Table, name: str) -> tuple[Mapping[str, Any], ...]:
    steps = table.best((*MODELS, Item(name), "ensemble_scheduling", "step"))
    return tuple(steps.value) if steps is not None else ()


def _offer_cache(table: Table, backend: TritonBackend) -> None:
    """`triton.response_cache_mb` is the same as its variable; a model that has its answers kept needs a cache."""
    path: Path = ("env", CACHE)
    for candidate in table.all_for(("triton", "response_cache_mb")):
        table.offer(path, candidate._replace(value=str(candidate.value)))
    enabled = [table.best((*MODELS, Item(n), "response_cache", "enable")) for n in table.names(*MODELS)]
    if any(value is not None and value.value for value in enabled):
        _offer(table, path, CACHE_MB, backend)
