"""MLCC152: a transform job that asks for more payload at a time than SageMaker takes."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding

CODE = "MLCC152"
LIMIT_MB = 100


def check(subject: Subject) -> Iterator[Finding]:
    """max_concurrent x max_payload_mb is at most 100 (0 means that payloads are sent in chunks)."""
    target = subject.rows.target
    if target is None or target.instances != "transform":
        return
    concurrent = int(subject.resolved.get("batch.max_concurrent", 0) or 0)
    payload = int(subject.resolved.get("batch.max_payload_mb", 6) or 0)
    if concurrent and payload and concurrent * payload > LIMIT_MB:
        message = (
            f"{concurrent} requests of {payload} MB at a time are {concurrent * payload} MB; SageMaker takes {LIMIT_MB}"
        )
        hint = f"lower batch.max_concurrent to {LIMIT_MB // payload}"
        hint += f", or batch.max_payload_mb to {LIMIT_MB // concurrent}" if concurrent <= LIMIT_MB else ""
        yield subject.finding(CODE, ("batch", "max_concurrent"), message, hint)
    if (
        subject.resolved.get("batch.strategy") == "MultiRecord"
        and subject.resolved.get("batch.split_type", "None") == "None"
    ):
        message = "MultiRecord puts several records into a request, and without a split_type each file is one record"
        yield subject.finding(
            CODE, ("batch", "strategy"), message, "set batch.split_type: Line, or strategy: SingleRecord"
        )
