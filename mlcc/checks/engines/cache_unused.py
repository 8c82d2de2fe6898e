"""MLCC144: more memory for the KV cache than the asked batch can fill."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlcc.checks.containers import known, places
from mlcc.checks.engines.memory import wanted
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.resolve.hardware import instances, memory

CODE = "MLCC144"
# Of what is taken, the part that must be filled for nothing to be said.
WORTH = 0.5
BYTES = "kv-cache-memory-bytes"


def check(subject: Subject) -> Iterator[Finding]:
    """An engine takes its whole share of the memory; who names batch and length can be told what they need."""
    instance, engine, listed = subject.rows.instance, subject.rows.engine, known(subject)
    if instance is None or engine is None or "gpu_memory_utilization" not in engine.typed:
        return
    seen = set()
    for place in places(subject):
        model, batch = place.model, place.engine.get("max_num_seqs")
        if model is None or batch is None or batch.path in seen or place.get("max_model_len") is None:
            continue
        found = instances.solve(model.facts, instance, wanted(subject, place)) if memory.possible(model.facts) else None
        if found is None or found.verdict != memory.FITS or not subject.resolved.values[batch.path].source.by_hand:
            continue
        need = int(batch.value) * (found.length * found.token_bytes + found.fixed_bytes) / memory.GIB
        if need < WORTH * found.cache:
            seen.add(batch.path)
            share = math.ceil((found.budget - found.cache + need) / found.device.memory_gib * 100) / 100
            message = (
                f"{batch.value} sequences of {found.length:,} tokens fill {need:.1f} GiB of cache, and the engine "
                f"takes {found.cache:.1f}{place.words}"
            )
            hint = f"engine.gpu_memory_utilization: {share} leaves the rest free"
            if listed is not None and listed.find(BYTES) is not None:
                hint += f"; or engine.extra_args: {{{BYTES}: {math.ceil(need * memory.GIB)}}}"
            yield subject.finding(CODE, batch.path, message, hint, Severity.NOTE)
