"""MLCC199: a map of an ensemble that does not fit the tensors of its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.resolve.triton.models import ModelConfig, Tensor, models_of, place

CODE = "MLCC199"
ANY = -1
# Of one ensemble: a name of many is looked for among many.
MOST = 10


class Kind(NamedTuple):
    """What a model says of a tensor of the ensemble.

    dims: as they are declared; whole: with the dimension of the batch before them, where the model takes batches.
    """

    data_type: str
    dims: tuple[int, ...] | None
    whole: tuple[int, ...] | None
    model: str


def check(subject: Subject) -> Iterator[Finding]:
    """Each input that a model needs is mapped, maps name tensors that there are, and both ends are of one kind.

    What a model does not declare, Triton reads in its file: that is not compared.
    """
    models = {model.name: model for model in models_of(subject.resolved)}
    for model in models.values():
        for message, hint in islice(_of_ensemble(model, models), MOST):
            where = place(subject.resolved, model.name, "ensemble_scheduling", "step")
            yield subject.finding(CODE, where, message, hint)


def _of_ensemble(model: ModelConfig, models: Mapping[str, ModelConfig]) -> Iterator[tuple[str, str]]:
    known = {tensor.name: _kind(model, tensor, ensemble=True) for tensor in (*model.inputs, *model.outputs)}
    for number, step in enumerate(model.steps, 1):
        member = models.get(str(step.get("model_name", "")))
        for message, hint in _step(step, member, known) if member is not None else ():
            yield f"step {number}: {message}", hint


def _step(step: Mapping[str, Any], member: ModelConfig, known: dict[str, Kind]) -> Iterator[tuple[str, str]]:
    """What is wrong with one step.  known: tensors of the ensemble by their names; those of the step are added."""
    for key, tensors in (("input_map", member.inputs), ("output_map", member.outputs)):
        mapped, word = step.get(key, {}), key.partition("_")[0]
        if not mapped:
            yield f"{key} is empty", f"{key}: {{TENSOR OF {member.name}: TENSOR OF THE ENSEMBLE}}"
        yield from _unmapped(key, tensors, mapped, member) if key == "input_map" else ()
        by_name = {tensor.name: tensor for tensor in tensors}
        for name, outer in mapped.items():
            if tensors and name not in by_name:
                near = printable(nearest(name, by_name), 60)
                hint = (f"did you mean {near}? " if near else "") + f"it has: {allowed(map(printable, by_name))}"
                yield f"{member.name} has no {word} {quoted(name, 60)}", hint
            elif name in by_name:
                kind = _kind(member, by_name[name])
                yield from _differences(outer, known.setdefault(outer, kind), kind)


def _unmapped(
    key: str, tensors: Sequence[Tensor], mapped: Mapping[str, str], member: ModelConfig
) -> Iterator[tuple[str, str]]:
    for tensor in tensors:
        if tensor.name not in mapped and not tensor.optional:
            message = f"the input {quoted(tensor.name, 60)} of {member.name} is mapped to nothing"
            yield message, f"name it in {key}, or say optional: true of it where the model can do without"


def _kind(model: ModelConfig, tensor: Tensor, ensemble: bool = False) -> Kind:
    """Triton compares the dimensions of requests; of the ensemble's own tensors those that it reshapes to."""
    dims = tensor.reshape if ensemble and tensor.reshape is not None else tensor.dims
    batch = (ANY,) if model.max_batch_size else ()
    return Kind(tensor.data_type, dims, (*batch, *dims) if dims is not None else None, model.name)


def _differences(outer: str, known: Kind, kind: Kind) -> Iterator[tuple[str, str]]:
    between = f"the tensor {quoted(outer, 60)} is"
    if known.data_type and kind.data_type and known.data_type != kind.data_type:
        message = f"{between} {known.data_type} in {known.model} and {kind.data_type} in {kind.model}"
        yield message, "give both one data_type, or put a model between them that converts"
    dims = known.dims is not None and kind.dims is not None and not _fit(known.dims, kind.dims)
    if dims and not _fit(known.whole or (), kind.whole or ()):
        message = f"{between} {_shape(known)} in {known.model} and {_shape(kind)} in {kind.model}"
        yield message, "give both the same dims (-1 fits any size), or put a model between them that reshapes"


def _fit(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return len(one) == len(other) and all(a == b or ANY in (a, b) for a, b in zip(one, other, strict=True))


def _shape(kind: Kind) -> str:
    return str([*(kind.whole or ())])
