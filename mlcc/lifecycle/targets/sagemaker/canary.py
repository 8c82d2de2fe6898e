"""A question by which one sees whether an adapter is loaded.  Law: asks both, changes nothing.

An identifier that a server does not know may be answered by the base
(https://github.com/huggingface/text-generation-inference/issues/2505), and so may an adapter that is still being loaded
although the service calls it InService: it is asked some times.
"""

from __future__ import annotations

import json
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.io.aws.connection import Caller
from mlcc.io.aws.runtime import SERVICE, WHOLE, Answer, SageMakerRuntime, request_of
from mlcc.lifecycle.context import Context, call
from mlcc.lifecycle.targets.sagemaker.desired import Resource
from mlcc.lifecycle.targets.server_contract import Checked, Request

# How often an adapter and its base are compared, and how long apart: loading one takes seconds.
TRIES, APART_S = 6, 5.0
# Members of an answer that differ each time, or name who answered.
PASSING = ("created", "id", "model", "system_fingerprint", "usage", "metrics", "kv_transfer_params", "timestamp")


def check(context: Context, caller: Caller, endpoint: str, adapter: Resource, request: Request) -> Checked:
    """Whether an adapter answers the same question otherwise than its base.  Raises AwsError where nobody answers."""
    started, body, checked = context.now(), _greedy(request.payload), Checked("", False, "", 0.0)
    for attempt in range(1, TRIES + 1):
        checked = _compared(caller, endpoint, adapter, body, request)
        if checked.ok or attempt == TRIES:
            break
        context.sleep(APART_S)
    return checked._replace(milliseconds=(context.now() - started) * 1000)


def calls(endpoint: str, adapter: Resource, request: Request) -> list[dict[str, Any]]:
    """The same as a dry run shows it: both are asked once."""
    body = _greedy(request.payload).decode("utf-8", "replace")
    named = (request_of(endpoint, name, request.headers()) for name in (adapter.name, _base(adapter)))
    return [call(SERVICE, WHOLE, **members, Body=body) for members in named]


def _base(adapter: Resource) -> str:
    return str(adapter.parameters["Specification"]["BaseInferenceComponentName"])


def _compared(caller: Caller, endpoint: str, adapter: Resource, body: bytes, request: Request) -> Checked:
    """An adapter and its base are asked once each."""
    replies = [_asked(caller, endpoint, name, body, request) for name in (adapter.name, _base(adapter))]
    answers = [_lasting(reply.body) for reply in replies]
    differs = all(reply.status == 200 for reply in replies) and answers[0] != answers[1]
    detail = "its answer differs from its base's" if differs else "its answer is its base's: is it loaded?"
    refused = [
        f"{name} answers {r.status}"
        for name, r in zip((adapter.part, "its base"), replies, strict=True)
        if r.status != 200
    ]
    return Checked(f"{adapter.part} canary", differs, ", ".join(refused) or detail, 0.0)


def _asked(caller: Caller, endpoint: str, component: str, body: bytes, request: Request) -> Answer:
    return SageMakerRuntime(caller, endpoint, component).invoke(body, request.headers())


def _greedy(payload: str) -> bytes:
    """A request whose answer is the most likely one, so that two models' answers can be compared."""
    try:
        document = read_json(payload)
    except ValueError:
        return payload.encode()
    if not isinstance(document, dict):
        return payload.encode()
    return json.dumps({"temperature": 0, **document}).encode()


def _lasting(body: bytes) -> Any:
    """An answer without what differs each time."""
    try:
        document = read_json(body)
    except ValueError:
        return body
    return {k: v for k, v in document.items() if k not in PASSING} if isinstance(document, dict) else document
