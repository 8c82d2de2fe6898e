"""MLCC160: a Triton project without a model to serve."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.model_names import kind
from mlcc.core.text import quoted

CODE = "MLCC160"
REMOTE_KINDS = ("s3", "registry", "jumpstart")


def check(subject: Subject) -> Iterator[Finding]:
    """A model is listed, named, or the backend's sample; only an engine loads a model of the Hub by its name."""
    own, name = subject.rows.backend, str(subject.resolved.get("model.name", ""))
    if own is None or subject.resolved.names("triton.models"):
        return
    file = next((f.file for f in own.formats.values()), "")
    hint = f"triton: {{models: [{{name: NAME, file: ./path/to/{file}}}]}}"
    if name and kind(name) not in REMOTE_KINDS:
        message = f"the backend {own.name} loads files; {quoted(name, 60)} names a model of the Hub"
        yield subject.finding(CODE, ("model", "name"), message, hint)
    elif not name and own.options_file:
        message = f"the backend {own.name} serves no sample: name a model"
        yield subject.finding(CODE, ("deployment", "config"), message, "model: {name: ORGANIZATION/MODEL}")
    elif not name:
        message = f"the backend {own.name} has no sample to serve here: name a model's file"
        yield subject.finding(CODE, ("deployment", "config"), message, hint)
