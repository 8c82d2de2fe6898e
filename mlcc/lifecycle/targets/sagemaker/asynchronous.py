"""Requests that go by S3.  Law: what was written is taken away again, whatever the answer was; no wait is silent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from mlcc.core.text import printable
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.runtime import SERVICE, SageMakerRuntime
from mlcc.io.aws.s3 import S3, split_uri
from mlcc.io.aws.s3 import SERVICE as S3_SERVICE
from mlcc.lifecycle.context import Context, call
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.server_contract import MAX_REPLY_BYTES, Reply

# Longer than an endpoint needs that has scaled to no instance.
LIMIT_S, POLL_S = 1800.0, 5.0
# How often a person is shown that the wait goes on.
SPEAK_S = 30.0
FOLDER = "mlcc-requests"
# "Received client error (400) from model": how a failure names what the container answered.
STATUS = re.compile(rb"error \((\d{3})\)")
SILENT = (
    "no async.s3_failure_path is set: what the model refuses will not be seen, only waited for; to see it: "
    "mlcc set async.s3_failure_path s3://BUCKET/FOLDER/, mlcc apply, do/deploy"
)
JSON, BINARY = "application/json", "application/octet-stream"


def invoke(
    context: Context, caller: Caller, endpoint: str, body: bytes, headers: Mapping[str, str], limit_s: float = LIMIT_S
) -> Reply:
    """One request: its body goes to the bucket of the outputs, and its answer is waited for.

    limit_s: how long to wait.  Raises AwsError for what the account refuses.
    """
    bucket, key = _place(context.project, uuid.uuid4().hex)
    s3, started = S3(caller), context.now()
    s3.put(bucket, key, body, headers.get("Content-Type", BINARY))
    written = [f"s3://{bucket}/{key}"]
    try:
        output, failure = SageMakerRuntime(caller, endpoint).invoke_async(written[0], headers)
        written += [uri for uri in (output, failure) if uri]
        next_line = started
        while context.now() - started < limit_s:
            for uri, ok in ((output, True), (failure, False)):
                found = s3.get(*split_uri(uri), MAX_REPLY_BYTES + 1) if uri else None
                if found is not None:
                    return _reply(found, ok, context.now() - started, headers.get("Accept", ""))
            if context.now() >= next_line:
                context.progress.say(waited(output, failure, context.now() - started, limit_s))
                next_line = context.now() + SPEAK_S
            context.sleep(max(0.0, min(POLL_S, started + limit_s - context.now())))
        more = "" if failure else "; with async.s3_failure_path a refusal would be there, too"
        return Reply(0, {}, b"", limit_s, f"no answer in S3 within {limit_s:g} s{more}")
    finally:
        for uri in written:
            s3.delete(*split_uri(uri))


def waited(output: str, failure: str, seconds: float, limit_s: float) -> str:
    """The line that says where an answer is awaited, and since when.  failure: where a refusal will be, or nothing."""
    place = printable(output, 300) + (f" (a refusal in {printable(failure, 300)})" if failure else "")
    return f"waiting for the answer in {place}: {seconds:.0f} of at most {limit_s:g} s; Ctrl-C ends the wait"


def warn_of_silence(context: Context) -> None:
    """Says before a request what will not be seen: without a failure path the service writes nothing of a refusal."""
    if not context.project.get("async.s3_failure_path"):
        context.progress.warn(SILENT)


def _place(project: RenderedProject, name: str) -> tuple[str, str]:
    """Bucket and key of a request's body: it lies in a folder below the outputs."""
    bucket, prefix = split_uri(str(project.get("async.s3_output_path")))
    return bucket, f"{prefix.rstrip('/')}/{FOLDER}/{name}".lstrip("/")


def location(project: RenderedProject, name: str) -> str:
    """The URI of a request's body.  name: the last part of its key."""
    bucket, key = _place(project, name)
    return f"s3://{bucket}/{key}"


def calls(project: RenderedProject, members: Mapping[str, Any], body: Any) -> list[dict[str, Any]]:
    """The calls of one request as a dry run shows them; where the answer will be, only the service says."""
    bucket, key = _place(project, "0")
    place = {"Bucket": bucket, "Key": key}
    kind = members.get("ContentType", BINARY)
    return [
        call(S3_SERVICE, "PutObject", **place, Body=body, ContentType=kind),
        call(SERVICE, "InvokeEndpointAsync", **members, InputLocation=f"s3://{bucket}/{key}"),
        call(S3_SERVICE, "DeleteObject", **place),
    ]


def _reply(body: bytes, ok: bool, seconds: float, accept: str) -> Reply:
    if len(body) > MAX_REPLY_BYTES:
        return Reply(0, {}, b"", seconds, f"the answer has more than {MAX_REPLY_BYTES >> 20} MiB")
    if ok:
        # an object of S3 has the type that its writer gave it, and none of the container's
        looks = JSON if body.lstrip()[:1] in (b"{", b"[") or body.strip() == b"null" else ""
        kind = accept if accept and "*" not in accept else looks
        return Reply(200, {"content-type": kind}, body, seconds)
    status = STATUS.search(body)
    return Reply(int(status[1]) if status else 500, {}, body, seconds)
