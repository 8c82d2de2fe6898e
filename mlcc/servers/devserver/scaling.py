"""Application Auto Scaling and the alarms that it needs.  Law: keeps what it is given; it scales nothing by itself.

What the real service does by its own policies (alarms of its own, copies that come and go) is not imitated.
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account

NOT_FOUND = "ObjectNotFoundException"


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
    return {"ScalableTargets": [{**t, "RoleARN": role, "CreationTime": account.timeline.now} for t in found]}


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
    return {"ScalingPolicies": [{**p, "CreationTime": account.timeline.now} for p in found]}


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
