"""Which request is which operation.  Law: every call is validated, written into the journal, and may meet a fault.

An operation that is not in the table answers 501: a test that needs it fails, and never sees a success that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws import shapes
from mlcc.servers.devserver import (
    absences,
    alarms,
    beside,
    components,
    endpoints,
    hub,
    listing,
    logs,
    metrics,
    models,
    packages,
    quotas,
    repositories,
    scaling,
    transform,
    upkeep,
    variants,
)
from mlcc.servers.devserver.faults import DELAY, EXECUTED, STALE, LostReply
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, SERIALIZATION, Refusal, unseen
from mlcc.servers.devserver.things import Account

Operation = Callable[[Account, dict[str, Any]], dict[str, Any]]

SAGEMAKER: Mapping[str, Operation] = {
    "AddTags": listing.add_tags,
    "CreateEndpoint": endpoints.create_endpoint,
    "CreateEndpointConfig": models.create_endpoint_config,
    "CreateInferenceComponent": components.create,
    "CreateModel": models.create_model,
    "CreateModelPackage": packages.create,
    "CreateModelPackageGroup": packages.create_group,
    "CreateTransformJob": transform.create,
    "DeleteEndpoint": endpoints.delete_endpoint,
    "DeleteEndpointConfig": models.delete_endpoint_config,
    "DeleteInferenceComponent": components.delete,
    "DeleteModel": models.delete_model,
    "DeleteModelPackage": packages.delete,
    "DeleteModelPackageGroup": packages.delete_group,
    "DeleteTags": listing.delete_tags,
    "DescribeCluster": absences.cluster,
    "DescribeEndpoint": endpoints.describe_endpoint,
    "DescribeEndpointConfig": models.describe_endpoint_config,
    "DescribeHubContent": hub.describe,
    "DescribeInferenceComponent": components.describe,
    "DescribeModel": models.describe_model,
    "DescribeModelPackage": packages.describe,
    "DescribeTransformJob": transform.describe,
    "ListClusters": absences.clusters,
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
    "ListModelPackageGroups": listing.lister(
        lambda account: account.groups,
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
        "ModelPackageGroupArn",
        "ModelPackageGroupStatus",
    ),
    "ListModelPackages": packages.listed,
    "ListModels": listing.lister(lambda account: account.models, "Models", "ModelName", "ModelArn"),
    "ListTags": listing.list_tags,
    "ListTransformJobs": listing.lister(
        lambda account: account.jobs,
        "TransformJobSummaries",
        "TransformJobName",
        "TransformJobArn",
        "TransformJobStatus",
    ),
    "StopTransformJob": transform.stop,
    "UpdateEndpoint": endpoints.update_endpoint,
    variants.OPERATION: variants.update,
    "UpdateInferenceComponent": components.update,
    "UpdateInferenceComponentRuntimeConfig": components.update_runtime,
    "UpdateModelPackage": packages.update,
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
    "GetMetricData": metrics.data,
    "PutMetricAlarm": alarms.put,
    "SetAlarmState": alarms.set_state,
}
SERVICES: Mapping[str, Mapping[str, Operation]] = {
    "application-autoscaling": AUTOSCALING,
    "cloudwatch": CLOUDWATCH,
    "cloudformation": {"DescribeStacks": absences.stack},
    "codebuild": {"BatchGetProjects": absences.builds},
    "dynamodb": {"DescribeTable": absences.table, "GetItem": absences.table},
    repositories.SERVICE: {
        "DescribeImages": repositories.describe_images,
        "DescribeRepositories": repositories.describe_repositories,
        "ListImages": repositories.list_images,
    },
    "iam": {"GetRole": absences.role},
    logs.SERVICE: {
        "DescribeLogGroups": logs.describe_groups,
        "DescribeLogStreams": logs.describe_streams,
        "FilterLogEvents": logs.filter_events,
        "GetLogEvents": logs.get_events,
    },
    "sagemaker": SAGEMAKER,
    "secretsmanager": {
        "DescribeSecret": absences.secret,
        "GetSecretValue": absences.secret,
        "ListSecrets": absences.secrets,
    },
    "service-quotas": {"ListAWSDefaultServiceQuotas": quotas.defaults, "ListServiceQuotas": quotas.listed},
    "sts": {"GetCallerIdentity": repositories.caller_identity},
}


# Of these the server beside answers the operations that are not in the table.
PASSED = (logs.SERVICE, repositories.SERVICE)


class Entry(NamedTuple):
    """One call in the journal.  code: of the error that it was answered with, empty for a success."""

    service: str
    operation: str
    request: Mapping[str, Any]
    code: str


class Dispatcher:
    """Carries out requests on an account."""

    def __init__(self, account: Account) -> None:
        """account: what there is, and what goes wrong."""
        self.account = account
        self.faults = account.faults
        self.journal: list[Entry] = []
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}

    def answer(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request.  Raises Refusal, and LostReply where a fault takes the answer away."""
        found: dict[str, Any] = self.noted(
            service, operation, request, lambda: self._carried_out(service, operation, request)
        )
        return found

    def noted(
        self, service: str, operation: str, request: dict[str, Any], work: Callable[[], Any], lost: bool = True
    ) -> Any:
        """What a call gives, which is written into the journal and may meet a fault.

        lost: whether the answer may be lost here, and not later by the caller.
        """
        code = "(no answer)"
        try:
            self.faults.raise_for(operation, request)
            upkeep.meet(self.account, operation, request)
            found = work()
            code = ""
        except Refusal as refusal:
            code = refusal.code
            raise
        finally:
            self.journal.append(Entry(service, operation, request, code))
        if lost and self.faults.meets(EXECUTED, operation, request) is not None:
            raise LostReply
        return found

    def delay(self, operation: str, request: Mapping[str, Any]) -> float:
        """How many real seconds late a call's answer shall be."""
        fault = self.faults.meets(DELAY, operation, request)
        return fault.seconds if fault is not None else 0.0

    def _carried_out(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        known = SERVICES.get(service, {}).get(operation)
        if known is None and service in PASSED and shapes.knows(service, operation):
            known = partial(beside.ask, service, operation)
        if known is None:
            raise Refusal(f"{service} {operation} is not there in this server", *NOT_IMPLEMENTED)
        _validate(service, operation, request)
        key = (operation, repr(request))
        if self.faults.meets(STALE, operation, request) is not None:
            if key not in self._seen:
                raise unseen(operation, request)
            return self._seen[key]
        found = known(self.account, request)
        if operation.startswith(("Describe", "List")):
            self._seen[key] = found
        return found


def _validate(service: str, operation: str, request: dict[str, Any]) -> None:
    try:
        wrong = shapes.violations(service, operation, request)
    except shapes.WrongType as problem:
        raise Refusal(f"{problem} has the wrong type", SERIALIZATION) from None
    except KeyError as problem:
        raise Refusal(f"{problem.args[0]} is not known", SERIALIZATION) from None
    if wrong:
        raise Refusal(wrong)
