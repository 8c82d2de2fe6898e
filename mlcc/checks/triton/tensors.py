"""MLCC162: a model whose inputs and outputs must be declared, and are not."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Item
from mlcc.resolve.triton.models import MODELS, model_configs

CODE = "MLCC162"


def check(subject: Subject) -> Iterator[Finding]:
    """Some backends cannot find a model's tensors in its file; Triton then does not load it."""
    backends = subject.rows.backends
    if subject.rows.backend is None:
        return
    for model in model_configs({p: v.value for p, v in subject.resolved.values.items()}, backends):
        row = backends.get(model.backend)
        if row is None or not row.tensors:
            continue
        for key, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
            missing = [t.name for t in tensors if not t.data_type or t.dims is None]
            if not tensors or missing:
                what = f"{key} with data_type and dims" + (f" of {', '.join(missing)}" if missing else "")
                message = f"the backend {row.name} needs the {what}"
                hint = "mlcc inspect FILE --write finds them in the model's file"
                yield subject.finding(CODE, (*MODELS, Item(model.name), "name"), message, hint)
