"""MLCC145: a sequence that is longer than the model supports."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC145"


def check(subject: Subject) -> Iterator[Finding]:
    """Engines refuse to start with a length above the model's own, unless position embeddings are rescaled."""
    for container in serving_containers(subject):
        model = container.model
        native = model.facts.get("max_position_embeddings") if model is not None else None
        if model is None or not native:
            continue
        length = container.get("max_model_len")
        rescaled = any(
            "rope" in name.lower() or "hf_overrides" in name.lower() for name in (*container.engine, *container.env)
        )
        allowed = any(n.endswith("ALLOW_LONG_MAX_MODEL_LEN") for n in container.env)
        if length is not None and length > native and not rescaled and not allowed:
            message = f"{model.name} takes {native:,} tokens at most, and max_model_len is {length:,}{container.words}"
            yield subject.finding(CODE, container.path("max_model_len"), message, f"lower it to {native}")
