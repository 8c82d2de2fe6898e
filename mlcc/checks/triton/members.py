"""MLCC112: a step of an ensemble whose model is not there, or takes smaller batches, or is the ensemble itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed, nearest, quoted
from mlcc.resolve.triton.models import LATEST, ModelConfig, models_of, place

CODE = "MLCC112"
# Of one ensemble: a name of many is looked for among many.
MOST = 10


def check(subject: Subject) -> Iterator[Finding]:
    """Triton loads the models of an ensemble with it, and refuses it where one cannot do what the ensemble promises.

    https://github.com/triton-inference-server/core, src/ensemble_scheduler/ensemble_utils.cc
    """
    models = {model.name: model for model in models_of(subject.resolved)}
    for model in models.values():
        for message, hint in islice(_problems(model, models), MOST):
            yield subject.finding(
                CODE, place(subject.resolved, model.name, "ensemble_scheduling", "step"), message, hint
            )


def _problems(model: ModelConfig, models: Mapping[str, ModelConfig]) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(model.steps, 1):
        member = models.get(str(step.get("model_name", "")))
        if member is None:
            yield _absent(model, number, str(step.get("model_name", "")), models)
        else:
            yield from _unfit(model, member, int(step.get("model_version", 0)))
    around = _circle(model.name, models)
    if around:
        yield f"ensembles contain one another: {' -> '.join(around)}", "take the step out of one of them"


def _absent(model: ModelConfig, number: int, name: str, models: Mapping[str, ModelConfig]) -> tuple[str, str]:
    others = [other for other in models if other != model.name]
    near = nearest(name, others)
    hint = (f"did you mean {near}? " if near else "") + f"triton.models has: {allowed(others) or 'no other model'}"
    return f"step {number} is {quoted(name, 60)}, which is not in triton.models", hint


def _unfit(model: ModelConfig, member: ModelConfig, version: int) -> Iterator[tuple[str, str]]:
    """What a model of an ensemble cannot do."""
    batch, most = model.max_batch_size or 0, member.max_batch_size
    if most and most < batch:
        message = f"the ensemble {model.name} takes batches of {batch}, and its model {member.name} of {most} at most"
        yield message, f"max_batch_size: at most {most} for {model.name}, or {batch} for {member.name}"
    served = member.more.get("version_policy", {}).get("specific", {}).get("versions")
    if version != LATEST and served is not None and version not in served:
        message = f"the ensemble {model.name} wants version {version} of {member.name}, which does not serve it"
        yield message, f"model_version: {LATEST} for the latest, or one of {allowed(map(str, served))}"
    elif version == 0:
        message = f"the ensemble {model.name} wants version 0 of {member.name}: protobuf's value where none is named"
        yield message, f"model_version: {LATEST} is the latest version"


def _circle(name: str, models: Mapping[str, ModelConfig]) -> list[str]:
    """The way from an ensemble through its members back to it; empty where there is none."""
    ways = [[name]]
    seen = set()
    while ways:
        way = ways.pop()
        for step in models[way[-1]].steps:
            member = str(step.get("model_name", ""))
            if member == name:
                return [*way, name]
            if member in models and member not in seen:
                seen.add(member)
                ways.append([*way, member])
    return []
