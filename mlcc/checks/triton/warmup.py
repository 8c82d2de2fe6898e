"""MLCC188: a warm-up request that the model does not take, or that is never sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.resolve.triton.models import ModelConfig, models_of, place

CODE = "MLCC188"
CONTENTS = ("zero_data", "random_data", "input_data_file")
ANY = -1
# Of one model: a name of many is looked for among many.
MOST = 10


def check(subject: Subject) -> Iterator[Finding]:
    """It names inputs of the model with their types and sizes, all that are needed, and says what is in them.

    https://github.com/triton-inference-server/core, GenerateWarmupData of src/backend_model_instance.cc
    """
    for model in models_of(subject.resolved):
        for severity, message, hint in islice(_of_model(model), MOST):
            where = place(subject.resolved, model.name, "model_warmup")
            yield subject.finding(CODE, where, f"{model.name}: {message}", hint, severity)


def _of_model(model: ModelConfig) -> Iterator[tuple[Severity, str, str]]:
    for request in model.more.get("model_warmup", ()):
        head = f"the warm-up {quoted(str(request.get('name', '')), 60)}"
        for message, hint in _problems(model, request):
            yield Severity.ERROR, f"{head} {message}", hint
        if not request.get("batch_size"):
            yield Severity.WARNING, f"{head} has no batch_size: Triton passes over it", "batch_size: 1"


def _problems(model: ModelConfig, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    size, most = int(request.get("batch_size", 0)), model.max_batch_size
    if most is not None and size > max(most, 1):
        yield f"is a batch of {size}, and max_batch_size is {most}", f"batch_size: at most {max(most, 1)}"
    declared = {tensor.name: tensor for tensor in model.inputs}
    controls = {str(c.get("name", "")) for c in model.more.get("sequence_batching", {}).get("control_input", ())}
    inputs: Mapping[str, Mapping[str, Any]] = request.get("inputs", {})
    for name, given in inputs.items():
        shown = quoted(name, 60)
        if not any(key in given for key in CONTENTS):
            yield f"does not say what is in {shown}", f"one of {', '.join(CONTENTS)}"
        tensor = declared.get(name)
        if tensor is None and declared and name not in controls:
            near = printable(nearest(name, declared), 60)
            yield (
                f"has {shown}, which is no input",
                f"did you mean {near}?" if near else f"inputs: {allowed(map(printable, declared))}",
            )
        elif tensor is not None:
            if tensor.data_type and given.get("data_type") != tensor.data_type:
                yield f"has {shown} of {given.get('data_type')}", f"data_type: {tensor.data_type}, as in inputs"
            dims = tuple(given.get("dims", ()))
            if tensor.dims is not None and not _fits(dims, tensor.dims):
                yield f"has {shown} of {[*dims]}, and inputs of {[*tensor.dims]}", "dims without the batch, all known"
    for tensor in model.inputs:
        if tensor.name not in inputs and not tensor.optional:
            yield f"lacks the input {quoted(tensor.name, 60)}", "name every input that is not optional"


def _fits(given: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    return len(given) == len(declared) and all(b in (ANY, a) for a, b in zip(given, declared, strict=True))
