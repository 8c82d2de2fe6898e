"""Transform jobs of our SageMaker server: what reaches the container, and what lies in S3 afterwards."""

from __future__ import annotations

import gzip
import struct
from typing import Any

import pytest

from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle import aws_errors
from mlcc.registries import load
from mlcc.servers.devserver import batch, filters, recordio
from mlcc.servers.devserver.faults import CAPACITY, PING, STUCK, Fault
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.rules import Rules
from tests.aws.account import Bucket, World
from tests.aws.caller import IMAGE, ROLE
from tests.aws.model_server import ModelServer

SOURCE = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}


def request(kind: str = "text/csv", output: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A job of the model `m`; names of TransformInput and of the job alike."""
    inside = {name: more.pop(name) for name in ("SplitType", "CompressionType") if name in more}
    return {
        "TransformJobName": "j",
        "ModelName": "m",
        "TransformInput": {"DataSource": SOURCE, "ContentType": kind, **inside},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out/", **(output or {})},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **more,
    }


@pytest.fixture
def world(model: ModelServer) -> World:
    model.seen.clear()
    model.execution = {}
    found = World(model.url)
    container = {"Image": IMAGE, "Environment": {"OWN": "1"}}
    found.call("sagemaker", "CreateModel", {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": container})
    return found


def run(world: World, objects: dict[str, bytes], asked: dict[str, Any]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What a job leaves below out/, and its description."""
    bucket = Bucket({f"s3://bucket/in/{name}": data for name, data in objects.items()})
    world.account.objects = bucket
    world.call("sagemaker", "CreateTransformJob", asked)
    world.sleep(3600)
    left = {uri.removeprefix("s3://bucket/out/"): data for uri, data in bucket.objects.items() if "/out/" in uri}
    return left, world.call("sagemaker", "DescribeTransformJob", {"TransformJobName": "j"})


def test_every_object_gets_an_output(world: World, model: ModelServer) -> None:
    left, found = run(world, {"a.csv": b"1,2\n3,4\n", "deep/b.csv": b"5,6\n"}, request(Environment={"MORE": "2"}))
    assert left == {"a.csv.out": b"2,1\n4,3\n", "deep/b.csv.out": b"6,5\n"}
    assert (found["TransformJobStatus"], found["TransformEndTime"] > found["TransformStartTime"]) == ("Completed", True)
    assert world.running == []
    environment = world.containers[0].image.environment
    assert {"OWN": "1", "MORE": "2", "SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6"}.items() <= (
        environment.items()
    )
    assert environment["SAGEMAKER_BATCH_STRATEGY"] == "MULTI_RECORD"
    listed = world.call("sagemaker", "ListTransformJobs", {"StatusEquals": "Completed"})["TransformJobSummaries"]
    assert [job["TransformJobName"] for job in listed] == ["j"]


@pytest.mark.parametrize(
    ("more", "sent", "out"),
    [
        ({"SplitType": "Line"}, [b"1,2\n3,4"], b"2,1\n4,3"),
        ({"SplitType": "Line", "BatchStrategy": "SingleRecord"}, [b"1,2", b"3,4"], b"2,14,3"),
        (
            {"SplitType": "Line", "BatchStrategy": "SingleRecord", "output": {"AssembleWith": "Line"}},
            [b"1,2", b"3,4"],
            b"2,1\n4,3\n",
        ),
        (
            {"SplitType": "Line", "DataProcessing": {"InputFilter": "$[1:]", "JoinSource": "Input"}},
            [b"2\n4"],
            b"1,2,2\n3,4,4",
        ),
        (
            {
                "SplitType": "Line",
                "DataProcessing": {"InputFilter": "$[1]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            },
            [b"2\n4"],
            b"1,2\n3,4",
        ),
    ],
    ids=["line", "single", "assembled", "joined", "filtered"],
)
def test_records(world: World, model: ModelServer, more: dict[str, Any], sent: list[bytes], out: bytes) -> None:
    left, found = run(world, {"a.csv": b"1,2\n3,4\n"}, request(**more))
    assert found["TransformJobStatus"] == "Completed", found
    assert [body for _, _, body in model.seen] == sent
    assert left == {"a.csv.out": out}


def test_json_is_joined_as_the_guide_says() -> None:
    asked = request("application/jsonlines", SplitType="Line", DataProcessing={"JoinSource": "Input"})
    plan = batch.plan_of(asked, {})
    out = batch.transformed(plan, b'{"x": 1}\n[2]\n', lambda body: b"7\n8")
    assert out == b'{"x": 1, "SageMakerOutput": 7}\n{"SageMakerInput": [2], "SageMakerOutput": 8}'
    with pytest.raises(batch.Spoilt, match="2 records cannot be joined with 1 answers"):
        batch.transformed(plan, b"1\n2\n", lambda body: b"7")


def test_payloads_have_a_largest_size() -> None:
    plan = batch.plan_of(request(SplitType="Line"), {})._replace(max_bytes=6)
    asked: list[bytes] = []
    batch.transformed(plan, b"ab\ncd\nef\n", lambda body: asked.append(body) or b"")  # type: ignore[func-returns-value]
    assert asked == [b"ab\ncd", b"ef"]
    with pytest.raises(batch.Spoilt, match="a record has 7 bytes, and a payload takes 6"):
        batch.transformed(plan, b"1234567\n", lambda body: b"")
    packed = batch.plan_of(request(CompressionType="Gzip"), {})
    assert batch.transformed(packed, gzip.compress(b"abc"), lambda body: body) == b"abc"
    with pytest.raises(batch.Spoilt):
        batch.transformed(packed, b"not packed", lambda body: body)


# ---------------------------------------------------------------- manifests
def listed(world: World, manifest: bytes | None, **objects: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What a job of a manifest leaves, and its description."""
    asked = request()
    place = {"S3DataType": "ManifestFile", "S3Uri": "s3://bucket/in/list"}
    asked["TransformInput"]["DataSource"] = {"S3DataSource": place}
    return run(world, {**objects, **({"list": manifest} if manifest is not None else {})}, asked)


def test_a_manifest_names_the_objects(world: World, model: ModelServer) -> None:
    manifest = b'[{"prefix": "s3://bucket/in/"}, "deep/b", "a"]'
    left, found = listed(world, manifest, **{"a": b"12", "deep/b": b"34", "c": b"not named"})
    assert found["TransformJobStatus"] == "Completed", found
    assert left == {"a.out": b"21", "deep/b.out": b"43"}
    assert [body for _, _, body in model.seen] == [b"34", b"12"], "in the order of the manifest"
    assert found["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"


def test_what_a_manifest_names_and_is_not_there_fails_the_job(world: World) -> None:
    left, found = listed(world, b'[{"prefix": "s3://bucket/in/"}, "none", "a"]', a=b"12")
    assert (left, found["TransformJobStatus"]) == ({"a.out": b"21"}, "Failed")
    assert found["FailureReason"] == "ClientError: s3://bucket/in/none: there is no such object"


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, "there is no such manifest"),
        (b"a,b", "the manifest is no JSON"),
        (b'{"prefix": "s3://bucket/in/"}', "a manifest is a list"),
        (b'[{"prefix": "s3://bucket/in/"}]', "at least one key"),
        (b'["a", "b"]', "a manifest begins with"),
        (b'[{"prefix": "/in/"}, "a"]', "a manifest begins with"),
        (b'[{"prefix": "s3://bucket/in/", "x": 1}, "a"]', "a manifest begins with"),
        (b'[{"prefix": "s3://bucket/in/"}, {"prefix": "s3://bucket/other/"}]', "is no key"),
        (b'[{"prefix": "s3://bucket/in/"}, ""]', "is no key"),
    ],
)
def test_a_manifest_that_cannot_be_read_fails_the_job(world: World, manifest: bytes | None, words: str) -> None:
    left, found = listed(world, manifest, a=b"12")
    assert (left, found["TransformJobStatus"]) == ({}, "Failed")
    assert found["FailureReason"].startswith("ClientError: s3://bucket/in/list: ")
    assert words in found["FailureReason"]


# ---------------------------------------------------------------- RecordIO
def frame(data: bytes, flag: int = 0) -> bytes:
    return recordio.MAGIC + struct.pack("<I", flag << 29 | len(data)) + data + bytes(-len(data) % 4)


def test_records_of_record_io_go_alone_without_their_frames_or_together_with_them() -> None:
    data = frame(b"12345") + frame(b"6789")
    for strategy, sent in (("SingleRecord", [b"12345", b"6789"]), ("MultiRecord", [data])):
        asked = request(SplitType="RecordIO", BatchStrategy=strategy)
        batch.checked(asked, Rules())
        seen: list[bytes] = []

        def ask(body: bytes, seen: list[bytes] = seen) -> bytes:
            seen.append(body)
            return b"<%d>" % len(body)

        plan = batch.plan_of(asked, {})
        out = batch.transformed(plan, data, ask)
        assert (seen, out) == (sent, b"".join(b"<%d>" % len(body) for body in sent))
        lines = batch.transformed(plan._replace(assemble="Line"), data, ask)
        assert lines == b"".join(b"<%d>\n" % len(body) for body in sent)
    small = plan._replace(max_bytes=len(frame(b"12345")))
    seen.clear()
    batch.transformed(small, data, ask)
    assert seen == [frame(b"12345"), frame(b"6789")], "frames count as bytes of the payload"
    with pytest.raises(batch.Spoilt, match="a payload takes 15"):
        batch.transformed(small._replace(max_bytes=15), data, ask)


def test_a_record_with_the_magic_number_lies_in_several_frames() -> None:
    data = frame(b"abcd", 1) + frame(b"", 2) + frame(b"ef", 3) + frame(b"g")
    assert [each.payload for each in recordio.records(data)] == [b"abcd" + recordio.MAGIC * 2 + b"ef", b"g"]
    assert b"".join(each.framed for each in recordio.records(data)) == data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"not framed at all", "there is no RecordIO frame at byte 0"),
        (frame(b"abcd") + b"123", "the frame at byte 12 is not whole"),
        (frame(b"abcd")[:-1], "the frame at byte 0 is not whole"),
        (frame(b"abcd", 1), "the record at byte 0 has no end"),
        (frame(b"abcd", 3), "the frame at byte 0 is out of order"),
        (frame(b"abcd", 1) + frame(b"abcd"), "the frame at byte 12 is out of order"),
        (frame(b"abcd", 5), "the frame at byte 0 is out of order"),
    ],
)
def test_what_is_no_record_io_spoils_the_object(data: bytes, words: str) -> None:
    plan = batch.plan_of(request(SplitType="RecordIO"), {})
    with pytest.raises(batch.Spoilt, match=words):
        batch.transformed(plan, data, lambda body: body)


def test_the_container_may_say_how_it_is_asked(world: World, model: ModelServer) -> None:
    model.execution = {"BatchStrategy": "SingleRecord", "MaxPayloadInMB": 1, "MaxConcurrentTransforms": 1}
    run(world, {"a.csv": b"1\n2\n"}, request(SplitType="Line"))
    assert [body for _, _, body in model.seen] == [b"1", b"2"]


def test_an_object_that_fails_has_no_output_and_fails_the_job(world: World, model: ModelServer) -> None:
    asked = request(ModelClientConfig={"InvocationsMaxRetries": 2})
    left, found = run(world, {"a.csv": b"ill", "b.csv": b"bad", "c.csv": b"12"}, asked)
    assert left == {"c.csv.out": b"21"}
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"] == 'ClientError: s3://bucket/in/a.csv: the model answered 500: "out of memory"'
    assert [body for _, _, body in model.seen] == [b"ill"] * 3 + [b"bad", b"12"], "only what may pass is tried again"


def test_records_of_a_type_that_the_model_refuses_name_the_key(world: World, model: ModelServer) -> None:
    reason = run(world, {"a.csv": b"odd"}, request())[1]["FailureReason"]
    assert "the model answered 415" in reason
    assert "batch.content_type" in aws_errors.meaning(reason, load())["hint"]


def test_a_job_without_objects_fails(world: World) -> None:
    assert run(world, {}, request())[1]["FailureReason"] == "ClientError: no objects are below s3://bucket/in/"


def test_a_stopped_job_stores_nothing(world: World) -> None:
    world.account.objects = Bucket({"s3://bucket/in/a": b"1"})
    world.account.faults.add(Fault("CreateTransformJob", STUCK, seconds=600))
    world.call("sagemaker", "CreateTransformJob", request())
    world.call("sagemaker", "StopTransformJob", {"TransformJobName": "j"})
    describe = lambda: world.call("sagemaker", "DescribeTransformJob", {"TransformJobName": "j"})  # noqa: E731
    assert describe()["TransformJobStatus"] == "Stopping"
    world.sleep(3600)
    assert describe()["TransformJobStatus"] == "Stopped"
    assert list(world.account.objects.objects) == ["s3://bucket/in/a"]  # type: ignore[attr-defined]
    assert world.containers == []


@pytest.mark.parametrize(("kind", "words"), [(CAPACITY, "CapacityError: Unable to"), (PING, "ping health check")])
def test_a_job_whose_machines_or_container_fail(world: World, kind: str, words: str) -> None:
    world.account.faults.add(Fault("CreateTransformJob", kind))
    found = run(world, {"a": b"1"}, request())[1]
    assert found["TransformJobStatus"] == "Failed"
    assert words in found["FailureReason"]


@pytest.mark.parametrize(
    "asked",
    [
        request(SplitType="TFRecord"),
        request(SplitType="RecordIO", DataProcessing={"JoinSource": "Input"}),
        request(SplitType="RecordIO", DataProcessing={"OutputFilter": "$[0]"}),
        request(SplitType="Line", DataProcessing={"InputFilter": "$..book"}),
        request(SplitType="Line", DataProcessing={"InputFilter": "x"}),
        {**request(), "TransformInput": {"DataSource": {"S3DataSource": {**SOURCE["S3DataSource"], "S3DataType": "AugmentedManifestFile"}}}},
    ],
)  # fmt: skip
def test_what_is_not_there_is_501(asked: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        batch.checked(asked, Rules())
    assert refused.value.status == 501


def test_a_missing_job_is_called_so(world: World) -> None:
    with pytest.raises(AwsError, match="Could not find requested job with name: j") as refused:
        world.call("sagemaker", "DescribeTransformJob", {"TransformJobName": "j"})
    assert refused.value.code == "ResourceNotFound"
    world.account.objects = None
    with pytest.raises(AwsError, match="has no S3"):
        world.call("sagemaker", "CreateTransformJob", request())


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("$", {"a": [1, 2, 3], "b c": 4}),
        ("$.a", [1, 2, 3]),
        ("$['b c']", 4),
        ("$['a','b c']", [[1, 2, 3], 4]),
        ("$.a[1]", 2),
        ("$.a[-1]", 3),
        ("$.a[1:]", [2, 3]),
        ("$.a[0, 2]", [1, 3]),
    ],
)
def test_paths(path: str, taken: Any) -> None:
    assert filters.taken(filters.compiled(path), {"a": [1, 2, 3], "b c": 4}) == taken
    with pytest.raises(filters.Unfit):
        filters.taken(filters.compiled("$.none"), {"a": 1})
