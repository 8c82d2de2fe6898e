"""MLCC157: a chat model without a chat template, neither its own nor one in the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity

CODE = "MLCC157"


def check(subject: Subject) -> Iterator[Finding]:
    """Without a template every chat request is answered with an error."""
    model = subject.rows.model
    if model is None or not model.requires_template or subject.rows.engine is None:
        return
    named = subject.resolved.get("model.chat_template") or subject.resolved.get("model.chat_template_file")
    if not named and not model.chat_template:
        message = f"{model.name} has no chat template of its own, and none is set: chat requests would fail"
        hint = "model: {chat_template_file: ./template.jinja}; mlcc upgrade looks for one on the Hub"
        yield subject.finding(CODE, ("model", "chat_template"), message, hint, Severity.WARNING)
