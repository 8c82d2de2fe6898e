"""MLCC144: more memory for the KV cache than the largest batch can fill."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlcc.checks.containers import Container, known_options, serving_containers
from mlcc.checks.engines.memory import engine_settings
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.resolve.hardware import instances, memory
from mlcc.resolve.hardware.memory import Fit

CODE = "MLCC144"
# The share of the cache that the batch must fill; below it there is a finding.
ENOUGH = 0.5
BYTES = "kv-cache-memory-bytes"


def check(subject: Subject) -> Iterator[Finding]:
    """An engine takes its whole share of the memory; where batch and length are set, the need can be computed."""
    engine, seen = subject.rows.engine, set()
    if engine is None or "gpu_memory_utilization" not in engine.typed_keys:
        return
    for container in serving_containers(subject):
        batch = container.engine.get("max_num_seqs")
        if batch is None or batch.path in seen or not subject.resolved.values[batch.path].source.by_hand:
            continue
        fit = _fit(subject, container)
        if fit is None or fit.verdict != memory.FITS:
            continue
        need = int(batch.value) * (fit.length * fit.token_bytes + fit.fixed_bytes) / memory.GIB
        if need < ENOUGH * fit.cache:
            seen.add(batch.path)
            message = (
                f"{batch.value} sequences of {fit.length:,} tokens fill {need:.1f} GiB of cache, and the engine "
                f"takes {fit.cache:.1f}{container.words}"
            )
            yield subject.finding(CODE, batch.path, message, _hint(subject, fit, need), Severity.NOTE)


def _fit(subject: Subject, container: Container) -> Fit | None:
    model, instance = container.model, subject.rows.instance
    if model is None or instance is None or container.get("max_model_len") is None:
        return None
    if not memory.can_estimate(model.facts):
        return None
    return instances.estimate(model.facts, instance, engine_settings(subject, container))


def _hint(subject: Subject, fit: Fit, need: float) -> str:
    share = math.ceil((fit.budget - fit.cache + need) / fit.device.memory_gib * 100) / 100
    hint, options = f"engine.gpu_memory_utilization: {share} leaves the rest free", known_options(subject)
    if options is not None and options.find(BYTES) is not None:
        hint += f"; or engine.extra_args: {{{BYTES}: {math.ceil(need * memory.GIB)}}}"
    return hint
