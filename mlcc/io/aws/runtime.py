"""Amazon SageMaker Runtime: requests to models.  Law: an answer of the model is an answer, whatever its status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "sagemaker-runtime"
WHOLE, STREAM = "InvokeEndpoint", "InvokeEndpointWithResponseStream"
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


def request_of(endpoint: str, component: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The members of a request beside its body.  component: empty for an endpoint that serves a model of its own."""
    found: dict[str, Any] = {"EndpointName": endpoint}
    found |= {member: headers[name] for name, member in MEMBERS.items() if name in headers}
    return found | ({"InferenceComponentName": component} if component else {})


def _refused(problem: AwsError) -> Answer:
    """What a model answered that the service passes on as an error."""
    status = int(problem.details.get("OriginalStatusCode", 0))
    if not status:
        raise problem
    return Answer(status, "", str(problem.details.get("OriginalMessage", "")).encode())


class SageMakerRuntime:
    """Requests to one endpoint, or to a component of it."""

    def __init__(self, caller: Caller, endpoint: str, component: str = "") -> None:
        """caller: the connection; component: empty for an endpoint that serves a model of its own."""
        self._caller, self._endpoint, self._component = caller, endpoint, component

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """InvokeEndpoint.  Raises AwsError where no model has answered."""
        try:
            answer = self._caller.call(SERVICE, WHOLE, {**self._members(headers), "Body": body})
        except AwsError as problem:
            return _refused(problem)
        return Answer(200, str(answer.get("ContentType", "")), answer["Body"].read(MAX_BODY))

    def stream(self, body: bytes, headers: Mapping[str, str]) -> Iterator[bytes]:
        """InvokeEndpointWithResponseStream: the parts of an answer as they come.

        Raises AwsError where no model has answered, and where the answer breaks off.
        """
        answer = self._caller.call(SERVICE, STREAM, {**self._members(headers), "Body": body})
        for event in answer["Body"]:
            if "PayloadPart" in event:
                yield event["PayloadPart"].get("Bytes", b"")

    def invoke_async(self, location: str, headers: Mapping[str, str]) -> tuple[str, str]:
        """InvokeEndpointAsync: where the answer will be, and where a failure (empty: nowhere).

        location: of the body.
        """
        wanted = {**self._members(headers), "InputLocation": location}
        answer = self._caller.call(SERVICE, "InvokeEndpointAsync", wanted)
        return str(answer["OutputLocation"]), str(answer.get("FailureLocation", ""))

    def _members(self, headers: Mapping[str, str]) -> dict[str, Any]:
        return request_of(self._endpoint, self._component, headers)
