"""Which request is which operation.  Law: every call is validated, written into the journal, and may meet a fault.

An operation that is not in the table answers 501: a test that needs it fails, and never sees a success that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws import shapes
from mlcc.servers.devserver import alarms, components, endpoints, listing, scaling
from mlcc.servers.devserver.faults import EXECUTED, Faults, LostReply
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account

Operation = Callable[[Account, dict[str, Any]], dict[str, Any]]

SAGEMAKER: Mapping[str, Operation] = {
    "AddTags": listing.add_tags,
    "CreateEndpoint": endpoints.create_endpoint,
    "CreateEndpointConfig": endpoints.create_endpoint_config,
    "CreateInferenceComponent": components.create,
    "CreateModel": endpoints.create_model,
    "DeleteEndpoint": endpoints.delete_endpoint,
    "DeleteEndpointConfig": endpoints.delete_endpoint_config,
    "DeleteInferenceComponent": components.delete,
    "DeleteModel": endpoints.delete_model,
    "DeleteTags": listing.delete_tags,
    "DescribeEndpoint": endpoints.describe_endpoint,
    "DescribeEndpointConfig": endpoints.describe_endpoint_config,
    "DescribeInferenceComponent": components.describe,
    "DescribeModel": endpoints.describe_model,
    "ListEndpointConfigs": listing.lister(
        lambda account: account.configs, "EndpointConfigs", "EndpointConfigName", "EndpointConfigArn"
    ),
    "ListEndpoints": listing.lister(
        lambda account: account.endpoints, "Endpoints", "EndpointName", "EndpointArn", "EndpointStatus"
    ),
    "ListInferenceComponents": listing.lister(
        lambda account: account.components,
        "InferenceComponents",
        "InferenceComponentName",
        "InferenceComponentArn",
        "InferenceComponentStatus",
    ),
    "ListModels": listing.lister(lambda account: account.models, "Models", "ModelName", "ModelArn"),
    "ListTags": listing.list_tags,
    "UpdateEndpoint": endpoints.update_endpoint,
    "UpdateInferenceComponent": components.update,
    "UpdateInferenceComponentRuntimeConfig": components.update_runtime,
}
AUTOSCALING: Mapping[str, Operation] = {
    "DeleteScalingPolicy": scaling.delete_policy,
    "DeregisterScalableTarget": scaling.deregister_target,
    "DescribeScalableTargets": scaling.describe_targets,
    "DescribeScalingPolicies": scaling.describe_policies,
    "PutScalingPolicy": scaling.put_policy,
    "RegisterScalableTarget": scaling.register_target,
}
CLOUDWATCH: Mapping[str, Operation] = {
    "DeleteAlarms": alarms.delete,
    "DescribeAlarms": alarms.describe,
    "PutMetricAlarm": alarms.put,
}
SERVICES: Mapping[str, Mapping[str, Operation]] = {
    "application-autoscaling": AUTOSCALING,
    "cloudwatch": CLOUDWATCH,
    "sagemaker": SAGEMAKER,
}


class Entry(NamedTuple):
    """One call in the journal.  code: of the error that it was answered with, empty for a success."""

    service: str
    operation: str
    request: Mapping[str, Any]
    code: str


class Dispatcher:
    """Carries out requests on an account."""

    def __init__(self, account: Account, faults: Faults | None = None) -> None:
        """account: what there is; faults: what goes wrong, and when."""
        self.account = account
        self.faults = faults or Faults()
        self.journal: list[Entry] = []

    def answer(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request.  Raises Refusal, and LostReply where a fault takes the answer away."""
        try:
            found = self._carried_out(service, operation, request)
        except Refusal as refusal:
            self.journal.append(Entry(service, operation, request, refusal.code))
            raise
        self.journal.append(Entry(service, operation, request, ""))
        if self.faults.meets(EXECUTED, operation, request) is not None:
            raise LostReply
        return found

    def _carried_out(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        known = SERVICES.get(service, {}).get(operation)
        if known is None:
            raise Refusal(f"{service} {operation} is not there in this server", "NotImplemented", 501)
        _validate(service, operation, request)
        self.faults.raise_for(operation, request)
        return known(self.account, request)


def _validate(service: str, operation: str, request: dict[str, Any]) -> None:
    try:
        wrong = shapes.violations(service, operation, request)
    except shapes.WrongType as problem:
        raise Refusal(f"{problem} has the wrong type", "SerializationException") from None
    except KeyError as problem:
        raise Refusal(f"{problem.args[0]} is not known", "SerializationException") from None
    if wrong:
        raise Refusal(wrong)
