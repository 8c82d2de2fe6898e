"""The HTTP side of our SageMaker server without the SDK: protocols, who is refused, and `/_local`."""

from __future__ import annotations

import http.client
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.io.aws import cbor, logs
from mlcc.io.aws.codebuild import CodeBuild
from mlcc.io.aws.connection import Connection
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.iam import Iam
from mlcc.io.aws.s3 import S3
from mlcc.servers.devserver.web import DevServer
from tests.aws.account import World
from tests.aws.model_server import serving


@pytest.fixture
def server() -> Iterator[DevServer]:
    with serving(DevServer(World().dispatcher, itertools.repeat(0.0).__next__)) as found:
        yield found


def ask(server: DevServer, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def local(server: DevServer, what: str, **document: Any) -> dict[str, Any]:
    status, body = ask(server, f"/_local/{what}", json.dumps(document).encode())
    return {"status": status, **json.loads(body)}


# ---------------------------------------------------------------- mistakes of the server's own
def broken(*arguments: Any) -> Any:
    raise RuntimeError("no such\ndirectory")


def test_a_mistake_of_the_server_is_an_answer_and_a_line() -> None:
    """In each protocol; the next request finds the server as it was."""
    world, said = World(), list[str]()
    world.account.images = broken
    world.account.alarms = broken  # type: ignore[assignment]
    with serving(DevServer(world.dispatcher, itertools.repeat(0.0).__next__, say=said.append)) as server:
        target = {"X_Amz_Target": "AmazonEC2ContainerRegistry_V20150921.DescribeImages"}
        asked = json.dumps({"repositoryName": "mlcc/iris", "imageIds": [{"imageTag": "1"}]}).encode()
        status, body = ask(server, "/", asked, **target)
        assert (status, json.loads(body)["__type"]) == (500, "InternalFailure")
        assert json.loads(body)["message"] == "this server failed: RuntimeError: no such\\ndirectory"
        path, body = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", b"\xa0"
        status, body = ask(server, path, body, Smithy_Protocol="rpc-v2-cbor")
        assert status == 500
        assert b"InternalFailure" in body
        assert local(server, "state")["status"] == 500, "it looks at alarms, too"
        assert local(server, "rules")["status"] == 200
    assert [line.partition(": ")[0] for line in said] == [
        "ecr DescribeImages", "cloudwatch DescribeAlarms", "/_local/state",
    ]  # fmt: skip
    assert re.search(r" \(test_protocols\.py:\d+\)$", said[0])
    assert not [line for line in said if "\n" in line]


def test_what_fails_on_the_clock_stops_neither_clock_nor_requests() -> None:
    world, said, done = World(), list[str](), list[str]()
    with serving(DevServer(world.dispatcher, itertools.repeat(0.0).__next__, say=said.append)) as server:
        with server.account_held() as dispatcher:
            dispatcher.account.timeline.later(1.0, broken)
            dispatcher.account.timeline.later(1.0, lambda: done.append("the next one"))
        assert local(server, "advance", seconds=2)["status"] == 200
    assert done == ["the next one"]
    assert [line.partition(":")[0] for line in said] == ["what was due"]


# ---------------------------------------------------------------- who is refused
@pytest.mark.parametrize("host", ["evil.example", "evil.example:4580", "127.0.0.1.evil.example", "169.254.169.254", ""])
def test_only_names_of_loopback_are_answered(server: DevServer, host: str) -> None:
    """A name that leads to loopback (DNS rebinding) is not a name of loopback."""
    status, body = ask(server, "/_local/faults", b'{"at": "*", "kind": "error"}', Host=host)
    assert (status, json.loads(body)["__type"]) == (403, "AccessDenied")
    assert server.dispatcher.faults.waiting == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:4580", "LOCALHOST", "[::1]:80"])
def test_names_of_loopback(server: DevServer, host: str) -> None:
    assert ask(server, "/_local/state", method="GET", Host=host)[0] == 200


def test_a_page_of_another_origin_is_refused(server: DevServer) -> None:
    assert ask(server, "/_local/advance", b'{"seconds": 1}', Origin="https://evil.example")[0] == 403
    assert ask(server, "/", b"{}", Origin="null")[0] == 403


# ---------------------------------------------------------------- what the account never has
def test_what_do_clean_looks_for_is_not_there(server: DevServer) -> None:
    """As the SDK reads it: absent, and no error."""
    sdk = Connection("us-east-1", stand_in=server.url)
    assert Ecr(sdk).repository("mlcc/chat") is None
    assert CodeBuild(sdk).project("mlcc-chat") is None
    assert Iam(sdk).role("mlcc-chat") is None
    assert not S3(sdk, "123456789012").has_bucket("mlcc-build-123456789012-us-east-1")
    assert list(logs.Logs(sdk).events(logs.Group("/aws/sagemaker/Endpoints/chat"), 0.0, 10)) == []


def test_no_bucket_is_shown_to_another_host(server: DevServer) -> None:
    assert ask(server, "/bucket", method="HEAD") == (404, b"")
    assert ask(server, "/bucket", method="HEAD", Host="evil.example") == (403, b"")


# ---------------------------------------------------------------- protocols
def test_json(server: DevServer) -> None:
    status, body = ask(server, "/", b'{"EndpointName": "e"}', X_Amz_Target="SageMaker.DescribeEndpoint")
    words = 'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e".'
    assert (status, json.loads(body)) == (400, {"__type": "ValidationException", "message": words})
    assert ask(server, "/", b"{", X_Amz_Target="SageMaker.ListEndpoints")[0] == 400
    assert ask(server, "/", b"[]", X_Amz_Target="SageMaker.ListEndpoints")[0] == 400


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"X_Amz_Target": "SageMaker.CreateTrainingJob"}),
        ("/", {"X_Amz_Target": "DynamoDB_20120810.ListTables"}),
        ("/", {}),
        ("/", {"Content_Type": "application/x-www-form-urlencoded"}),
        ("/service/GraniteServiceVersion20100801/operation/ListMetrics", {"smithy_protocol": cbor.PROTOCOL}),
        ("/service/Other/operation/List", {"smithy_protocol": cbor.PROTOCOL}),
        ("/endpoints/e/explanations", {}),
        ("/_local/nothing", {}),
    ],
)
def test_what_is_not_there_is_501_in_each_protocol(server: DevServer, path: str, headers: dict[str, str]) -> None:
    status, body = ask(server, path, b"", **headers)
    assert status == 501
    assert b"NotImplemented" in body


def test_query(server: DevServer) -> None:
    kind = "application/x-www-form-urlencoded"
    status, body = ask(server, "/", b"Action=GetCallerIdentity&Version=2011-06-15", Content_Type=kind)
    assert status == 200
    assert b"<Account>123456789012</Account>" in body


def test_cbor(server: DevServer) -> None:
    path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"
    status, body = ask(server, path, cbor.encode("sts", "GetCallerIdentity", {}), smithy_protocol=cbor.PROTOCOL)
    assert (status, cbor.decode(body)) == (200, {"MetricAlarms": []})
    wrong = cbor.encode("sts", "GetCallerIdentity", {"Account": "x"})
    status, body = ask(server, path, wrong, smithy_protocol=cbor.PROTOCOL)
    assert (status, cbor.decode(body)["__type"]) == (400, "SerializationException")
    for torn in (b"\xa1", b"\x80", b"\xff" * 10, b"\x9f" * 100_000):
        assert ask(server, path, torn, smithy_protocol=cbor.PROTOCOL)[0] == 400


# ---------------------------------------------------------------- what a test asks
def test_the_server_s_own_paths(server: DevServer) -> None:
    assert local(server, "state")["there"] == {}
    before = local(server, "state")["now"]
    local(server, "advance", seconds=60)
    assert local(server, "state")["now"] == before + 60
    assert local(server, "quotas", **{"ml.m5.large for endpoint usage": 3})["quotas"]
    listed = ask(server, "/", b'{"ServiceCode": "sagemaker"}', X_Amz_Target="ServiceQuotasV20190624.ListServiceQuotas")
    assert json.loads(listed[1])["Quotas"][0]["Value"] == 3.0
    assert local(server, "faults", at="CreateModel", kind="error", times=2)["faults"][0]["times"] == 2
    refused = local(server, "faults", at="CreateEndpiont", kind="error")
    assert refused["status"] == 400
    assert "did you mean CreateEndpoint?" in str(refused)
    assert local(server, "faults", at="InvokeEndpointAsync", kind="error")["faults"][1]["at"] == "InvokeEndpointAsync"
    assert "serving_endpoint_first" in local(server, "rules")["assumed"]
    assert local(server, "rules", copies_above_zero=False)["rules"]["copies_above_zero"] is False
    assert (
        local(server, "rules", copies_above_nil=False)["status"]
        == local(server, "rules", image_in_ecr=1)["status"]
        == 400
    )
    assert [e["operation"] for e in local(server, "journal")["journal"]] == ["ListServiceQuotas"]
    for what, document in (("advance", {}), ("faults", {"at": "x"}), ("quotas", {"x": "y"}), ("scale", {"copies": 1})):
        assert local(server, what, **document)["status"] == 400
    assert local(server, "scale", ResourceId="endpoint/e/variant/v", copies=1)["status"] == 400
    assert local(server, "scale", ResourceId="inference-component/none", copies=1)["status"] == 400
