"""MLCC124: a response cache for a model that cannot have one, or without the server's, or for no model."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path
from mlcc.resolve.triton.models import CACHE, models_of, place

CODE = "MLCC124"
SIZE: Path = ("triton", "response_cache_mb")
VARIABLE: Path = ("env", CACHE)


def check(subject: Subject) -> Iterator[Finding]:
    """A cache needs a model that takes single requests and gives single answers, and a size of the server's.

    https://github.com/triton-inference-server/server, docs/user_guide/response_cache.md
    """
    cached = [model for model in models_of(subject.resolved) if model.more.get("response_cache", {}).get("enable")]
    for model in cached:
        where = place(subject.resolved, model.name, "response_cache", "enable")
        policy = model.more.get("model_transaction_policy", {})
        why = (
            "sequence_batching" if "sequence_batching" in model.more else "decoupled" if policy.get("decoupled") else ""
        )
        if why:
            message = f"{model.name} has {why}: Triton keeps no answers of such a model"
            yield subject.finding(CODE, where, message, "response_cache: {enable: false}")
        elif VARIABLE not in subject.resolved.values:
            message = f"the answers of {model.name} are to be kept, and the server has no cache"
            yield subject.finding(CODE, where, message, "triton: {response_cache_mb: 64}", Severity.WARNING)
    if not cached and SIZE in subject.resolved.values:
        message = "the server has a cache, and no model has response_cache: the memory is taken for nothing"
        hint = "response_cache: {enable: true} of a model, or no response_cache_mb"
        yield subject.finding(CODE, SIZE, message, hint, Severity.WARNING)
