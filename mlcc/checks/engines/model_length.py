"""MLCC145: a sequence longer than the model was made for."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC145"


def check(subject: Subject) -> Iterator[Finding]:
    """Engines refuse to start with a length above the model's own, unless positions are rescaled on purpose."""
    for place in places(subject):
        model = place.model
        native = model.facts.get("max_position_embeddings") if model is not None else None
        if model is None or not native:
            continue
        length = place.get("max_model_len")
        rescaled = any("rope" in name.lower() or "hf_overrides" in name.lower() for name in (*place.engine, *place.env))
        allowed = any(n.endswith("ALLOW_LONG_MAX_MODEL_LEN") for n in place.env)
        if length is not None and length > native and not rescaled and not allowed:
            message = f"{model.name} takes {native:,} tokens at most, and {length:,} are asked for{place.words}"
            yield subject.finding(CODE, place.path("max_model_len"), message, f"lower it to {native}")
