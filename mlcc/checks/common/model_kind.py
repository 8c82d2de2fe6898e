"""MLCC114: a kind of model name that the architecture cannot serve."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.model_names import kind
from mlcc.core.text import allowed, quoted

CODE = "MLCC114"
WORDS = {
    "path": "./path in the project",
    "s3": "s3://bucket/prefix/",
    "jumpstart": "jumpstart://id",
    "registry": "registry://group",
    "hub": "a Hugging Face id",
}


def check(subject: Subject) -> Iterator[Finding]:
    """A server of files takes files; an engine that loads from the hub takes ids."""
    architecture, name = subject.rows.architecture, subject.resolved.get("model.name")
    if architecture is None or name is None or not architecture.model_kinds:
        return
    if kind(str(name)) not in architecture.model_kinds:
        forms = allowed(WORDS[k] for k in architecture.model_kinds)
        message = f"{architecture.name} cannot serve {quoted(str(name), 60)}"
        yield subject.finding(CODE, ("model", "name"), message, f"it takes {forms}; leave it out for the sample model")
