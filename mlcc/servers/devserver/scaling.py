"""Application Auto Scaling of copies and of instances.  Law: keeps what it is given; what scales stays in its bounds.

One more comes by a step policy whose alarm rings, or by hand.  What the real service does to keep a metric at its
target (alarms of its own, copies that come and go) is not imitated: `/_local/scale` takes its place.  Bounds and
adjustments: RegisterScalableTarget and StepScalingPolicyConfiguration in botocore's service model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver import components, endpoints, variants
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import IN_SERVICE, Account, Thing

NOT_FOUND = "ObjectNotFoundException"
BOUNDS = ("MinCapacity", "MaxCapacity")


class Scaled(NamedTuple):
    """Something that scales: what it belongs to, how much of it there shall be, and what changes that.

    least: fewer are never left.
    """

    thing: Thing
    dimension: str
    size: int
    change: Callable[[int], None]
    least: int = 0


def scaled(account: Account, where: str) -> Scaled:
    """What a resource's id names.  Raises Refusal for what is not there, or does not scale."""
    kind, _, rest = where.partition("/")
    endpoint, _, variant = rest.partition("/variant/")
    if kind == "inference-component" and rest in account.components:
        return _copies(account, account.components[rest])
    if kind == "endpoint" and endpoint in account.endpoints:
        thing = account.endpoints[endpoint]
        if variant in endpoints.instances(thing.running or thing.wanted):
            return _instances(account, thing, variant)
    raise Refusal(f"The resource {where} does not exist.")


def _copies(account: Account, thing: Thing) -> Scaled:
    def change(count: int) -> None:
        wanted = {"InferenceComponentName": thing.name, "DesiredRuntimeConfig": {"CopyCount": count}}
        components.update_runtime(account, wanted)

    dimension = "sagemaker:inference-component:DesiredCopyCount"
    return Scaled(thing, dimension, components.copies_of(account, thing.name), change)


def _instances(account: Account, thing: Thing, variant: str) -> Scaled:
    def change(count: int) -> None:
        wish = {"VariantName": variant, "DesiredInstanceCount": count}
        variants.update(account, {"EndpointName": thing.name, "DesiredWeightsAndCapacities": [wish]})

    waits = "AsyncInferenceConfig" in thing.running or endpoints.hosts_components(account, thing)
    least = 1 if account.rules.variants_keep_an_instance and not waits else 0
    count = endpoints.instances(thing.running or thing.wanted)[variant]
    return Scaled(thing, "sagemaker:variant:DesiredInstanceCount", count, change, least)


def scale(account: Account, where: str, count: int) -> None:
    """Sets how much there is, within the limits of its target.  Raises Refusal."""
    found, target = scaled(account, where), account.targets.get(where, {})
    wanted = max(int(target.get("MinCapacity", 0)), min(count, int(target.get("MaxCapacity", count))), found.least)
    if wanted != found.size:
        found.change(wanted)


def take_step(account: Account, policy_arn: str) -> None:
    """An alarm rings: a step policy takes its first step, within the limits of its target.  Raises Refusal."""
    for (where, _), policy in list(account.policies.items()):
        if policy["PolicyARN"] == policy_arn:
            settings = policy.get("StepScalingPolicyConfiguration", {})
            for step in settings.get("StepAdjustments", ())[:1]:
                scale(account, where, _adjusted(scaled(account, where).size, settings, int(step["ScalingAdjustment"])))
            return


def _adjusted(count: int, settings: dict[str, Any], by: int) -> int:
    kind = settings.get("AdjustmentType")
    if kind == "ExactCapacity":
        return by
    if kind == "PercentChangeInCapacity":
        # towards nothing, but for what is less than one
        part = count * by / 100
        size = max(math.floor(abs(part)), 1 if part else 0, int(settings.get("MinAdjustmentMagnitude", 0)))
        return count + int(math.copysign(size, by))
    return count + by


# ---------------------------------------------------------------- targets
def register_target(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """RegisterScalableTarget: of something that is there, which is brought into the bounds where it serves."""
    where = request["ResourceId"]
    found = scaled(account, where)
    if account.rules.dimensions_fit and request["ScalableDimension"] != found.dimension:
        raise Refusal(f"{where} does not scale by {request['ScalableDimension']}.")
    kept = {**account.targets.get(where, {}), **{key: value for key, value in request.items() if key != "Tags"}}
    if account.rules.targets_have_bounds:
        _check_bounds(kept)
    account.targets[where] = kept
    if account.rules.targets_bound_capacity and found.thing.status == IN_SERVICE:
        scale(account, where, found.size)
    return {"ScalableTargetARN": _arn(account, "scalable-target", where)}


def _check_bounds(target: dict[str, Any]) -> None:
    for bound in BOUNDS:
        if bound not in target:
            raise Refusal(f"{bound} must be provided when a new scalable target is registered.")
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise Refusal("Maximum capacity cannot be less than minimum capacity")


def deregister_target(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeregisterScalableTarget: its policies go with it."""
    account.drop_target(_registered(account, request))
    return {}


def describe_targets(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeScalableTargets."""
    wanted, dimension = request.get("ResourceIds"), request.get("ScalableDimension")
    found = [
        t
        for where, t in sorted(account.targets.items())
        if (wanted is None or where in wanted) and dimension in (None, t["ScalableDimension"])
    ]
    role = f"arn:{account.partition}:iam::{account.number}:role/aws-service-role/sagemaker"
    return {"ScalableTargets": [{**t, "RoleARN": role, "CreationTime": account.date} for t in found]}


# ---------------------------------------------------------------- policies
def put_policy(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """PutScalingPolicy."""
    where = _registered(account, request)
    if request.get("PolicyType") not in ("StepScaling", "TargetTrackingScaling", None):
        raise Refusal(f"PolicyType {request['PolicyType']} is not there in this server", *NOT_IMPLEMENTED)
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
    wanted, names = request.get("ResourceId"), request.get("PolicyNames")
    found = [
        policy
        for (where, name), policy in sorted(account.policies.items())
        if wanted in (None, where) and (names is None or name in names)
    ]
    return {"ScalingPolicies": [{**p, "CreationTime": account.date} for p in found]}


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
