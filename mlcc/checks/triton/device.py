"""MLCC156: a Triton model on devices that the instance does not have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.triton.models import models_of, place

CODE = "MLCC156"


def check(subject: Subject) -> Iterator[Finding]:
    """Triton does not load a model whose instance group names a GPU that it does not find."""
    instance = subject.rows.instance
    if instance is None or subject.rows.target is None or not subject.rows.target.instances:
        return
    have = (instance.accelerator_count or 0) if instance.accelerator == "cuda" else 0
    for model in models_of(subject.resolved):
        for group in model.instance_group:
            gpus = [int(n) for n in group.get("gpus", ())]
            if (group.get("kind") == "KIND_GPU" and not have) or any(n >= have for n in gpus):
                device = f"GPU {max(gpus)}" if gpus else "a GPU"
                message = f"the model {model.name} is placed on {device}, and {instance.name} has {have or 'none'}"
                hint = (
                    "set KIND_AUTO, name devices that exist (they are numbered from 0), or take another instance type"
                )
                yield subject.finding(CODE, place(subject.resolved, model.name), message, hint)
