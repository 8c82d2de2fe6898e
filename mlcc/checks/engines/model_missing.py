"""MLCC155: a serving engine without a model."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity

CODE = "MLCC155"


def check(subject: Subject) -> Iterator[Finding]:
    """An engine has no sample model; a gated model needs a token; an isolated container cannot download."""
    architecture, name = subject.rows.architecture, subject.resolved.get("model.name")
    if subject.rows.engine is None or architecture is None or architecture.sample:
        return
    path, model = ("model", "name"), subject.rows.model
    if not name:
        known = {subject.rows.engine.names.get("model.name"), "HF_MODEL_ID"}
        if not all(known & set(place.env) or place.own_model for place in places(subject)):
            hub = "model.name" in subject.rows.engine.names
            hint = "model: {name: ORG/NAME} of the Hub, or " if hub else "model: {name: s3://bucket/prefix/}"
            hint += "s3://bucket/prefix/ (mlcc catalog models lists some)" if hub else ", a folder of its files"
            yield subject.finding(CODE, path, f"{architecture.name} has no sample model, and none is named", hint)
        return
    if "://" in str(name) or str(name).startswith("./"):
        return
    tokens = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}
    secrets = {str(p[1]) for p in subject.resolved.values if p[0] == "secrets"}
    secrets -= {s for s in secrets if subject.resolved.get(f"secrets.{s}.phase") == "build"}
    if model is not None and model.gated and not tokens & secrets:
        hint = "secrets: {HF_TOKEN: {secretsmanager: mlcc/hf-token}}"
        yield subject.finding(CODE, path, f"{name} is gated: its weights need a token", hint, Severity.WARNING)
    if subject.resolved.get("network.isolation"):
        message = f"network.isolation forbids what {name} needs at start: downloading its weights"
        yield subject.finding(
            CODE, ("network", "isolation"), message, "put the model into S3: model: {name: s3://bucket/prefix/}"
        )
