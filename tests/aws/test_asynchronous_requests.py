"""Requests to asynchronous endpoints: what is waited for, and for how long; S3 and the runtime are tables."""

from __future__ import annotations

import pytest

from mlcc.core.errors import PreconditionError
from mlcc.lifecycle import targets
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
    ],
)
def test_an_option_that_a_target_does_not_have_is_refused(target: str, step: str, option: str) -> None:
    text = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, target: TARGET}\n"
    project = rendered(text.replace("TARGET", target))
    context = World().context(project, dry_run=True, **{option: "x"})
    with pytest.raises(PreconditionError) as refused:
        targets.refuse(context, step)
    assert refused.value.findings[0].message == f"do/{step} --{option} is not there on the target {target}"
