"""MLCC161: several models without a default, or a default that is not in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path
from mlcc.core.text import allowed, nearest, quoted
from mlcc.resolve.triton.models import DEFAULT_MODEL

CODE = "MLCC161"
WRITTEN: Path = ("triton", "default_model")


def check(subject: Subject) -> Iterator[Finding]:
    """SageMaker sends requests to one model of a repository: the only one, or the default."""
    known = subject.resolved.names("triton.models")
    if subject.rows.backend is None or not known:
        return
    variable: Path = ("env", DEFAULT_MODEL)
    wanted = subject.resolved.values.get(variable)
    if wanted is None:
        message = f"{len(known)} models, and none of them is the default"
        hint = f"triton: {{default_model: one of {allowed(known)}}}"
        yield subject.finding(CODE, ("deployment", "config"), message, hint)
    elif wanted.value not in known:
        near = nearest(str(wanted.value), known)
        hint = (f"did you mean {near}? " if near else "") + f"triton.models has: {allowed(known)}"
        path = WRITTEN if WRITTEN in subject.resolved.values else variable
        message = f"the default model {quoted(str(wanted.value), 60)} is not in the repository"
        yield subject.finding(CODE, path, message, hint)
