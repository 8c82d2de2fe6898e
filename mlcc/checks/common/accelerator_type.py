"""MLCC104: an instance without the kind of accelerator that the image needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlcc.checks.proposals import named
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import quoted
from mlcc.resolve.hardware import instances

CODE = "MLCC104"
WORDS = {"cuda": "CUDA", "neuron": "Neuron", "rocm": "ROCm", "cpu": "CPU"}


def check(subject: Subject) -> Iterator[Finding]:
    """An image for CPUs runs anywhere; the others need a device of their kind."""
    version, instance, config = subject.rows.version, subject.rows.instance, subject.rows.config
    needed = str(version.accelerator.get("type", "cpu")) if version is not None else "cpu"
    backend = subject.rows.backend
    if backend is not None and not backend.gpu:
        return  # one image contains backends of both kinds
    target = subject.rows.target
    if target is None or not target.instances:
        return  # the target runs on this machine, whatever it has
    if instance is None or config is None or needed in ("cpu", instance.accelerator):
        return
    path = ("deployment", "instance_type")
    usual = config.defaults.get("deployment", "instance_type")
    types = (
        _for_model(subject, target.instances),
        next(iter(version.instances), "") if version is not None else "",
        str(usual.value) if usual is not None else "",
    )
    best = next(filter(None, types), "")
    message = f"{quoted(instance.name)} has no {WORDS[needed]} device, and {config.name} needs one"
    hint = f"use {named(subject, best) if best else 'one with such a device'}, or a CPU config (mlcc catalog configs)"
    yield subject.finding(CODE, path, message, hint)


def _for_model(subject: Subject, offered: str) -> str:
    """The type that mlcc would choose for the model, or an empty text."""
    model, engine = subject.rows.model, subject.rows.engine
    if model is None or engine is None:
        return ""

    def get(key: str, default: Any) -> Any:
        return subject.resolved.get(f"engine.{key}", default)

    return instances.choose(subject.registries, model, offered, subject.rows.version, engine, get).name
