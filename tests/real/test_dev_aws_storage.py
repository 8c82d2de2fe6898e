"""Our SageMaker server beside a real S3, SNS and SQS (ministack): objects, archives and notifications."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from mlcc.io.aws.connection import Connection
from mlcc.io.aws.logs import Group, Logs
from mlcc.io.aws.sns import Sns
from mlcc.servers.devserver import asynchronous
from mlcc.servers.devserver.asking import Invocation
from mlcc.servers.devserver.copies import Unavailable
from mlcc.servers.devserver.objects import S3Objects, unpacker
from tests.aws.account import World
from tests.aws.model_server import ModelServer, serving
from tests.aws.test_runtime import LATER, serve
from tests.aws.test_transform_jobs import request as job
from tests.real.aws_beside import ministack

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A connection to ministack."""
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield Connection("us-east-1", stand_in=url)


@pytest.fixture(scope="module")
def objects(aws: Connection) -> S3Objects:
    aws.call("s3", "CreateBucket", {"Bucket": "bucket"})
    return S3Objects(aws)


@pytest.fixture
def world() -> Iterator[World]:
    with serving(ModelServer()) as model:
        yield World(model.url)


def archive(**files: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as made:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_objects(objects: S3Objects) -> None:
    assert objects.read("s3://bucket/none") is None
    for number in range(3):
        objects.write(f"s3://bucket/list/{number}", b"x")
    assert objects.below("s3://bucket/list/") == [f"s3://bucket/list/{number}" for number in range(3)]
    objects.write("s3://bucket/größe/a b", b"\0\xff")
    assert objects.read("s3://bucket/größe/a b") == b"\0\xff"


def test_model_data(objects: S3Objects, tmp_path: Path) -> None:
    unpacked = unpacker(lambda: objects, str(tmp_path / "data"))
    objects.write("s3://bucket/model.tar.gz", archive(model__weights=b"1"))
    assert (Path(unpacked("s3://bucket/model.tar.gz")) / "model/weights").read_bytes() == b"1"
    objects.write("s3://bucket/prefix/deep/file", b"2")
    assert (Path(unpacked("s3://bucket/prefix/")) / "deep/file").read_bytes() == b"2"
    objects.write("s3://bucket/bad.tar.gz", archive(**{"..____evil": b"1"}))
    for uri in ("s3://bucket/none.tar.gz", "s3://bucket/nothing/", "s3://bucket/bad.tar.gz"):
        with pytest.raises(Unavailable):
            unpacked(uri)
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_a_transform_job(objects: S3Objects, world: World) -> None:
    serve(world)
    world.account.objects = objects
    objects.write("s3://bucket/in/deep/a.csv", b"1,2\n3,4\n")
    world.call("sagemaker", "CreateTransformJob", job(SplitType="Line", output={"AssembleWith": "Line"}))
    world.sleep(3600)
    found = world.call("sagemaker", "DescribeTransformJob", {"TransformJobName": "j"})
    assert found["TransformJobStatus"] == "Completed", found
    assert objects.read("s3://bucket/out/deep/a.csv.out") == b"2,1\n4,3\n"


def test_an_asynchronous_request_and_its_notification(aws: Connection, objects: S3Objects, world: World) -> None:
    topic = aws.call("sns", "CreateTopic", {"Name": "good"})["TopicArn"]
    queue = aws.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    arn = aws.call("sqs", "GetQueueAttributes", {"QueueUrl": queue, "AttributeNames": ["QueueArn"]})["Attributes"]
    aws.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn["QueueArn"]})
    output = {**LATER["OutputConfig"], "NotificationConfig": {"SuccessTopic": topic}}
    serve(world, AsyncInferenceConfig={**LATER, "OutputConfig": output})
    world.account.objects = objects
    world.account.notify = Sns(aws).publish
    objects.write("s3://bucket/in/one", b"abc")
    request = {"EndpointName": "e", "InputLocation": "s3://bucket/in/one", "InferenceId": "first"}
    asynchronous.accept(world.account, request, Invocation("e", Message(), b""))
    world.sleep(10)
    assert objects.read("s3://bucket/out/first.out") == b"cba"
    (message,) = aws.call("sqs", "ReceiveMessage", {"QueueUrl": queue, "WaitTimeSeconds": 5})["Messages"]
    record = json.loads(json.loads(message["Body"])["Message"])
    assert (record["invocationStatus"], record["inferenceId"]) == ("Completed", "first")


def test_logs_of_others(aws: Connection, world: World) -> None:
    """What CodeBuild would have written is read through our server, beside what a container has printed."""
    place = {"logGroupName": "/aws/codebuild/x", "logStreamName": "1"}
    aws.call("logs", "CreateLogGroup", {"logGroupName": place["logGroupName"]})
    aws.call("logs", "CreateLogStream", place)
    now = int(world.account.date * 1000)
    world.account.beside = aws
    written = [{"timestamp": now, "message": "built"}]
    world.call("logs", "PutLogEvents", {**place, "logEvents": written})
    serve(world)
    world.containers[0].image.printed(b"serving\n")
    assert [event.text for event in Logs(world).events(Group("/aws/codebuild/x"), 0.0, 10)] == ["built"]
    assert [event.text for event in Logs(world).events(Group("/aws/sagemaker/Endpoints/e"), 0.0, 10)] == ["serving"]
    assert list(Logs(world).tail(*place.values())) == ["built"]
    found = world.call("logs", "DescribeLogGroups", {"limit": 50})["logGroups"]
    assert {"/aws/codebuild/x", "/aws/sagemaker/Endpoints/e"} <= {group["logGroupName"] for group in found}
    assert list(Logs(world).events(Group("/aws/codebuild/none"), 0.0, 10)) == []
