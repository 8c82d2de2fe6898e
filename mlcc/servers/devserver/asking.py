"""A model is asked.  Law: the answer is the container's, or an error in the service's own words; nothing is made up.

Limits and texts: botocore's service model of sagemaker-runtime, and answers of the real service (BerriAI/litellm 37766,
langchain-ai/langchain 16150, aws/amazon-sagemaker-examples 293).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.message import Message

from mlcc.core.records import NamedTuple
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.servers.devserver import alarms, metrics
from mlcc.servers.devserver.endpoints import hosts_components
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.reply import Reply
from mlcc.servers.devserver.things import (
    IN_SERVICE,
    OUT_OF_SERVICE,
    ROLLING_BACK,
    SYSTEM_UPDATING,
    UPDATING,
    Account,
    Thing,
)

MAX_BODY, TIMEOUT_S = 6_291_456, 60.0
HEAD = "X-Amzn-SageMaker-"
COMPONENT, ATTRIBUTES, ADAPTER = f"{HEAD}Inference-Component", f"{HEAD}Custom-Attributes", f"{HEAD}Adapter-Identifier"
# Headers of a request that reach the container beside its type; SageMaker strips all others.
PASSED = tuple(f"{HEAD}{name}" for name in ("Custom-Attributes", "Target-Model", "Session-Id", "Prefix-Aware-Id"))
VARIANT = "x-Amzn-Invoked-Production-Variant"
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


class Invocation(NamedTuple):
    """A request to a model.  headers: as they came."""

    endpoint: str
    headers: Message
    body: bytes

    def header(self, name: str) -> str:
        """One header, empty where it did not come."""
        return str(self.headers.get(name, ""))


class Chosen(NamedTuple):
    """Who answers: the container's host and port, and the headers that reach it; what errors name."""

    at: tuple[str, int]
    headers: Mapping[str, str]
    endpoint: str
    region: str
    account: str
    variant: str


def choose(account: Account, asked: Invocation, accept: str = "Accept") -> Chosen:
    """The container that answers.  accept: the header that names the type wanted back.  Raises Refusal."""
    if len(asked.body) > MAX_BODY:
        raise Refusal(f"1 validation error detected: Value at 'body' has length greater than {MAX_BODY}", VALIDATION)
    thing = serving(account, asked.endpoint)
    wanted = asked.header(COMPONENT)
    headers = {name: asked.header(name) for name in ("Content-Type", *PASSED) if asked.header(name)}
    if asked.header(accept):
        headers["Accept"] = asked.header(accept)
    variants = thing.running.get("ProductionVariants", ())
    variant = str(variants[0]["VariantName"]) if variants else ""
    if not hosts_components(account, thing):
        if wanted:
            raise Refusal(NOT_ALLOWED, VALIDATION)
        url = thing.url()
    elif not wanted:
        raise Refusal(NAME_MISSING, "INFERENCE_COMPONENT_NAME_MISSING")
    else:
        served = _component(account, asked.endpoint, wanted)
        base = served.request["Specification"].get("BaseInferenceComponentName", "")
        headers |= {ADAPTER: wanted} if base else {}
        served = account.components[base] if base else served
        url = served.url()
        if not url:
            alarms.missed(account, alarms.MISSED, served.name, lambda: not served.url())
    if not url:
        raise Refusal(NO_CAPACITY, VALIDATION)
    where = metrics.of_component(wanted) if wanted else metrics.of_variant(thing.name, variant)
    metrics.count(account, metrics.ASKED, where)
    host, _, port = url.removeprefix("http://").partition(":")
    return Chosen((host, int(port)), headers, asked.endpoint, account.region, account.number, variant)


def serving(account: Account, name: str) -> Thing:
    """An endpoint that serves.  Raises Refusal."""
    thing = account.endpoints.get(name)
    states = (IN_SERVICE, UPDATING, ROLLING_BACK, *((SYSTEM_UPDATING,) if account.rules.maintenance_serves else ()))
    if thing is None or (thing.status not in states and account.rules.creating_is_not_found):
        raise Refusal(f"Endpoint {name} of account {account.number} not found.", VALIDATION)
    if thing.status == OUT_OF_SERVICE:
        raise Refusal(NO_CAPACITY, VALIDATION)
    return thing


def _component(account: Account, endpoint: str, name: str) -> Thing:
    found = account.components.get(name)
    if found is None or found.request["EndpointName"] != endpoint:
        raise Refusal(f"Inference Component {name} of account {account.number} not found.", VALIDATION)
    return found


def refused(refusal: Refusal) -> Reply:
    """A refusal in the runtime's form."""
    kept = refusal.status != 400 or refusal.code == "ExpiredTokenException"
    document = {"ErrorCode": refusal.code, "Message": refusal.message}
    return Reply(
        refusal.status, "application/json", json.dumps(document).encode(), refusal.code if kept else VALIDATION
    )


def ask(chosen: Chosen, body: bytes, timeout_s: float = TIMEOUT_S, cap: int = MAX_BODY) -> Reply:
    """The answer of the container.  cap: bytes that it may have; one that has more is an error, and never cut."""
    try:
        connection = local_connection(*chosen.at, timeout_s)
        answer = exchange(connection, "POST", "/invocations", body, chosen.headers, cap=cap, total_s=timeout_s)
    except TimeoutError:
        return model_error(chosen, 0, TIMED_OUT)
    except TROUBLE as problem:
        return model_error(chosen, 500, str(problem))
    if answer.status >= 400:
        return model_error(chosen, answer.status, answer.body.decode("utf-8", "replace"))
    if len(answer.body) > cap:
        return model_error(chosen, 500, f"the answer has more than {cap} bytes")
    kind = answer.headers.get("content-type", "application/octet-stream")
    return Reply(200, kind, answer.body, headers=answered_headers(chosen, answer.headers))


def answered_headers(chosen: Chosen, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the service's answer beside its type."""
    attributes = headers.get(ATTRIBUTES.lower(), "")
    return {VARIANT: chosen.variant, **({ATTRIBUTES: attributes} if attributes else {})}


def model_error(chosen: Chosen, status: int, text: str) -> Reply:
    """424 ModelError: what the container answered, inside the service's words.  status: 0 for a time that is over."""
    side = "client" if 400 <= status < 500 else "server"
    group, region = f"/aws/sagemaker/Endpoints/{chosen.endpoint}", chosen.region
    document = {
        "ErrorCode": f"{side.upper()}_ERROR_FROM_MODEL",
        "Message": f'Received {side} error ({status}) from primary with message "{text}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
        f"in account {chosen.account} for more information.",
        "OriginalStatusCode": status,
        "OriginalMessage": text,
        "LogStreamArn": f"arn:aws:logs:{region}:{chosen.account}:log-group:{group}",
    }
    return Reply(424, "application/json", json.dumps(document).encode(), "ModelError")
