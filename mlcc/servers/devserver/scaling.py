"""Application Auto Scaling.  Law: keeps what it is given; a copy comes by a step policy whose alarm rings, or by hand.

What the real service does to keep a metric at its target (alarms of its own, copies that come and go) is not imitated:
`/_local/scale` takes its place.
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import components
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import Account

NOT_FOUND = "ObjectNotFoundException"
COMPONENT = "inference-component/"


def register_target(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """RegisterScalableTarget: of something that is there."""
    where = request["ResourceId"]
    kind, _, rest = where.partition("/")
    there = rest in account.components if kind == "inference-component" else rest.split("/")[0] in account.endpoints
    if not there:
        raise Refusal(f"The resource {where} does not exist.")
    kept = {key: value for key, value in request.items() if key != "Tags"}
    account.targets[where] = {**account.targets.get(where, {}), **kept}
    return {"ScalableTargetARN": _arn(account, "scalable-target", where)}


def deregister_target(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeregisterScalableTarget: its policies go with it."""
    where = _registered(account, request)
    del account.targets[where]
    for key in [key for key in account.policies if key[0] == where]:
        del account.policies[key]
    return {}


def describe_targets(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeScalableTargets."""
    wanted = request.get("ResourceIds")
    found = [t for where, t in sorted(account.targets.items()) if wanted is None or where in wanted]
    role = f"arn:{account.partition}:iam::{account.number}:role/aws-service-role/sagemaker"
    return {"ScalableTargets": [{**t, "RoleARN": role, "CreationTime": account.date} for t in found]}


def put_policy(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """PutScalingPolicy."""
    where = _registered(account, request)
    arn = _arn(account, "scalingPolicy", f"{where}:policyName/{request['PolicyName']}")
    account.policies[where, request["PolicyName"]] = {**request, "PolicyARN": arn}
    return {"PolicyARN": arn, "Alarms": []}


def delete_policy(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteScalingPolicy."""
    key = (request["ResourceId"], request["PolicyName"])
    if key not in account.policies:
        raise _unregistered(request)
    del account.policies[key]
    return {}


def describe_policies(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeScalingPolicies."""
    wanted = request.get("ResourceId")
    found = [p for (where, _), p in sorted(account.policies.items()) if wanted in (None, where)]
    return {"ScalingPolicies": [{**p, "CreationTime": account.date} for p in found]}


def take_step(account: Account, policy_arn: str) -> None:
    """An alarm rings: a step policy of a component's copies takes its first step, within the limits of its target."""
    for (where, _), policy in account.policies.items():
        if policy["PolicyARN"] == policy_arn and where.startswith(COMPONENT):
            steps = policy.get("StepScalingPolicyConfiguration", {}).get("StepAdjustments", ())
            name = where.removeprefix(COMPONENT)
            if steps and name in account.components:
                scale(account, where, components.copies_of(account, name) + int(steps[0]["ScalingAdjustment"]))
            return


def scale(account: Account, where: str, copies: int) -> None:
    """Sets a component's copies, within the limits of its target.  Raises Refusal for what is no component."""
    if not where.startswith(COMPONENT):
        raise Refusal(f"{where} cannot be scaled in this server", *NOT_IMPLEMENTED)
    target = account.targets.get(where, {})
    wanted = max(int(target.get("MinCapacity", 0)), min(copies, int(target.get("MaxCapacity", copies))))
    request = {"InferenceComponentName": where.removeprefix(COMPONENT), "DesiredRuntimeConfig": {"CopyCount": wanted}}
    components.update_runtime(account, request)


def _registered(account: Account, request: dict[str, Any]) -> str:
    where = str(request["ResourceId"])
    if where not in account.targets:
        raise _unregistered(request)
    return where


def _unregistered(request: dict[str, Any]) -> Refusal:
    text = (
        f"No scalable target registered for service namespace: {request['ServiceNamespace']}, "
        f"resource ID: {request['ResourceId']}, scalable dimension: {request['ScalableDimension']}"
    )
    return Refusal(text, NOT_FOUND)


def _arn(account: Account, kind: str, rest: str) -> str:
    head = f"arn:{account.partition}:autoscaling:{account.region}:{account.number}"
    return f"{head}:{kind}:resource/sagemaker/{rest}"
