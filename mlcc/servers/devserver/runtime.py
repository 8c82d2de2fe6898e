"""InvokeEndpoint.  Law: the answer is the container's, or an error in the service's own words; nothing is made up.

Limits and texts: botocore's service model of sagemaker-runtime, and answers of the real service (BerriAI/litellm 37766,
langchain-ai/langchain 16150, aws/amazon-sagemaker-examples 293).
"""

from __future__ import annotations

import json
from email.message import Message

from mlcc.core.records import NamedTuple
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.servers.devserver.copies import Group
from mlcc.servers.devserver.endpoints import hosts_components
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import IN_SERVICE, UPDATING, Account

MAX_BODY, TIMEOUT_S = 6_291_456, 60.0
COMPONENT = "X-Amzn-SageMaker-Inference-Component"
# Headers of a request that reach the container; SageMaker strips all others.
PASSED = ("Content-Type", "Accept", "X-Amzn-SageMaker-Custom-Attributes")
ADAPTER = "X-Amzn-SageMaker-Adapter-Identifier"
VALIDATION = "ValidationError"
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
NAME_MISSING = (
    "Inference Component Name header is required for endpoints to which you plan to deploy inference components. "
    "Please include Inference Component Name header or consider using SageMaker models."
)
NOT_ALLOWED = (
    "Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference "
    "components. Please remove the Inference Component Name header and try again."
)
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


class Chosen(NamedTuple):
    """Who answers: the container's address, the endpoint, and the adapter that is asked for (empty: none)."""

    url: str
    endpoint: str
    adapter: str = ""


def choose(account: Account, name: str, headers: Message, body: bytes) -> Chosen:
    """The container that answers.  Raises Refusal."""
    if len(body) > MAX_BODY:
        raise Refusal(f"1 validation error detected: Value at 'body' has length greater than {MAX_BODY}", VALIDATION)
    thing = account.endpoints.get(name)
    if thing is None or thing.status not in (IN_SERVICE, UPDATING):
        raise Refusal(f"Endpoint {name} of account {account.number} not found.", VALIDATION)
    wanted = headers.get(COMPONENT, "")
    if not hosts_components(account, thing):
        if wanted:
            raise Refusal(NOT_ALLOWED, VALIDATION)
        return Chosen(_healthy(thing.copies), name)
    if not wanted:
        raise Refusal(NAME_MISSING, "INFERENCE_COMPONENT_NAME_MISSING")
    component = account.components.get(wanted)
    if component is None or component.request["EndpointName"] != name:
        raise Refusal(f"Inference Component {wanted} of account {account.number} not found.", VALIDATION)
    base = component.request["Specification"].get("BaseInferenceComponentName", "")
    served = account.components[base] if base else component
    return Chosen(_healthy(served.copies), name, wanted if base else "")


def _healthy(copies: Group | None) -> str:
    for copy in copies.started if copies is not None else []:
        return copy.url()
    raise Refusal(NO_CAPACITY, VALIDATION)


class Reply(NamedTuple):
    """What goes back.  error: the kind of an error, which the SDK reads from a header."""

    status: int
    kind: str
    body: bytes
    error: str = ""


def refused(refusal: Refusal) -> Reply:
    """A refusal in the runtime's form."""
    error = refusal.code if refusal.code in ("NotImplemented", "InternalFailure", "ServiceUnavailable") else VALIDATION
    document = {"ErrorCode": refusal.code, "Message": refusal.message}
    return Reply(refusal.status, "application/json", json.dumps(document).encode(), error)


def invoke(chosen: Chosen, headers: Message, body: bytes) -> Reply:
    """The answer of the container."""
    passed = {name: headers[name] for name in PASSED if name in headers}
    if chosen.adapter:
        passed[ADAPTER] = chosen.adapter
    host, _, port = chosen.url.removeprefix("http://").partition(":")
    try:
        connection = local_connection(host, int(port), TIMEOUT_S)
        answer = exchange(connection, "POST", "/invocations", body, passed, cap=MAX_BODY, total_s=TIMEOUT_S)
    except TimeoutError:
        return _model_error(chosen, 0, TIMED_OUT, "server")
    except TROUBLE as problem:
        return _model_error(chosen, 500, str(problem), "server")
    if answer.status >= 400:
        text = answer.body.decode("utf-8", "replace")
        return _model_error(chosen, answer.status, text, "client" if answer.status < 500 else "server")
    return Reply(200, answer.headers.get("content-type", "application/octet-stream"), answer.body)


def _model_error(chosen: Chosen, status: int, text: str, side: str) -> Reply:
    """424 ModelError: what the container answered, inside the service's words."""
    document = {
        "ErrorCode": f"{side.upper()}_ERROR_FROM_MODEL",
        "Message": f'Received {side} error ({status}) from primary with message "{text}". '
        f"See the log group /aws/sagemaker/Endpoints/{chosen.endpoint} for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": text,
    }
    return Reply(424, "application/json", json.dumps(document).encode(), "ModelError")
