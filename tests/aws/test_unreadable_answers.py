"""Answers that are not AWS's, as a proxy, a login page or another server gives them: a finding, and no bug of mlcc."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.io.aws.connection import UNREADABLE, AwsError, Connection
from tests.aws.answering import AnsweringServer
from tests.aws.model_server import serving

BODIES = [b"[]", b'"x"', b"5", b"null", b"<html><body>Log in</body></html>", b"\xff\xfe", b'{"Tags": 7}']
# A service of each protocol that mlcc speaks.
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("sagemaker", "ListTags", {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/x"}),
    ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "x", "Body": b""}),
    ("sts", "GetCallerIdentity", {}),
    ("cloudwatch", "DescribeAlarms", {}),
    ("s3", "ListObjectsV2", {"Bucket": "models"}),
]


@pytest.fixture(scope="module")
def server() -> Iterator[AnsweringServer]:
    with serving(AnsweringServer()) as found:
        yield found


@pytest.fixture(scope="module")
def aws(server: AnsweringServer) -> Connection:
    return Connection("us-east-1", stand_in=server.url)


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(("service", "operation", "parameters"), ASKED)
def test_it_is_an_error_of_the_call(
    server: AnsweringServer, aws: Connection, service: str, operation: str, parameters: dict[str, Any], status: int
) -> None:
    kinds = set()
    for body in BODIES:
        server.status, server.body = status, body
        with contextlib.suppress(AwsError):
            aws.call(service, operation, parameters)
            continue
        with pytest.raises(AwsError) as problem:
            aws.call(service, operation, parameters)
        kinds.add(problem.value.code)
    # the SDK reads any bytes as an answer of a model, and words S3's answers without their body itself
    assert (UNREADABLE in kinds) == (service != "s3" and (service, status) != ("sagemaker-runtime", 200))
