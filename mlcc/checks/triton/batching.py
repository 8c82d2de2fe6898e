"""MLCC164: a preferred batch that is larger than the model takes."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.resolve.triton.models import MODELS, model_configs

CODE = "MLCC164"


def check(subject: Subject) -> Iterator[Finding]:
    """Triton joins requests only up to max_batch_size; 0 means that the model takes no batches."""
    if subject.rows.backend is None:
        return
    for model in model_configs({p: v.value for p, v in subject.resolved.values.items()}, subject.rows.backends):
        if model.dynamic_batching is None or model.max_batch_size is None:
            continue
        largest = max(model.dynamic_batching.get("preferred_batch_size") or [1])
        if largest > model.max_batch_size:
            message = f"preferred_batch_size has {largest}, and max_batch_size is {model.max_batch_size}"
            hint = f"max_batch_size: {largest}, or no dynamic_batching"
            yield subject.finding(CODE, (*MODELS, Item(model.name), "max_batch_size"), message, hint)
