"""Logs of containers on our SageMaker server: what they print is read as from CloudWatch, also when they are gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.logs import Group, Logs
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.container_output import EVENT_BYTES, LINE_BYTES, STREAM_BYTES, STREAMS, ContainerOutput
from tests.aws.account import Bucket, World, rendered
from tests.aws.caller import Caller
from tests.aws.test_deploy import CLASSIC
from tests.aws.test_transform_jobs import request as job

GROUP = "/aws/sagemaker/InferenceComponents/c"


@pytest.fixture
def aws() -> Caller:
    """An account with a component `c` of two copies, whose containers print in turn, a second apart."""
    made = Caller(World())
    made.model()
    made.endpoint()
    made.component(copies=2)
    for number in range(6):
        made.world.sleep(1)
        made.world.containers[number % 2].image.printed(f"line {number}\n".encode())
    return made


def read(aws: Caller, operation: str, **parameters: Any) -> dict[str, Any]:
    return aws.world.call("logs", operation, parameters)


def texts(answer: Mapping[str, Any]) -> list[str]:
    return [event["message"] for event in answer["events"]]


# ---------------------------------------------------------------- what is kept
def test_a_stream_is_bounded_and_keeps_what_is_newest() -> None:
    output = ContainerOutput(lambda: 1.0)
    printed = output.printer("g", "s")
    for number in range(40):
        printed(b"%02d" % number + b"x" * 50_000 + b"\n")
    (stream,) = output.streams("g")
    assert stream.size == sum(len(event.text) + EVENT_BYTES for event in stream.events) <= STREAM_BYTES
    assert [event.text[:2] for event in stream.events] == [str(number) for number in range(20, 40)]


def test_a_line_without_an_end_is_cut_into_events() -> None:
    output = ContainerOutput(lambda: 1.0)
    printed = output.printer("g", "s")
    for _ in range(5):
        printed(b"x" * (LINE_BYTES // 2))
    printed(b"\nlast")
    assert [len(event.text) for event in output.streams("g")[0].events] == [LINE_BYTES, LINE_BYTES, LINE_BYTES // 2]
    printed(b"")
    assert output.streams("g")[0].events[-1].text == "last", "its container has ended"


def test_streams_that_were_written_longest_ago_go_first() -> None:
    output = ContainerOutput(lambda: 1.0)
    printers = [output.printer("g", f"{number:03d}") for number in range(STREAMS + 2)]
    for printed in printers[:STREAMS]:
        printed(b"x\n")
    for printed in (printers[0], *printers[STREAMS:]):
        printed(b"y\n")
    names = [stream.name for stream in output.streams("g")]
    assert len(names) == STREAMS
    assert {"000"} == {"000", "001", "002"} & {*names}


def test_without_output_there_is_no_group(aws: Caller) -> None:
    aws.world.account.beside = None
    aws.world.account.output.printer("/aws/sagemaker/Endpoints/e", "v/i-0")(b"")  # it has ended, and printed nothing
    with pytest.raises(AwsError, match="The specified log group does not exist") as refused:
        read(aws, "FilterLogEvents", logGroupName="/aws/sagemaker/Endpoints/e")
    assert (refused.value.code, refused.value.status) == ("ResourceNotFoundException", 400)


# ---------------------------------------------------------------- how it is read
def test_events_of_a_group_are_joined_by_time(aws: Caller) -> None:
    found = read(aws, "FilterLogEvents", logGroupName=GROUP)
    assert texts(found) == [f"line {number}" for number in range(6)]
    assert len({event["logStreamName"] for event in found["events"]}) == 2
    assert all(event["logStreamName"].startswith("v/i-") for event in found["events"])
    assert [event["timestamp"] / 1000 for event in found["events"]][-1] == aws.world.account.date
    pages = Logs(aws.world).events(Group(GROUP), 0.0, 100)
    assert [event.text for event in pages] == texts(found)


def test_which_events_are_asked_for(aws: Caller) -> None:
    at = int(aws.world.account.date * 1000)
    one = read(aws, "FilterLogEvents", logGroupName=GROUP, limit=1)["events"][0]["logStreamName"]
    for wanted, numbers in (
        ({"startTime": at - 2000}, [3, 4, 5]),
        ({"endTime": at - 2000}, [0, 1, 2, 3]),
        ({"logStreamNames": [one]}, [0, 2, 4]),
        ({"logStreamNamePrefix": one}, [0, 2, 4]),
        ({"filterPattern": '"line 3"'}, [3]),
        ({"filterPattern": "line -1 -2"}, [0, 3, 4, 5]),
        ({"filterPattern": "?1 ?5"}, [1, 5]),
        ({"logGroupIdentifier": f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"}, list(range(6))),
    ):
        named = {} if "logGroupIdentifier" in wanted else {"logGroupName": GROUP}
        assert texts(read(aws, "FilterLogEvents", **named, **wanted)) == [f"line {n}" for n in numbers], wanted
    shown, mark = [], {}
    for _ in range(3):
        page = read(aws, "FilterLogEvents", logGroupName=GROUP, limit=2, **mark)
        shown += texts(page)
        mark = {"nextToken": page.get("nextToken", "")}
    assert (shown, mark) == ([f"line {n}" for n in range(6)], {"nextToken": ""})


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("FilterLogEvents", {}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "logGroupIdentifier": GROUP}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "nextToken": "x"}, "InvalidParameterException"),
        (
            "FilterLogEvents",
            {"logGroupName": GROUP, "logStreamNames": ["a"], "logStreamNamePrefix": "a"},
            "InvalidParameterException",
        ),
        ("FilterLogEvents", {"logGroupName": GROUP, "logStreamNames": ["none"]}, "ResourceNotFoundException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "{ $.x = 1 }"}, "NotImplemented"),
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "a ?b"}, "NotImplemented"),
        ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "none"}, "ResourceNotFoundException"),
        ("GetLogEvents", {"logGroupName": GROUP, "logStreamName": "v", "nextToken": "x"}, "ResourceNotFoundException"),
        (
            "DescribeLogStreams",
            {"logGroupName": GROUP, "orderBy": "LastEventTime", "logStreamNamePrefix": "v"},
            "InvalidParameterException",
        ),
        ("DescribeLogStreams", {"logGroupName": "none"}, "ResourceNotFoundException"),
        ("DeleteLogGroup", {"logGroupName": GROUP}, "NotImplemented"),
    ],
)
def test_refusals(aws: Caller, operation: str, parameters: dict[str, Any], code: str) -> None:
    aws.world.account.beside = None
    with pytest.raises(AwsError) as refused:
        read(aws, operation, **parameters)
    assert refused.value.code == code


def test_a_stream_is_read_forward_and_backward(aws: Caller) -> None:
    name = read(aws, "DescribeLogStreams", logGroupName=GROUP)["logStreams"][0]["logStreamName"]
    place = {"logGroupName": GROUP, "logStreamName": name}
    own = texts(read(aws, "GetLogEvents", **place))
    assert len(own) == 3
    newest = read(aws, "GetLogEvents", **place, limit=2)
    assert texts(newest) == own[1:]
    older = read(aws, "GetLogEvents", **place, limit=2, nextToken=newest["nextBackwardToken"])
    assert texts(older) == own[:1]
    first = read(aws, "GetLogEvents", **place, nextToken=older["nextBackwardToken"])
    assert (first["events"], first["nextBackwardToken"]) == ([], older["nextBackwardToken"])
    head = read(aws, "GetLogEvents", **place, limit=2, startFromHead=True)
    assert texts(head) == own[:2]
    rest = read(aws, "GetLogEvents", **place, limit=2, nextToken=head["nextForwardToken"])
    assert texts(rest) == own[2:]
    end = read(aws, "GetLogEvents", **place, nextToken=rest["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], rest["nextForwardToken"])
    at = newest["events"][-1]["timestamp"]
    assert texts(read(aws, "GetLogEvents", **place, endTime=at)) == own[:2], "an end is not a part of it"
    tail = Logs(aws.world)
    assert list(tail.tail(GROUP, name)) == own
    aws.world.containers[own[0] != "line 0"].image.printed(b"more\n")
    assert list(tail.tail(GROUP, name)) == ["more"]


def test_groups_and_streams_are_listed(aws: Caller) -> None:
    (group,) = read(aws, "DescribeLogGroups", logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    assert (group["logGroupName"], group["storedBytes"]) == (GROUP, 6 * (len("line 0") + EVENT_BYTES))
    assert group["arn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}:*"
    assert read(aws, "DescribeLogGroups", logGroupNamePattern="Endpoints")["logGroups"] == []
    latest = read(aws, "DescribeLogStreams", logGroupName=GROUP, orderBy="LastEventTime", descending=True, limit=1)
    (stream,) = latest["logStreams"]
    (last,) = read(aws, "GetLogEvents", logGroupName=GROUP, logStreamName=stream["logStreamName"], limit=1)["events"]
    assert (last["message"], stream["lastEventTimestamp"]) == ("line 5", last["timestamp"])
    assert latest["nextToken"] == "1"


def test_groups_of_others_are_asked_for_beside(aws: Caller) -> None:
    aws.world.cloud.logs["/aws/codebuild/x"] = [{"timestamp": 5, "message": "built"}]
    assert texts(read(aws, "FilterLogEvents", logGroupName="/aws/codebuild/x")) == ["built"]
    assert texts(read(aws, "GetLogEvents", logGroupName="/aws/codebuild/x", logStreamName="1")) == ["built"]
    names = [one["logGroupName"] for one in read(aws, "DescribeLogGroups")["logGroups"]]
    assert names == ["/aws/codebuild/x", GROUP]
    with pytest.raises(AwsError) as refused:
        read(aws, "FilterLogEvents", logGroupName="/aws/codebuild/none")
    assert refused.value.code == "ResourceNotFoundException"
    assert "PutLogEvents" not in aws.world.cloud.calls
    read(aws, "PutRetentionPolicy", logGroupName="/aws/codebuild/x", retentionInDays=1)
    assert aws.world.cloud.calls[-1] == "PutRetentionPolicy"


# ---------------------------------------------------------------- whose containers print where
def test_a_group_stays_when_its_component_goes(aws: Caller) -> None:
    aws("DeleteInferenceComponent", InferenceComponentName="c")
    aws.world.sleep(600)
    aws("DeleteEndpoint", EndpointName="e")
    aws.world.sleep(600)
    assert len(texts(read(aws, "FilterLogEvents", logGroupName=GROUP))) == 6


def test_what_is_started_anew_goes_on_in_the_same_stream(aws: Caller) -> None:
    first = aws.world.containers[0]
    first.stop()
    aws.world.sleep(600)
    third = aws.world.containers[2]
    third.image.printed(b"again\n")
    names = {
        event["logStreamName"]
        for event in read(aws, "FilterLogEvents", logGroupName=GROUP)["events"]
        if event["message"] in ("line 0", "again")
    }
    assert len(names) == 1


def test_a_model_of_an_endpoint_and_a_transform_job_have_their_groups() -> None:
    world = World()
    verbs.deploy(world.context(rendered(CLASSIC)))
    world.containers[0].image.printed(b"serving\n")
    found = verbs.logs(world.context(rendered(CLASSIC))).document["lines"]
    assert found == ["serving"]
    (stream,) = world.account.output.streams("/aws/sagemaker/Endpoints/iris")
    assert stream.name.startswith("AllTraffic/i-")
    aws = Caller(World())
    aws.model()
    aws.world.account.objects = Bucket({"s3://bucket/in/a": b"1"})
    aws("CreateTransformJob", **job())
    aws.world.sleep(320)
    aws.world.containers[0].image.printed(b"transforming\n")
    (event,) = Logs(aws.world).events(Group("/aws/sagemaker/TransformJobs", "j/"), 0.0, 10)
    assert event.text == "transforming"
    assert event.stream.startswith("j/i-")
    assert event.stream.rpartition("-")[2].isdigit()
