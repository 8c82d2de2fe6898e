"""MLCC162: a model whose inputs and outputs must be declared, and are not."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.text import allowed, printable
from mlcc.resolve.triton.models import models_of, place

CODE = "MLCC162"


def check(subject: Subject) -> Iterator[Finding]:
    """Some backends cannot find a model's tensors in its file; Triton then does not load it."""
    backends = subject.rows.backends
    if subject.rows.backend is None:
        return
    for model in models_of(subject.resolved):
        row = backends.get(model.backend)
        who = "an ensemble" if model.is_ensemble else f"the backend {row.name}" if row is not None else ""
        if not model.is_ensemble and (row is None or not row.tensors):
            continue
        for key, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
            missing = [t.name for t in tensors if not t.data_type or t.dims is None]
            if not tensors or missing:
                what = f"{key} with data_type and dims" + (f" of {allowed(map(printable, missing))}" if missing else "")
                message = f"{who} needs the {what}"
                hint = "mlcc inspect FILE --write finds them in the model's file"
                hint = "name what its requests and its answers hold" if model.is_ensemble else hint
                yield subject.finding(CODE, place(subject.resolved, model.name), message, hint)
