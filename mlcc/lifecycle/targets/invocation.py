"""One request of a user's own, on every target.  Law: the answer is passed on as it came; a model's error is exit 1."""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator
from typing import IO, Any

from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.lifecycle.context import Context, Result
from mlcc.lifecycle.targets import sample_request
from mlcc.lifecycle.targets.server_contract import Reply, Request

# Of a request: what SageMaker takes at once (InvokeEndpoint, Body), and a gibibyte for what goes by S3.
MAX_BODY, MAX_ASYNC = 6_291_456, 1 << 30
# The value of a header: a new line would begin another one.
HEADER = re.compile("[ -~]*")


def request_of(context: Context, most: int = MAX_BODY) -> tuple[Request, bytes]:
    """What is sent: the file that the caller names, else what do/test sends.

    most: bytes that the target takes.  Raises UserError for more, UsageError for a type that cannot be a header,
    PreconditionError where there is nothing to send.
    """
    stream: IO[bytes] | None = context.argument("payload")
    own = _settings(context)
    if stream is None:
        payload = sample_request.request_of(context.project).payload
        return own._replace(payload=payload), payload.encode()
    body = stream.read(most + 1)
    if len(body) > most:
        message = f"the payload has more than {most:,} bytes"
        raise UserError([error("MLCC318", message, hint="the target async-inference takes up to 1 GB, by S3")])
    return own, body


def _settings(context: Context) -> Request:
    """How the request is sent: as the caller says, else as mlcc.yaml.  Raises UsageError for what is no header."""
    own = sample_request.settings(context.project)
    kind = context.argument("content_type")
    if kind is not None and not HEADER.fullmatch(str(kind)):
        message = f"--content-type {quoted(str(kind))} cannot be a header: it takes printable characters of ASCII"
        raise UsageError([error("MLCC900", message, hint="--content-type application/json, or text/csv ...")])
    limit_s = float(context.argument("timeout", own.timeout_s))
    return own._replace(content_type=str(kind or own.content_type), timeout_s=limit_s)


def answered(reply: Reply, **more: Any) -> Result:
    """The result of a request.  more: members of the document beside the answer."""
    kind = reply.headers.get("content-type", "")
    document: dict[str, Any] = {**more, "status": reply.status, "content_type": kind, **_body(reply.body)}
    if reply.problem:
        return Result({**document, "problem": reply.problem}, [f"no answer: {reply.problem}"], ok=False)
    shown = _lines(reply.body)
    raw = reply.body if shown is None else b""
    lines = shown if shown is not None else [f"{len(raw):,} bytes of {kind or 'no type'}: send them into a file with >"]
    if reply.status != 200:
        lines = [f"the model answered {reply.status}:", *lines]
    return Result(document, lines, ok=reply.status == 200, raw=raw)


def _body(body: bytes) -> dict[str, str]:
    """An answer as a member of a document."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _lines(body: bytes) -> list[str] | None:
    """An answer as lines; None where it is no text."""
    try:
        return body.decode().rstrip("\n").split("\n")
    except UnicodeDecodeError:
        return None


def streamed(context: Context, parts: Iterator[bytes]) -> bytes:
    """Shows an answer line by line as it comes, without secrets; answers the whole."""
    decode, rest, whole = codecs.getincrementaldecoder("utf-8")("replace"), "", bytearray()
    for part in parts:
        whole += part
        *lines, rest = (rest + decode.decode(part)).split("\n")
        for line in lines:
            context.emit(context.clean(line))
    rest += decode.decode(b"", final=True)
    if rest:
        context.emit(context.clean(rest))
    return bytes(whole)
