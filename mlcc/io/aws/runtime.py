"""Amazon SageMaker Runtime: requests to models.  Law: an answer of the model is an answer, whatever its status."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "sagemaker-runtime"
# Headers of a request by the members that stand for them.
MEMBERS = {
    "Content-Type": "ContentType",
    "Accept": "Accept",
    "X-Amzn-SageMaker-Custom-Attributes": "CustomAttributes",
}
# What a read of a body may take at most.
MAX_BODY = 16 << 20


class Answer(NamedTuple):
    """What a model answered: status, media type and body."""

    status: int
    content_type: str
    body: bytes


def invoke(caller: Caller, endpoint: str, component: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """InvokeEndpoint.  component: empty for an endpoint that serves a model of its own.

    Raises AwsError where no model has answered.
    """
    request = {"EndpointName": endpoint, "Body": body}
    request |= {member: headers[name] for name, member in MEMBERS.items() if name in headers}
    if component:
        request["InferenceComponentName"] = component
    try:
        answer = caller.call(SERVICE, "InvokeEndpoint", request)
    except AwsError as problem:
        status = int(problem.details.get("OriginalStatusCode", 0))
        if not status:
            raise
        return Answer(status, "", str(problem.details.get("OriginalMessage", "")).encode())
    return Answer(200, str(answer.get("ContentType", "")), answer["Body"].read(MAX_BODY))
