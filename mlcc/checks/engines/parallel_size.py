"""MLCC143: a model split over more devices than there are, or over a number that does not divide its heads."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import parallel, places, tensor_parallel
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.hardware.instances import shares

CODE = "MLCC143"


def check(subject: Subject) -> Iterator[Finding]:
    """Every device of a split must exist; every device gets a whole number of attention heads."""
    instance = subject.rows.instance
    if subject.rows.engine is None:
        return
    for place in places(subject):
        path, split, model = place.path("tensor_parallel_size"), parallel(place), place.model
        have = instance.accelerator_count if instance is not None else None
        if instance is not None and have is not None and place.devices is not None and place.devices > have:
            message = f"gpu_count is {place.devices}{place.words}, and {instance.name} has {have}"
            hint = f"lower it to {have}, or take a larger instance type"
            yield subject.finding(CODE, (*place.prefix, "gpu_count"), message, hint)
        if place.devices is not None and split > place.devices and instance is not None:
            message = f"{split} devices are asked for{place.words}, and there are {place.devices} ({instance.name})"
            hint = f"lower it to {place.devices}, say max, or take a larger instance type"
            yield subject.finding(CODE, path, message, hint)
        size = tensor_parallel(place)
        if model is not None and not shares(model.facts, size):
            fits = [str(n) for n in (1, 2, 4, 8, 16) if shares(model.facts, n)]
            heads, narrow = (model.facts.get(key, 0) for key in ("attention_heads", "kv_heads"))
            said = f"{heads} attention heads" + (
                f" and {narrow} of keys and values" if narrow not in (0, heads) else ""
            )
            message = f"{model.name} has {said}, which {size} devices cannot share evenly"
            yield subject.finding(CODE, path, message, f"use {', '.join(fits)}")
