"""MLCC189: a chat template that is neither one nor the name of one."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.text import allowed, nearest, quoted

CODE = "MLCC189"


def check(subject: Subject) -> Iterator[Finding]:
    """A text without an expression is the same prompt for every conversation: it is a misspelt name."""
    text, file = (str(subject.resolved.get(f"model.{key}") or "") for key in ("chat_template", "chat_template_file"))
    known = subject.registries.entries("chat_templates")
    path = ("model", "chat_template")
    if text and file:
        message = "chat_template and chat_template_file are both set; a model has only one template"
        yield subject.finding(CODE, path, message, "remove one of them")
    elif text and text not in known and "{{" not in text and "{%" not in text:
        near = nearest(text, known)
        message = f"{quoted(text, 60)} is no template, and no template of the registries has that name"
        hint = f"did you mean {near}?" if near else f"known: {allowed(known)}; or a file: model.chat_template_file"
        yield subject.finding(CODE, path, message, hint, Severity.ERROR)
