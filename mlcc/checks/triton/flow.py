"""MLCC116: a tensor of an ensemble that nobody gives, that two give, or that nobody needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed, nearest, printable, quoted
from mlcc.resolve.triton.models import ModelConfig, models_of, place

CODE = "MLCC116"
# Of one ensemble: a name of many is looked for among many.
MOST = 10
Wrong = Iterator[tuple[str, str]]


def check(subject: Subject) -> Iterator[Finding]:
    """Every tensor comes from the request or from one step, and goes into a step or the response.

    https://github.com/triton-inference-server/core, ValidateEnsembleSchedulingConfig of src/model_config_utils.cc
    """
    for model in models_of(subject.resolved):
        if not model.steps:
            continue
        problems = list(islice(chain(_given(model), _needed(model)), MOST))
        # what waits for a tensor that is missing is no circle
        for message, hint in problems or _waiting(model):
            where = place(subject.resolved, model.name, "ensemble_scheduling", "step")
            yield subject.finding(CODE, where, message, hint)


def _ends(step: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The tensors of the ensemble that a step takes, and those that it gives."""
    return [*step.get("input_map", {}).values()], [*step.get("output_map", {}).values()]


def _given(model: ModelConfig) -> Wrong:
    """What is taken, or is promised as an output, and comes from nowhere or from two places."""
    givers: dict[str, str] = {tensor.name: "the request" for tensor in model.inputs}
    for number, step in enumerate(model.steps, 1):
        for name in _ends(step)[1]:
            if name in givers:
                message = f"{quoted(name, 60)} comes from {givers[name]} and from step {number}"
                yield message, "give one of them another name in its output_map"
            givers[name] = f"step {number}"
    taken = {name: f"step {number} takes" for number, step in enumerate(model.steps, 1) for name in _ends(step)[0]}
    for name, who in {**taken, **{tensor.name: "outputs has" for tensor in model.outputs}}.items():
        if name not in givers:
            near = printable(nearest(name, givers), 60)
            hint = (f"did you mean {near}? " if near else "") + f"there are: {allowed(map(printable, givers))}"
            yield f"{who} {quoted(name, 60)}, which nothing gives", hint


def _needed(model: ModelConfig) -> Wrong:
    """What is given, and goes nowhere: Triton refuses such an ensemble."""
    taken = {name for step in model.steps for name in _ends(step)[0]}
    wanted = {tensor.name for tensor in model.outputs}
    for tensor in model.inputs:
        if tensor.name not in taken:
            yield f"no step takes its input {quoted(tensor.name, 60)}", "map it in a step, or remove it from inputs"
    for number, step in enumerate(model.steps, 1):
        for name in _ends(step)[1]:
            if name not in taken | wanted:
                message = f"{quoted(name, 60)}, of step {number}, goes nowhere"
                yield message, "take it out of output_map, take it in a step, or list it in outputs"


def _waiting(model: ModelConfig) -> Wrong:
    """Steps that wait for one another."""
    waits = {number: set(_ends(step)[0]) for number, step in enumerate(model.steps, 1)}
    takers: dict[str, list[int]] = {}
    for number, names in waits.items():
        for name in names:
            takers.setdefault(name, []).append(number)
    ready = [tensor.name for tensor in model.inputs]
    while ready:
        name = ready.pop()
        for number in takers.pop(name, ()):
            waits[number].discard(name)
            if not waits[number]:
                del waits[number]
                ready += _ends(model.steps[number - 1])[1]
    if waits:
        shown = allowed(map(str, waits))
        yield f"steps {shown} wait for one another", "a step can only take what an earlier one gives"
