"""InvokeEndpointAsync: a queue before an endpoint's copies.  Law: S3 gets the answer, or why there is none.

Sources: botocore's service model of sagemaker-runtime; AWS's guide to asynchronous inference for the notification.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver import alarms, asking, endpoints, metrics
from mlcc.servers.devserver.asking import HEAD, VALIDATION, Invocation
from mlcc.servers.devserver.copies import Unavailable
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.reply import Reply
from mlcc.servers.devserver.things import OUT_OF_SERVICE, Account, Thing

TTL_S, TIMEOUT_S = 21_600, 900
# Requests at a time on an instance, where the endpoint names no number; the service finds one by itself.
AT_A_TIME = 1
POLL_S = 1.0
# What an answer may have ("payloads up to 1 GB", AWS's guide to asynchronous inference).
MAX_ANSWER = 1 << 30


class Waiting(NamedTuple):
    """A request in the queue.  expires: seconds since 1970; body: empty for one that lies in S3."""

    id: str
    endpoint: str
    request: dict[str, Any]
    body: bytes
    received: float
    expires: float
    output: str
    failure: str


def accept(account: Account, request: dict[str, Any], asked: Invocation) -> Reply:
    """Puts a request into the queue, and says where its answer will lie.  Raises Refusal."""
    thing = asking.serving(account, asked.endpoint)
    config = thing.running.get("AsyncInferenceConfig")
    if config is None:
        raise Refusal(f"Endpoint {thing.name} is not an asynchronous endpoint.", VALIDATION)
    if account.objects is None:
        raise Refusal("this server has no S3 beside it, which an answer is written to", *NOT_IMPLEMENTED)
    if bool(request.get("InputLocation")) == bool(asked.body):
        raise Refusal("Exactly one of InputLocation and Body must be provided.", VALIDATION)
    number = request.get("InferenceId") or f"mlcc-{len(account.asynchronous) + 1:08d}"
    name = str(request.get("Filename") or number)
    output = config["OutputConfig"]
    place = "/".join(filter(None, (output["S3OutputPath"].rstrip("/"), request.get("S3OutputPathExtension", ""))))
    failed = output.get("S3FailurePath", "").rstrip("/")
    now = account.timeline.now
    waiting = Waiting(
        number,
        thing.name,
        request,
        asked.body,
        account.date,
        now + float(request.get("RequestTTLSeconds", TTL_S)),
        f"{place}/{name}.out",
        f"{failed}/{name}-error.out" if failed else "",
    )
    account.asynchronous.append(waiting)
    account.timeline.later(0.0, lambda: _next(account, waiting))
    headers = {f"{HEAD}OutputLocation": waiting.output}
    headers |= {f"{HEAD}FailureLocation": waiting.failure} if waiting.failure else {}
    return Reply(202, "application/json", json.dumps({"InferenceId": number}).encode(), headers=headers)


def _next(account: Account, waiting: Waiting) -> None:
    """Asks a copy when one has a place, or tries again later."""
    thing = account.endpoints.get(waiting.endpoint)
    if thing is None:
        return
    if account.timeline.now >= waiting.expires:
        _failed(account, thing, waiting, "The request has expired before a container took it.")
        return
    url = thing.url()
    if _empty(thing):
        alarms.missed(account, alarms.BACKLOG, thing.name, lambda: _empty(thing))
    if not url or thing.busy >= _places(thing) or thing.status == OUT_OF_SERVICE:
        account.timeline.later(POLL_S, lambda: _next(account, waiting))
        return
    thing.busy += 1
    host, _, port = url.removeprefix("http://").partition(":")
    chosen = asking.Chosen((host, int(port)), _headers(waiting.request), thing.name, account.region, account.number, "")
    account.aside(_asked(account, waiting, chosen), lambda reply: _answered(account, thing, waiting, reply))


def _empty(thing: Thing) -> bool:
    return not any(endpoints.instances(thing.running).values())


def _places(thing: Thing) -> int:
    client = thing.running["AsyncInferenceConfig"].get("ClientConfig", {})
    copies = len(thing.copies.started) if thing.copies is not None else 0
    return int(client.get("MaxConcurrentInvocationsPerInstance", AT_A_TIME)) * copies


def _headers(request: dict[str, Any]) -> dict[str, str]:
    names = {"ContentType": "Content-Type", "Accept": "Accept", "CustomAttributes": asking.ATTRIBUTES}
    return {header: str(request[name]) for name, header in names.items() if name in request}


def _asked(account: Account, waiting: Waiting, chosen: asking.Chosen) -> Callable[[], Reply | None]:
    objects, timeout_s = account.objects, float(waiting.request.get("InvocationTimeoutSeconds", TIMEOUT_S))

    def work() -> Reply | None:
        body: bytes | None = waiting.body
        if "InputLocation" in waiting.request and objects is not None:
            try:
                body = objects.read(waiting.request["InputLocation"])
            except Unavailable:
                body = None
        return asking.ask(chosen, body, timeout_s, MAX_ANSWER) if body is not None else None

    return work


def _answered(account: Account, thing: Thing, waiting: Waiting, reply: Reply | None) -> None:
    thing.busy -= 1
    variant = str(thing.running["ProductionVariants"][0]["VariantName"])
    metrics.count(account, metrics.PROCESSED, metrics.of_variant(thing.name, variant))
    if reply is None:
        where = waiting.request["InputLocation"]
        _failed(account, thing, waiting, f"ClientError: the input {where} could not be read.")
    elif reply.status != 200:
        status = json.loads(reply.body)["OriginalStatusCode"]
        side = "Client" if 400 <= status < 500 else "Server"
        text = f"{side}Error: Received {side.lower()} error ({status}) from model. See the SageMaker Endpoint logs in "
        _failed(account, thing, waiting, f"{text}your account for more information.", reply.body)
    else:
        assert account.objects is not None, "BUG: a request was accepted without S3"
        try:
            account.objects.write(waiting.output, reply.body)
        except Unavailable as problem:
            _failed(account, thing, waiting, f"InternalServerError: {problem}")
            return
        response = {"contentType": reply.kind, "outputLocation": waiting.output}
        _notify(account, thing, waiting, "Completed", {"responseParameters": response}, "SuccessTopic")


def _failed(account: Account, thing: Thing, waiting: Waiting, reason: str, body: bytes = b"") -> None:
    if waiting.failure and account.objects is not None:
        with suppress(Unavailable):
            account.objects.write(waiting.failure, body or reason.encode())
    _notify(account, thing, waiting, "Failed", {"failureReason": reason}, "ErrorTopic")


def _notify(account: Account, thing: Thing, waiting: Waiting, status: str, more: dict[str, Any], topic: str) -> None:
    named = thing.running["AsyncInferenceConfig"]["OutputConfig"].get("NotificationConfig", {}).get(topic)
    if not named or account.notify is None:
        return
    asked = {"endpointName": thing.name, "inputLocation": waiting.request.get("InputLocation", "")}
    record = {
        "awsRegion": account.region,
        "eventTime": _time(account.date),
        "receivedTime": _time(waiting.received),
        "invocationStatus": status,
        "requestParameters": asked,
        **more,
        "inferenceId": waiting.id,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    account.notify(str(named), json.dumps(record))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
