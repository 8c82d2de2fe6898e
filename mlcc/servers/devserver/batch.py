"""One object of a transform job: split, filter, ask, join, assemble.  Law: an object is done whole or not at all.

Source: CreateTransformJob in botocore's service model, and AWS's guide to batch transform for `SageMakerInput` and
`SageMakerOutput`.  Of a binary format the padding is removed for SingleRecord and not for MultiRecord (TransformInput
in AWS's API reference).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.core.records import NamedTuple
from mlcc.servers.devserver import recordio
from mlcc.servers.devserver.filters import Step, Unfit, compiled, taken
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.rules import Rules

MB = 1 << 20
NONE, LINE, RECORD_IO = "None", "Line", "RecordIO"
MULTI, SINGLE = "MultiRecord", "SingleRecord"
INPUT, OUTPUT = "SageMakerInput", "SageMakerOutput"


PREFIX, MANIFEST = "S3Prefix", "ManifestFile"


class Spoilt(Exception):
    """An object that cannot be transformed; the text says why."""


class Plan(NamedTuple):
    """How objects are treated.  max_bytes: of a payload."""

    split: str
    strategy: str
    max_bytes: int
    assemble: str
    join: bool
    input_filter: list[Step]
    output_filter: list[Step]
    kind: str
    gzipped: bool


def checked(request: Mapping[str, Any], rules: Rules) -> None:
    """Raises Refusal for a job that the service does not take, or this server does not know."""
    source = request["TransformInput"]
    split, strategy = source.get("SplitType", NONE), request.get("BatchStrategy", "")
    if split not in (NONE, LINE, RECORD_IO):
        raise Refusal(f"SplitType {split} is not there in this server", *NOT_IMPLEMENTED)
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in (PREFIX, MANIFEST):
        raise Refusal(f"S3DataType {kind} is not there in this server", *NOT_IMPLEMENTED)
    if rules.batches_need_records and strategy == MULTI and split == NONE:
        raise Refusal("BatchStrategy MultiRecord needs a SplitType.")
    most = request.get("MaxConcurrentTransforms", 0) * request.get("MaxPayloadInMB", 0)
    if rules.payloads_within_100_mb and (most > 100 or request.get("MaxPayloadInMB", 0) > 100):
        raise Refusal("MaxConcurrentTransforms multiplied by MaxPayloadInMB must not exceed 100.")
    plan = plan_of(request, {})
    if plan.split == RECORD_IO and (plan.join or plan.input_filter or plan.output_filter):
        raise Refusal("DataProcessing of RecordIO is not there in this server", *NOT_IMPLEMENTED)


def plan_of(request: Mapping[str, Any], execution: Mapping[str, Any]) -> Plan:
    """A job's plan.  execution: what the container says in GET /execution-parameters.  Raises Refusal for a filter."""
    source, processing = request["TransformInput"], request.get("DataProcessing", {})
    size = request.get("MaxPayloadInMB", execution.get("MaxPayloadInMB", 6))
    strategy = str(request.get("BatchStrategy") or execution.get("BatchStrategy") or MULTI)
    return Plan(
        str(source.get("SplitType", NONE)),
        strategy,
        int(size) * MB or 1 << 40,
        str(request["TransformOutput"].get("AssembleWith", NONE)),
        processing.get("JoinSource", NONE) == "Input",
        compiled(str(processing.get("InputFilter", "$"))),
        compiled(str(processing.get("OutputFilter", "$"))),
        str(source.get("ContentType", "")),
        source.get("CompressionType", NONE) == "Gzip",
    )


def transformed(plan: Plan, data: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """An object's output.  ask: sends a payload to the container.  Raises Spoilt."""
    try:
        whole = gzip.decompress(data) if plan.gzipped else data
        return _assembled(plan, [_answered(plan, records, ask) for records in _payloads(plan, whole)])
    except (Unfit, ValueError, OSError, EOFError) as problem:
        raise Spoilt(str(problem)) from None


def _payloads(plan: Plan, data: bytes) -> Iterator[list[bytes]]:
    """Records that go together into one request."""
    batch: list[bytes] = []
    size = 0
    for record in _records(plan, data):
        if len(record) > plan.max_bytes:
            raise Spoilt(f"a record has {len(record)} bytes, and a payload takes {plan.max_bytes}")
        length = len(record) + len(_between(plan))
        if batch and (plan.strategy == SINGLE or size + length > plan.max_bytes):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def _records(plan: Plan, data: bytes) -> Iterator[bytes]:
    """The records of an object.  Frames and padding of a binary one are taken off where each goes alone."""
    if plan.split == RECORD_IO:
        return (each.payload if plan.strategy == SINGLE else each.framed for each in recordio.records(data))
    return iter([data]) if plan.split == NONE else (line for line in data.splitlines() if line)


def _between(plan: Plan) -> bytes:
    """What stands between two records of a request."""
    return b"" if plan.split == RECORD_IO else b"\n"


def _answered(plan: Plan, records: list[bytes], ask: Callable[[bytes], bytes]) -> bytes:
    """What comes of one request."""
    sent = [_filtered(plan, record, plan.input_filter) for record in records] if plan.input_filter else records
    answer = ask(_between(plan).join(sent))
    if not plan.join and not plan.output_filter:
        return answer
    parts = [answer] if plan.split == NONE else answer.splitlines()
    if not plan.join:
        return b"\n".join(_filtered(plan, part, plan.output_filter) for part in parts)
    if len(parts) != len(records):
        raise Spoilt(f"{len(records)} records cannot be joined with {len(parts)} answers")
    pairs = zip(records, parts, strict=True)
    return b"\n".join(_written(plan, taken(plan.output_filter, _joined(plan, *pair))) for pair in pairs)


def _assembled(plan: Plan, answers: list[bytes]) -> bytes:
    if plan.assemble == NONE:
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)


# ---------------------------------------------------------------- records
def _read(plan: Plan, record: bytes) -> Any:
    """A record as a value: of CSV a list of its columns, else JSON."""
    if "csv" in plan.kind:
        return next(iter(csv.reader([record.decode().rstrip("\r\n")])), [])
    return read_json(record)


def _written(plan: Plan, value: Any) -> bytes:
    if "csv" not in plan.kind:
        return json.dumps(value).encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return text.getvalue().encode()


def _filtered(plan: Plan, record: bytes, steps: list[Step]) -> bytes:
    return _written(plan, taken(steps, _read(plan, record))) if steps else record


def _joined(plan: Plan, record: bytes, answer: bytes) -> Any:
    mine, theirs = _read(plan, record), _read(plan, answer)
    if "csv" in plan.kind:
        return [*mine, *theirs]
    return {**mine, OUTPUT: theirs} if isinstance(mine, dict) else {INPUT: mine, OUTPUT: theirs}
