"""MLCC178: a model format that decides nothing in the repository."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Item, Path
from mlcc.core.text import allowed, printable, quoted
from mlcc.registries.triton_rows import TritonBackend
from mlcc.resolve.triton.models import MODELS

CODE = "MLCC178"
FORMAT: Path = ("model", "format")


def check(subject: Subject) -> Iterator[Finding]:
    """A format is what a file is taken for whose name does not say it; it must be one that a backend loads."""
    value = subject.resolved.values.get(FORMAT)
    if subject.rows.backend is None or value is None or not value.source.by_hand:
        return
    wanted, served = str(value.value), list(_served(subject))
    loaded = sorted({form for _, row in served for form in row.formats})
    if not loaded:  # of an engine, or of a repository in S3, which has its own
        message = f"{subject.resolved.get('deployment.config')} does not read model.format for this model"
        yield subject.finding(CODE, FORMAT, message, "remove it", Severity.WARNING)
    elif wanted not in loaded:
        who = " and ".join(sorted({row.name for _, row in served}))
        yield subject.finding(CODE, FORMAT, f"{who} loads no {quoted(wanted)}", f"allowed: {allowed(loaded)}")
    elif all(row.form(file, wanted) != row.formats.get(wanted) for file, row in served):
        message = f"model.format has no effect: {printable(served[0][0], 100)} is what its own name says"
        yield subject.finding(CODE, FORMAT, message, "remove it, or rename the file", Severity.WARNING)


def _served(subject: Subject) -> Iterator[tuple[str, TritonBackend]]:
    """The file of each model, empty for the sample's, and the row of its backend."""
    for name in subject.resolved.names("triton.models"):
        place: Path = (*MODELS, Item(name))
        backend, file = (subject.resolved.values.get((*place, key)) for key in ("backend", "file"))
        row = subject.rows.backends.get(str(backend.value)) if backend is not None else None
        if row is not None:
            yield str(file.value) if file is not None else "", row
