"""InvokeEndpointWithResponseStream.  Law: parts go out as they come; a break is an event of its own.

The framing is that of AWS's event streams: lengths, headers, payload, and a checksum after each half.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing

from mlcc.io.http_stream import Broken, Opened, opened
from mlcc.io.web import TROUBLE
from mlcc.servers.devserver.asking import TIMED_OUT, TIMEOUT_S, Chosen, answered_headers, model_error
from mlcc.servers.devserver.reply import Reply

KIND = "application/vnd.amazon.eventstream"
TEXT = 7  # the type of a header that is a text
MAX_ERROR = 64 << 10
TIME_EXCEEDED, BROKEN = "ModelInvocationTimeExceeded", "StreamBroken"


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of an event stream."""
    named = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", TEXT, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", len(named) + len(payload) + 16, len(named))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + named + payload
    return head + struct.pack("!I", zlib.crc32(head))


def part(data: bytes) -> bytes:
    """A part of the answer."""
    headers = {":event-type": "PayloadPart", ":content-type": "application/octet-stream", ":message-type": "event"}
    return message(headers, data)


def failure(code: str, text: str) -> bytes:
    """The event that ends a stream which has broken."""
    headers = {":exception-type": "ModelStreamError", ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, json.dumps({"Message": text, "ErrorCode": code}).encode())


def ask(chosen: Chosen, body: bytes, total_s: float, cut_after: int | None = None) -> Reply:
    """The container's answer as a stream.  total_s: its longest; cut_after: parts after which it breaks (a fault)."""
    try:
        answer = opened(chosen.at, "/invocations", body, chosen.headers, TIMEOUT_S, total_s)
    except TimeoutError:
        return model_error(chosen, 0, TIMED_OUT)
    except TROUBLE as problem:
        return model_error(chosen, 500, str(problem))
    if answer.status >= 400:
        return model_error(chosen, answer.status, _text(answer))
    kind = answer.headers.get("content-type", "application/octet-stream")
    headers = {"X-Amzn-SageMaker-Content-Type": kind, **answered_headers(chosen, answer.headers)}
    return Reply(200, KIND, b"", headers=headers, stream=_events(answer.parts, cut_after))


def _events(parts: Generator[bytes, None, None], cut_after: int | None) -> Iterator[bytes]:
    try:
        # the connection is closed before the last event goes out, for nobody need read on behind it
        with closing(parts):
            for number, data in enumerate(parts):
                if number == cut_after:
                    raise Broken
                yield part(data)
    except Broken as problem:
        if problem.late:
            yield failure(TIME_EXCEEDED, "The model did not finish its response in time.")
        else:
            yield failure(BROKEN, "The connection to the model was broken.")


def _text(answer: Opened) -> str:
    data = b""
    try:
        with closing(answer.parts):
            for each in answer.parts:
                data += each
                if len(data) > MAX_ERROR:
                    break
    except Broken:
        pass
    return data[:MAX_ERROR].decode("utf-8", "replace")
