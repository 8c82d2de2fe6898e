"""MLCC118: settings of a model that exclude one another, or that an ensemble cannot have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item, Path
from mlcc.core.text import allowed
from mlcc.registries import triton_config
from mlcc.resolve.triton.models import ENSEMBLE, MODELS, ModelConfig, models_of, place

CODE = "MLCC118"
# What Triton refuses of an ensemble: it has neither a file nor copies of its own.
# https://github.com/triton-inference-server/core, ValidateEnsembleSchedulingConfig of src/model_config_utils.cc
NOT_OF_ENSEMBLES = ("instance_group", "optimization", "model_warmup", "backend")
NOT_OF_ELEMENTS = ("backend", "file")


def check(subject: Subject) -> Iterator[Finding]:
    """The fields of config.pbtxt of which one at most may be set, and what goes with an ensemble."""
    for model in models_of(subject.resolved):
        if model.text is None:  # of a file of the user's own its reader says so
            yield from _both(subject, model)
        if model.is_ensemble:
            yield from _of_ensemble(subject, model)
        elif "ensemble_scheduling" in model.more:
            where = place(subject.resolved, model.name, "ensemble_scheduling")
            message = f"{model.name} has steps, and is no ensemble"
            yield subject.finding(CODE, where, message, f"platform: {ENSEMBLE}, or no ensemble_scheduling")


def _both(subject: Subject, model: ModelConfig) -> Iterator[Finding]:
    for keys, set_ones in _groups(triton_config.ROOT, model.fields, ()):
        where = place(subject.resolved, model.name, *keys, set_ones[-1])
        message = f"{allowed(set_ones)} exclude one another in {'.'.join((model.name, *keys))}"
        yield subject.finding(CODE, where, message, "leave one of them")


def _groups(
    message: str, fields: Mapping[str, Any], keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The place of every group of which more than one field is set, with these fields."""
    table = triton_config.table()
    for group in table.choices.get(message, ()):
        found = [name for name in group if name in fields]
        if len(found) > 1:
            yield keys, found
    for name, value in fields.items():
        field = table.messages[message].get(name)
        if field is not None and field.type in table.messages:
            parts = value.values() if field.key else value if field.repeated else (value,)
            for part in parts:
                yield from _groups(field.type, part, (*keys, name))


def _of_ensemble(subject: Subject, model: ModelConfig) -> Iterator[Finding]:
    prefix: Path = (*MODELS, Item(model.name))
    values = {key: subject.resolved.values.get((*prefix, key)) for key in NOT_OF_ELEMENTS}
    own = [key for key, value in values.items() if value is not None and value.source.by_hand]
    for key in dict.fromkeys([*(key for key in NOT_OF_ENSEMBLES if key in model.fields), *own]):
        message = f"the ensemble {model.name} cannot have {key}: its models have their own"
        yield subject.finding(CODE, place(subject.resolved, model.name, key), message, f"remove {key}")
    if not model.steps:
        message = f"the ensemble {model.name} has no steps"
        hint = "ensemble_scheduling: {step: [{model_name: ..., input_map: {...}, output_map: {...}}]}"
        yield subject.finding(CODE, place(subject.resolved, model.name, "platform"), message, hint)
