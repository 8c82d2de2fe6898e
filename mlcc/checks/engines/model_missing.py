"""MLCC155: a serving engine without a model, or without what it needs to download one."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine.model_variables import NAME, is_hub_id

CODE = "MLCC155"
PATH = ("model", "name")
TOKENS = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}


def check(subject: Subject) -> Iterator[Finding]:
    """An engine has no sample model; a gated model needs a token; an isolated container cannot download."""
    architecture, engine = subject.rows.architecture, subject.rows.engine
    if engine is None or architecture is None or architecture.sample:
        return
    name = str(subject.resolved.get(NAME) or "")
    if not name:
        variables = {engine.model_variables.get(NAME), "HF_MODEL_ID"}
        if not all(variables & set(container.env) or container.own_model for container in serving_containers(subject)):
            message = f"{architecture.name} has no sample model, and none is named"
            yield subject.finding(CODE, PATH, message, _hint(engine))
    elif is_hub_id(name):
        yield from _download(subject, name)


def _hint(engine: Engine) -> str:
    if NAME in engine.model_variables:
        return "model: {name: ORG/NAME} of the Hub, or s3://bucket/prefix/ (mlcc catalog models lists some)"
    return "model: {name: s3://bucket/prefix/}, a folder of its files"


def _download(subject: Subject, name: str) -> Iterator[Finding]:
    """What is missing to download a model of the Hub when the container starts."""
    model = subject.rows.model
    secrets = {str(p[1]) for p in subject.resolved.values if p[0] == "secrets"}
    at_run_time = {s for s in secrets if subject.resolved.get(f"secrets.{s}.phase") != "build"}
    if model is not None and model.gated and not TOKENS & at_run_time:
        hint = "secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token}}"
        yield subject.finding(CODE, PATH, f"{name} is gated: its weights need a token", hint, Severity.WARNING)
    if subject.resolved.get("network.isolation"):
        message = f"network.isolation forbids what {name} needs at start: downloading its weights"
        hint = "put the model into S3: model: {name: s3://bucket/prefix/}"
        yield subject.finding(CODE, ("network", "isolation"), message, hint)
