"""The runtime of our SageMaker server over HTTP: what a client reads, and what the container was sent."""

from __future__ import annotations

import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from mlcc.servers.devserver import asking
from mlcc.servers.devserver.faults import CUT, DELAY, ERROR, EXECUTED, EXPIRED, RESET, Fault
from mlcc.servers.devserver.web import DevServer
from tests.aws.account import Bucket, World
from tests.aws.caller import IMAGE, ROLE, VARIANT
from tests.aws.model_server import ModelServer, serving

HEAD = "X-Amzn-SageMaker-"
OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def world(model: ModelServer) -> World:
    model.seen.clear()
    return World(model.url)


@pytest.fixture
def server(world: World) -> Iterator[DevServer]:
    """Our server, whose clock stands but when it is moved."""
    with serving(DevServer(world.dispatcher, itertools.repeat(0.0).__next__)) as found:
        yield found


def serve(world: World, **more: Any) -> None:
    """A classic endpoint `e`."""
    call = world.call
    call("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}})
    config = {"EndpointConfigName": "c", "ProductionVariants": [{**VARIANT, "ModelName": "m"}], **more}
    call("sagemaker", "CreateEndpointConfig", config)
    call("sagemaker", "CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    world.sleep(600)


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "text/csv", **named})
    try:
        with OPEN.open(asked, timeout=10) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, {k.lower(): v for k, v in answer.headers.items()}, answer.read()


def invoke(server: DevServer, body: bytes, how: str = "invocations", **headers: str) -> Any:
    return post(f"{server.url}/endpoints/e/{how}", body, **headers)


# ---------------------------------------------------------------- one answer
def test_an_answer_and_the_headers_that_pass(server: DevServer, world: World, model: ModelServer) -> None:
    serve(world)
    attributes = {f"{HEAD}Custom-Attributes".replace("-", "_"): "to-the-model", "X_Own": "not me", "Accept": "text/csv"}
    status, headers, body = invoke(server, b"abc", **attributes)
    assert (status, body) == (200, b"cba")
    assert headers["x-amzn-invoked-production-variant"] == "v"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "from-the-model"
    ((path, sent, _),) = model.seen
    assert path == "/invocations"
    assert (sent["content-type"], sent["accept"]) == ("text/csv", "text/csv")
    assert sent["x-amzn-sagemaker-custom-attributes"] == "to-the-model"
    assert "x-own" not in sent


@pytest.mark.parametrize(("body", "side", "status"), [(b"bad", "CLIENT", 400), (b"ill", "SERVER", 500)])
def test_an_error_of_the_model(server: DevServer, world: World, body: bytes, side: str, status: int) -> None:
    serve(world)
    code, headers, answer = invoke(server, body)
    document = json.loads(answer)
    assert (code, headers["x-amzn-errortype"]) == (424, "ModelError")
    assert (document["ErrorCode"], document["OriginalStatusCode"]) == (f"{side}_ERROR_FROM_MODEL", status)
    assert f'Received {side.lower()} error ({status}) from primary with message "' in document["Message"]
    assert "logEventViewer:group=/aws/sagemaker/Endpoints/e in account 123456789012" in document["Message"]


def test_limits_of_a_request(server: DevServer, world: World) -> None:
    serve(world)
    assert invoke(server, b"x" * 6_291_456)[0] == 200
    code, headers, answer = invoke(server, b"x" * 6_291_457)
    assert (code, headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert b"less than or equal to 6291456" in answer
    name = {f"{HEAD}Inference-Component".replace("-", "_"): "c"}
    assert b"header is not allowed for endpoints" in invoke(server, b"x", **name)[2]
    assert post(f"{server.url}/endpoints/none/invocations", b"x")[2].count(b"Endpoint none of account") == 1
    assert invoke(server, b"x", "explanations")[0] == 501


# ---------------------------------------------------------------- a stream
def events(data: bytes) -> list[tuple[str, bytes]]:
    """What the SDK makes of an event stream, which checks each checksum."""
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    found = []
    for event in buffer:
        kind = event.headers.get(":event-type") or event.headers[":exception-type"]
        found.append((str(kind), event.payload))
    return found


def test_a_stream_arrives_in_parts(server: DevServer, world: World) -> None:
    serve(world)
    status, headers, body = invoke(server, b"stream", "invocations-response-stream")
    assert (status, headers["content-type"]) == (200, "application/vnd.amazon.eventstream")
    assert headers["x-amzn-sagemaker-content-type"] == "text/event-stream"
    assert b"".join(payload for _, payload in events(body)) == b"one two three"
    assert {kind for kind, _ in events(body)} == {"PayloadPart"}


def test_a_stream_that_breaks_off_ends_in_an_event(server: DevServer, world: World) -> None:
    serve(world)
    *parts, last = events(invoke(server, b"stream and break", "invocations-response-stream")[2])
    assert parts == [("PayloadPart", b"one ")]
    assert (last[0], json.loads(last[1])["ErrorCode"]) == ("ModelStreamError", "StreamBroken")
    world.account.faults.add(Fault("InvokeEndpointWithResponseStream", CUT, parts=0))
    assert [kind for kind, _ in events(invoke(server, b"stream", "invocations-response-stream")[2])] == [
        "ModelStreamError"
    ]
    assert invoke(server, b"bad", "invocations-response-stream")[0] == 424


# ---------------------------------------------------------------- later
LATER = {
    "OutputConfig": {
        "S3OutputPath": "s3://bucket/out/",
        "S3FailurePath": "s3://bucket/failed",
        "NotificationConfig": {
            "SuccessTopic": "arn:aws:sns:us-east-1:123456789012:good",
            "ErrorTopic": "arn:aws:sns:us-east-1:123456789012:bad",
        },
    },
    "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1},
}


def settled(notices: list[Any], count: int) -> list[Any]:
    """What was published, once there is as much as that: answers come in threads of their own."""
    end = time.monotonic() + 10
    while len(notices) < count and time.monotonic() < end:
        time.sleep(0.005)
    return notices


def asynchronously(server: DevServer, body: bytes = b"", **members: str) -> Any:
    headers = {f"{HEAD}{name}".replace("-", "_"): value for name, value in members.items()}
    return invoke(server, body, "async-invocations", **headers)


def test_an_asynchronous_answer_lies_in_s3(server: DevServer, world: World) -> None:
    notices: list[tuple[str, dict[str, Any]]] = []
    bucket = Bucket({"s3://bucket/in/one": b"abc", "s3://bucket/in/two": b"bad"})
    world.account.objects, world.account.notify = bucket, lambda topic, text: notices.append((topic, json.loads(text)))
    serve(world, AsyncInferenceConfig=LATER)
    code, headers, body = asynchronously(server, InputLocation="s3://bucket/in/one", **{"Inference-Id": "first"})
    assert (code, json.loads(body)) == (202, {"InferenceId": "first"})
    assert headers["x-amzn-sagemaker-outputlocation"] == "s3://bucket/out/first.out"
    assert headers["x-amzn-sagemaker-failurelocation"] == "s3://bucket/failed/first-error.out"
    assert bucket.objects.get("s3://bucket/out/first.out") is None, "it is done later"
    server.advance(1)
    ((topic, record),) = settled(notices, 1)
    assert bucket.objects["s3://bucket/out/first.out"] == b"cba"
    assert (topic.rpartition(":")[2], record["invocationStatus"], record["inferenceId"]) == (
        "good",
        "Completed",
        "first",
    )
    assert record["responseParameters"]["outputLocation"] == "s3://bucket/out/first.out"
    assert asynchronously(server, InputLocation="s3://bucket/in/two")[0] == 202
    assert asynchronously(server, InputLocation="s3://bucket/in/three")[0] == 202
    server.advance(1)
    settled(notices, 2)
    server.advance(2)
    reasons = [record["failureReason"] for _, record in settled(notices, 3)[1:]]
    assert reasons[0].startswith("ClientError: Received client error (400) from model.")
    assert reasons[1] == "ClientError: the input s3://bucket/in/three could not be read."
    assert bucket.objects["s3://bucket/failed/mlcc-00000002-error.out"]


def test_large_answers_come_whole_or_not_at_all(server: DevServer, world: World) -> None:
    bucket = Bucket({"s3://bucket/in": b"1" * (asking.MAX_BODY + 1)})
    told: list[str] = []
    world.account.objects, world.account.notify = bucket, lambda topic, text: told.append(text)
    serve(world, AsyncInferenceConfig=LATER)
    assert asynchronously(server, InputLocation="s3://bucket/in", **{"Inference-Id": "big"})[0] == 202
    server.advance(1)
    settled(told, 1)
    assert len(bucket.objects["s3://bucket/out/big.out"]) == asking.MAX_BODY + 1
    port = int(world.model.rpartition(":")[2])
    chosen = asking.Chosen(("127.0.0.1", port), {}, "e", "us-east-1", "1", "")
    assert asking.ask(chosen, b"123", cap=2).status == 424
    assert asking.ask(chosen, b"123", cap=3).body == b"321"


def test_an_asynchronous_request_expires_in_its_queue(server: DevServer, world: World) -> None:
    notices: list[str] = []
    world.account.objects, world.account.notify = (
        Bucket({"s3://bucket/in": b"x"}),
        lambda topic, text: notices.append(text),
    )
    serve(world, AsyncInferenceConfig=LATER)
    world.account.endpoints["e"].busy = 1  # somebody's request takes the only place
    assert asynchronously(server, InputLocation="s3://bucket/in", RequestTTLSeconds="60")[0] == 202
    server.advance(59)
    assert notices == []
    server.advance(2)
    assert "expired" in json.loads(notices[0])["failureReason"]


def test_what_is_no_asynchronous_request(server: DevServer, world: World) -> None:
    serve(world)
    assert b"is not an asynchronous endpoint" in asynchronously(server, InputLocation="s3://bucket/in")[2]
    world.account.endpoints["e"].running["AsyncInferenceConfig"] = LATER
    world.account.objects = None
    assert asynchronously(server, InputLocation="s3://bucket/in")[0] == 501, "there is no S3"
    world.account.objects = Bucket()
    assert b"Exactly one of" in asynchronously(server)[2]
    assert b"regular expression" in asynchronously(server, InputLocation="file:///etc/passwd")[2]


# ---------------------------------------------------------------- faults
def test_faults_of_the_runtime(server: DevServer, world: World) -> None:
    serve(world)
    world.account.faults.add(Fault("InvokeEndpoint", ERROR, "ServiceUnavailable", "Service Unavailable", 503, times=2))
    assert [invoke(server, b"ab")[0] for _ in range(3)] == [503, 503, 200]
    world.account.faults.add(Fault("*", EXPIRED))
    assert invoke(server, b"ab")[1]["x-amzn-errortype"] == "ExpiredTokenException"
    for kind in (RESET, EXECUTED):
        world.account.faults.add(Fault("InvokeEndpoint", kind, match={"EndpointName": "e"}))
        with pytest.raises(OSError):
            invoke(server, b"ab")
    world.account.faults.add(Fault("InvokeEndpoint", DELAY, seconds=0.2))
    began = time.monotonic()
    assert invoke(server, b"ab")[2] == b"ba"
    assert time.monotonic() - began >= 0.2
    codes = [e.code for e in world.dispatcher.journal if e.operation == "InvokeEndpoint"]
    assert codes == ["ServiceUnavailable"] * 2 + ["", "ExpiredTokenException", "(no answer)", "", ""]
