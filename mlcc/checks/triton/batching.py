"""MLCC164: a preferred batch that is larger than the model takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.triton.models import ModelConfig, models_of, place

CODE = "MLCC164"


def check(subject: Subject) -> Iterator[Finding]:
    """Triton joins requests only up to max_batch_size; 0 means that the model takes no batches."""
    if subject.rows.backend is None:
        return
    for model in models_of(subject.resolved):
        most = model.max_batch_size
        for key, batching in _batchings(model) if most is not None else ():
            largest = max(batching.get("preferred_batch_size") or [1])
            if most is not None and largest > most:
                message = f"preferred_batch_size has {largest}, and max_batch_size is {most}"
                hint = f"max_batch_size: {largest}, or no {key}"
                where = place(subject.resolved, model.name, "max_batch_size")
                yield subject.finding(CODE, where, message, hint)


def _batchings(model: ModelConfig) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The key and the settings of everything that joins requests."""
    if model.dynamic_batching is not None:
        yield "dynamic_batching", model.dynamic_batching
    oldest = model.more.get("sequence_batching", {}).get("oldest")
    if oldest is not None and oldest.get("preferred_batch_size"):
        yield "sequence_batching.oldest", oldest
