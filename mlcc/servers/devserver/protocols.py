"""AWS's protocols, from the service's side: JSON, CBOR and query.  Law: says what was asked; answers nothing itself.

Which protocol a service speaks is what the SDK chooses for it (botocore's service models).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from mlcc.core.json_data import read_json
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws import cbor
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, SERIALIZATION, Refusal
from mlcc.servers.devserver.reply import Reply

JSON, XML = "application/x-amz-json-1.1", "text/xml"
# What stands before the operation in X-Amz-Target, by service; and in the path of the CBOR protocol.
TARGETS = {
    "SageMaker": "sagemaker",
    "AnyScaleFrontendService": "application-autoscaling",
    "AmazonEC2ContainerRegistry": "ecr",
    "CodeBuild": "codebuild",
    "DynamoDB": "dynamodb",
    "Logs": "logs",
    "secretsmanager": "secretsmanager",
    "ServiceQuotasV20190624": "service-quotas",
    "GraniteServiceVersion20100801": "cloudwatch",
}
# Actions of the query protocol, and whose they are.
ACTIONS = {"DescribeStacks": "cloudformation", "GetCallerIdentity": "sts", "GetRole": "iam"}


class Call(NamedTuple):
    """What is asked, and how its answer and its error are written."""

    service: str
    operation: str
    request: dict[str, Any]
    answer: Callable[[str, str, Mapping[str, Any]], Reply]
    error: Callable[[Refusal], Reply]


def call_of(path: str, headers: Message, body: bytes) -> Call:
    """The call that a request makes.  Raises Refusal."""
    if headers.get(cbor.HEADER) == cbor.PROTOCOL:
        return _of_cbor(path, body)
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        return _of_query(body)
    target, _, operation = headers.get("X-Amz-Target", "").partition(".")
    return Call(_service(target.partition("_")[0]), operation, document(body), _json_answer, json_error)


def _service(target: str) -> str:
    if target not in TARGETS:
        raise Refusal(f"this server knows no service {printable(target, 80) or 'without a name'}", *NOT_IMPLEMENTED)
    return TARGETS[target]


def document(body: bytes) -> dict[str, Any]:
    """A JSON object.  Raises Refusal."""
    try:
        found = read_json(body or b"{}", finite=True)
    except ValueError:
        raise Refusal("the body is not JSON", SERIALIZATION) from None
    if not isinstance(found, dict):
        raise Refusal("the body is no JSON object", SERIALIZATION)
    return found


def _json_answer(service: str, operation: str, answer: Mapping[str, Any]) -> Reply:
    return Reply(200, JSON, json.dumps(answer).encode())


def json_error(refusal: Refusal) -> Reply:
    """An error in the JSON protocol, which is also the form for what was not understood."""
    body = {"__type": refusal.code, "message": refusal.message}
    return Reply(refusal.status, JSON, json.dumps(body).encode(), refusal.code)


# ---------------------------------------------------------------- CBOR
def _of_cbor(path: str, body: bytes) -> Call:
    parts = path.split("/")
    if len(parts) != 5 or (parts[1], parts[3]) != ("service", "operation"):
        raise Refusal("the path names no operation", *NOT_IMPLEMENTED)
    try:
        return Call(_service(parts[2]), parts[4], cbor.decode(body), _cbor_answer, _cbor_error)
    except ValueError:
        raise Refusal("the body is not CBOR", SERIALIZATION) from None


def _cbor_answer(service: str, operation: str, answer: Mapping[str, Any]) -> Reply:
    return Reply(200, cbor.KIND, cbor.encode(service, operation, answer), headers={cbor.HEADER: cbor.PROTOCOL})


def _cbor_error(refusal: Refusal) -> Reply:
    body = cbor.encode_error(refusal.code, refusal.message)
    return Reply(refusal.status, cbor.KIND, body, headers={cbor.HEADER: cbor.PROTOCOL})


# ---------------------------------------------------------------- query
def _of_query(body: bytes) -> Call:
    members: dict[str, Any] = dict(parse_qsl(body.decode("utf-8", "replace")))
    action = members.pop("Action", "")
    members.pop("Version", None)
    return Call(ACTIONS.get(action, "this service"), action, members, _query_answer, _query_error)


def _query_answer(service: str, operation: str, answer: Mapping[str, Any]) -> Reply:
    inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in answer.items())
    text = f"<{operation}Response><{operation}Result>{inside}</{operation}Result></{operation}Response>"
    return Reply(200, XML, text.encode())


def _query_error(refusal: Refusal) -> Reply:
    inside = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
    return Reply(refusal.status, XML, f"<ErrorResponse><Error>{inside}</Error></ErrorResponse>".encode())
