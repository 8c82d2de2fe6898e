"""Requests to asynchronous endpoints: what is waited for, and for how long; S3 and the runtime are tables."""

from __future__ import annotations

import dataclasses
import io
import json
import shlex
from typing import Any

import pytest

from mlcc.core.errors import UsageError
from mlcc.lifecycle import targets
from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.targets.sagemaker import requests, verbs
from mlcc.lifecycle.targets.server_contract import MAX_REPLY_BYTES
from tests.aws import walker
from tests.aws.account import World, rendered

TEXT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: async-inference, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
async: {s3_output_path: s3://bucket/out/MORE}
test: {payload: "[[1]]"}
"""


class Slow(World):
    """Answers each request after some time; a refusal reaches S3 where there is a place for it."""

    def __init__(self, after_s: float, answer: bytes = b'{"predictions": [1]}', failures: bool = False) -> None:
        super().__init__()
        self.after_s, self.given, self.failures, self.requests = after_s, answer, failures, 0
        self.cloud.buckets["bucket"] = {}

    def call(self, service, operation, parameters):
        if operation != "InvokeEndpointAsync":
            return super().call(service, operation, parameters)
        walker.check(service, operation, parameters)
        self.requests += 1
        _, key = parameters["InputLocation"].split("bucket/", 1)
        good = parameters["ContentType"] == "application/json" and not self.cloud.buckets["bucket"][key].endswith(b"[[")
        place = f"out/{self.requests}" if good else f"failed/{self.requests}"
        status = 415 if parameters["ContentType"] != "application/json" else 400
        body = self.given if good else b"ClientError: Received client error (%d) from model." % status
        if good or self.failures:
            now = self.account.timeline.now
            self.account.timeline.later(self.after_s, lambda: self.cloud.buckets["bucket"].update({place: body}))
            assert self.account.timeline.now == now, "it is done later"
        failure = {"FailureLocation": f"s3://bucket/failed/{self.requests}"} if self.failures else {}
        return {"OutputLocation": f"s3://bucket/out/{self.requests}", **failure}


@pytest.mark.parametrize(("failures", "count"), [(False, 1), (True, 3)])
def test_a_refusal_is_waited_for_where_it_can_be_seen(failures: bool, count: int) -> None:
    world = Slow(600.0, failures=failures)
    more = ", s3_failure_path: s3://bucket/failed/" if failures else ""
    verbs.deploy(world.context(rendered(TEXT.replace("MORE", more))))
    found = requests.test(world.context(rendered(TEXT.replace("MORE", more))))
    assert found.ok, found.lines
    assert (len(found.document["checks"]), world.requests) == (count + 1, count)
    assert world.cloud.buckets["bucket"] == {}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b'{"error": "the model is not loaded", "predictions": []}', "the answer is an error"),
        (b"[]", "the answer is empty"),
        (b"null", "the answer is empty"),
        (b"<html><body>Sign in</body></html>", "the answer is a web page"),
        (b"<!DOCTYPE html><html>", "the answer is a web page"),
    ],
)
def test_a_wrong_answer_is_found_as_on_other_targets(answer: bytes, why: str) -> None:
    world = Slow(1.0, answer=answer)
    verbs.deploy(world.context(rendered(TEXT.replace("MORE", ""))))
    found = requests.test(world.context(rendered(TEXT.replace("MORE", ""))))
    assert not found.ok
    assert why in str(found.lines)


def test_an_answer_that_never_comes() -> None:
    world = Slow(7200.0)
    verbs.deploy(world.context(rendered(TEXT.replace("MORE", ""))))
    found = requests.test(world.context(rendered(TEXT.replace("MORE", ""))))
    assert not found.ok
    assert "no answer in S3 within 1800 s; with async.s3_failure_path" in str(found.lines)


def test_an_answer_that_is_too_large_is_not_cut() -> None:
    world = Slow(1.0, answer=b"1" * (MAX_REPLY_BYTES + 1))
    found = requests.invoke(world.context(rendered(TEXT.replace("MORE", ""))))
    assert not found.ok
    assert found.document["problem"] == "the answer has more than 16 MiB"


def spoken(context) -> list[str]:
    assert isinstance(context.progress, Silent)
    return context.progress.lines


def test_a_wait_is_spoken_of_and_a_refusal_that_nobody_sees_is_announced() -> None:
    world = Slow(7200.0)
    context = world.context(rendered(TEXT.replace("MORE", "")), timeout=70.0, payload=io.BytesIO(b"[["))
    started = context.now()
    found = requests.invoke(context)
    assert (found.ok, context.now() - started) == (False, 70.0)
    assert found.document["problem"].startswith("no answer in S3 within 70 s")
    first, *rest = spoken(context)
    assert "async.s3_failure_path is set" in first
    assert "mlcc set async.s3_failure_path s3://" in first
    assert rest == [
        f"waiting for the answer in s3://bucket/out/1: {n} of at most 70 s; Ctrl-C ends the wait" for n in (0, 30, 60)
    ]


def test_a_refusal_is_found_where_failures_go() -> None:
    world = Slow(20.0, failures=True)
    text = TEXT.replace("MORE", ", s3_failure_path: s3://bucket/failed/")
    context = world.context(rendered(text), payload=io.BytesIO(b"[["))
    found = requests.invoke(context)
    assert (found.ok, found.document["status"]) == (False, 400)
    (line,) = spoken(context)
    assert "(a refusal in s3://bucket/failed/1): 0 of at most 1800 s" in line
    assert world.cloud.buckets["bucket"] == {}


def test_an_interrupted_wait_ends_at_once_and_leaves_nothing() -> None:
    world = Slow(600.0)

    def arrives(seconds: float) -> None:
        raise KeyboardInterrupt

    context = dataclasses.replace(world.context(rendered(TEXT.replace("MORE", ""))), sleep=arrives)
    started = context.now()
    with pytest.raises(KeyboardInterrupt):
        requests.invoke(context)
    assert context.now() == started
    assert world.cloud.buckets["bucket"] == {}


@pytest.mark.parametrize("kind", ["bad\nheader", "text/plain\r", "a\tb", "text/\x7f", "text/\u00e4"])
def test_what_cannot_be_a_header_is_refused(kind: str) -> None:
    world = Slow(1.0)
    with pytest.raises(UsageError) as refused:
        requests.invoke(world.context(rendered(TEXT.replace("MORE", "")), content_type=kind))
    assert refused.value.findings[0].code == "MLCC900"
    assert (world.requests, world.asked) == (0, [])


class Library:
    """boto3, as far as lines for clients use it: records the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def client(self, service: str, region_name: str) -> Any:
        def recorded(operation: str, answer: dict[str, Any]) -> Any:
            return lambda **parameters: self.calls.append((service, operation, parameters)) or answer

        answer = {"OutputLocation": "s3://bucket/out/1"}
        made = {
            "put_object": recorded("PutObject", {}),
            "invoke_endpoint_async": recorded("InvokeEndpointAsync", answer),
        }
        return type("Client", (), {name: staticmethod(call) for name, call in made.items()})


@pytest.mark.parametrize("body", [b'\'; rm -rf / #\n"""$(x)', b"[[1]]"])
def test_lines_for_clients_are_of_the_asynchronous_call(body: bytes) -> None:
    world = Slow(1.0)
    context = world.context(rendered(TEXT.replace("MORE", "")), clients=True, payload=io.BytesIO(body))
    clients: Any = requests.invoke(context).document["clients"]
    assert set(clients) == {"aws", "boto3"}
    assert "/invocations" not in json.dumps(clients)
    library = Library()
    exec(clients["boto3"].replace("import boto3", ""), {"boto3": library})
    assert [(s, o) for s, o, _ in library.calls] == [("s3", "PutObject"), ("sagemaker-runtime", "InvokeEndpointAsync")]
    assert [p for s, o, made in library.calls for p in walker.problems(s, o, made)] == []
    (_, _, put), (_, _, asked) = library.calls
    assert put["Body"].encode() == body
    assert asked == {
        "EndpointName": "iris",
        "ContentType": "application/json",
        "InputLocation": f"s3://{put['Bucket']}/{put['Key']}",
    }
    words = shlex.split(clients["aws"].replace("\\\n", " "))
    assert words[2].encode() == body
    assert words[3:8] == ["|", "aws", "s3", "cp", "-"]
    line = words[words.index("invoke-endpoint-async") :]
    options = dict(zip(line[1::2], line[2::2], strict=True))
    assert options["--input-location"] == asked["InputLocation"]
    assert {"--" + name for name in ("endpoint-name", "content-type", "region")} <= set(options)


def test_a_body_that_is_no_text_is_a_file_for_asynchronous_clients() -> None:
    context = Slow(1.0).context(rendered(TEXT.replace("MORE", "")), clients=True, payload=io.BytesIO(b"\x89PNG\x00"))
    clients: Any = requests.invoke(context).document["clients"]
    assert clients["aws"].startswith("aws s3 cp payload s3://bucket/out/mlcc-requests/payload ")
    assert 'Body=open("payload", "rb").read(),' in clients["boto3"]


def test_a_dry_run_shows_where_the_body_goes() -> None:
    project = rendered(TEXT.replace("MORE", "").replace("out/", "out"))
    document = requests.invoke(World().context(project, dry_run=True)).document
    shown = [(c["operation"], c["parameters"]) for c in document["calls"]]
    assert [name for name, _ in shown] == ["PutObject", "InvokeEndpointAsync", "DeleteObject"]
    assert shown[0][1]["Key"] == "out/mlcc-requests/0"
    assert shown[1][1]["InputLocation"] == "s3://bucket/out/mlcc-requests/0"
    assert [p for c in document["calls"] for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []


def test_a_dry_run_of_a_stream_shows_a_stream() -> None:
    text = TEXT[: TEXT.index("async:")].replace("async-inference", "realtime-inference")
    document = requests.invoke(World().context(rendered(text), dry_run=True, stream=True)).document
    assert [c["operation"] for c in document["calls"]] == ["InvokeEndpointWithResponseStream"]


@pytest.mark.parametrize(
    ("target", "step", "option"),
    [
        ("async-inference", "invoke", "stream"),
        ("async-inference", "deploy", "component"),
        ("realtime-inference", "deploy", "port"),
        ("batch-transform", "deploy", "component"),
        ("hyperpod-eks", "test", "component"),
        ("hyperpod-eks", "deploy", "replace"),
        ("hyperpod-eks", "invoke", "clients"),
        ("realtime-inference", "invoke", "timeout"),
    ],
)
def test_an_option_that_a_target_does_not_have_is_refused(target: str, step: str, option: str) -> None:
    text = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, target: TARGET}\n"
    project = rendered(text.replace("TARGET", target))
    context = World().context(project, dry_run=True, **{option: "x"})
    with pytest.raises(UsageError) as refused:
        targets.refuse(context, step)
    assert refused.value.findings[0].message == f"do/{step} --{option} is not there on the target {target}"
