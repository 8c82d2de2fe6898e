"""MLCC119: control inputs of sequence batching that Triton does not understand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import quoted
from mlcc.resolve.triton.models import models_of, place

CODE = "MLCC119"
MOST = 10
IDENTITY = "CONTROL_SEQUENCE_CORRID"
# The first word of an enumeration is what is meant where none is written.
FIRST = "CONTROL_SEQUENCE_START"
PAIRS = ("int32_false_true", "fp32_false_true", "bool_false_true")
IDENTITY_TYPES = ("TYPE_UINT64", "TYPE_INT64", "TYPE_UINT32", "TYPE_INT32", "TYPE_STRING")


def check(subject: Subject) -> Iterator[Finding]:
    """Each kind of control stands once, a yes or no has its two values, and an identity its type.

    https://github.com/triton-inference-server/core, ValidateModelConfig of src/model_config_utils.cc
    """
    for model in models_of(subject.resolved):
        inputs = model.more.get("sequence_batching", {}).get("control_input", ())
        for message, hint in islice(_problems(inputs), MOST):
            where = place(subject.resolved, model.name, "sequence_batching", "control_input")
            yield subject.finding(CODE, where, f"{model.name}: {message}", hint)


def _problems(inputs: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, str]]:
    for name, count in Counter(str(each.get("name", "")) for each in inputs).items():
        if count > 1 or not name:
            yield f"{count} control inputs are called {quoted(name, 60)}", "give each input a name of its own"
    controls = [control for each in inputs for control in each.get("control", ())]
    for kind, count in Counter(str(control.get("kind", FIRST)) for control in controls).items():
        if count > 1:
            yield f"{kind} stands {count} times", "leave it in one control input"
    for control in controls:
        kind, pairs = str(control.get("kind", FIRST)), [key for key in PAIRS if control.get(key)]
        if kind == IDENTITY:
            data_type = control.get("data_type")
            if pairs:
                yield f"{kind} has {pairs[0]}: an identity is neither yes nor no", f"remove {pairs[0]}"
            if data_type not in IDENTITY_TYPES:
                yield f"{kind} is of {data_type or 'no data_type'}", f"data_type: {', '.join(IDENTITY_TYPES)}"
        elif len(pairs) != 1:
            yield f"{kind} has {' and '.join(pairs) or 'no values'}", f"one of {', '.join(PAIRS)}, with two values"
        elif len(control[pairs[0]]) != 2:
            yield f"{kind}: {pairs[0]} has {len(control[pairs[0]])} values", "two: that of no, and that of yes"
