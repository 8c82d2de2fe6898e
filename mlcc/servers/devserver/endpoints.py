"""Endpoints.  Law: states change on the timeline alone; texts are the service's.

An update that fails returns to InService with the old configuration and a reason; one that succeeds takes the reason
away (aws-controllers-k8s, sagemaker-controller).  What UpdateEndpoint retains: VariantPropertyType in botocore's
service model.
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import quotas
from mlcc.servers.devserver.container_output import ENDPOINTS
from mlcc.servers.devserver.copies import NO_CAPACITY, PING_FAILED, Group, Image
from mlcc.servers.devserver.faults import ORPHANS, Trouble
from mlcc.servers.devserver.guardrails import Guard, is_over
from mlcc.servers.devserver.models import config, image_of
from mlcc.servers.devserver.refusal import Refusal, existing, missing, moving
from mlcc.servers.devserver.things import (
    CREATING,
    DELETING,
    FAILED,
    IN_SERVICE,
    MOVING,
    ROLLBACK_FAILED,
    ROLLING_BACK,
    UPDATING,
    Account,
    Thing,
)

# The longest that a container may take to start where the request names no time.
STARTUP_S = 600.0
# What an update may retain of a variant: the property's name, and where it stands.
RETAINED = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}


def create_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpoint: its machines, then the containers of its models, where it has any."""
    name = request["EndpointName"]
    spelled = str.lower if account.rules.endpoint_names_ignore_case else str
    for known in account.endpoints.values():
        if spelled(known.name) == spelled(name):
            raise existing("endpoint", known.arn)
    made = config(account, request["EndpointConfigName"])
    quotas.check(account, made.request)
    thing = account.made("endpoint", name, request, CREATING)
    account.endpoints[name] = thing
    thing.deployment = request.get("DeploymentConfig", {})
    _begin(account, thing, made.request, account.faults.trouble("CreateEndpoint", request), None)
    return {"EndpointArn": thing.arn}


def describe_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeEndpoint."""
    thing = endpoint(account, request["EndpointName"])
    answer = {
        "EndpointName": thing.name,
        "EndpointArn": thing.arn,
        "EndpointConfigName": thing.running.get("EndpointConfigName", thing.request["EndpointConfigName"]),
        "EndpointStatus": thing.status,
        "CreationTime": thing.created,
        "LastModifiedTime": thing.changed,
    }
    running = thing.running.get("ProductionVariants", ())
    replaced = "EndpointConfigName" in thing.wanted
    changed = {v["VariantName"]: v for v in thing.wanted.get("ProductionVariants", ()) if not replaced}
    more = {
        "ProductionVariants": [_described(v, changed.get(v["VariantName"], v)) for v in running],
        "AsyncInferenceConfig": thing.running.get("AsyncInferenceConfig"),
        "LastDeploymentConfig": thing.deployment,
        "PendingDeploymentSummary": _pending(thing) if replaced else None,
        "FailureReason": thing.reason,
    }
    return {**answer, **{name: value for name, value in more.items() if value}}


def _described(variant: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """A variant.  wanted: what it shall be when its change is over."""
    shown = {
        "VariantName": variant["VariantName"],
        "DesiredInstanceCount": int(wanted.get("InitialInstanceCount", 1)),
        "CurrentInstanceCount": int(variant.get("InitialInstanceCount", 1)),
        "DesiredWeight": float(wanted.get("InitialVariantWeight", 1.0)),
        "CurrentWeight": float(variant.get("InitialVariantWeight", 1.0)),
    }
    kept = ("ManagedInstanceScaling", "RoutingConfig")
    return {**shown, **{name: variant[name] for name in kept if name in variant}}


def _pending(thing: Thing) -> dict[str, Any]:
    """What replaces the configuration that runs."""
    variants = [{"VariantName": variant["VariantName"]} for variant in thing.wanted["ProductionVariants"]]
    named = thing.wanted["EndpointConfigName"]
    return {"EndpointConfigName": named, "ProductionVariants": variants, "StartTime": thing.changed}


def update_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateEndpoint: a new fleet beside the old one, which serves until the new one does."""
    thing = endpoint(account, request["EndpointName"])
    need_changeable(account, thing)
    made = config(account, request["EndpointConfigName"])
    used = thing.running.get("EndpointConfigName")  # none of an endpoint that has never served
    if account.rules.used_config_stays and used is not None:
        config(account, used)
    if account.rules.same_config_refuses and made.name == used:
        raise Refusal(f'Endpoint "{thing.arn}" uses the endpoint configuration "{made.arn}" already.')
    thing.status, thing.changed = UPDATING, account.date
    if not request.get("RetainDeploymentConfig"):
        thing.deployment = request.get("DeploymentConfig", {})
    wanted = _retained(thing.running, made.request, request)
    guard = Guard(account, thing.deployment, sum(instances(wanted).values()))
    _begin(account, thing, wanted, account.faults.trouble("UpdateEndpoint", request), guard)
    return {"EndpointArn": thing.arn}


def need_changeable(account: Account, thing: Thing) -> None:
    """An endpoint may be updated now.  Raises Refusal."""
    if account.rules.transition_refuses and thing.status in MOVING:
        raise moving(thing.arn)
    if account.rules.failed_is_not_updated and thing.status == FAILED:
        raise Refusal(f'Cannot update failed endpoint "{thing.arn}".')


def _retained(running: dict[str, Any], made: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """A configuration with what an update retains of the one that runs."""
    if not request.get("RetainAllVariantProperties"):
        return made
    left = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", ())}
    names = [member for kind, member in RETAINED.items() if kind not in left]
    old = {
        variant["VariantName"]: {name: variant[name] for name in names if name in variant}
        for variant in running.get("ProductionVariants", ())
    }
    variants = [{**variant, **old.get(variant["VariantName"], {})} for variant in made["ProductionVariants"]]
    return {**made, "ProductionVariants": variants}


def instances(configuration: dict[str, Any]) -> dict[str, int]:
    """How many instances each variant of a configuration has."""
    found = configuration.get("ProductionVariants", ())
    return {variant["VariantName"]: int(variant.get("InitialInstanceCount", 1)) for variant in found}


def delete_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteEndpoint."""
    thing = endpoint(account, request["EndpointName"])
    if account.rules.transition_refuses and thing.status in MOVING:
        raise moving(thing.arn)
    hosted = [c for c in account.components.values() if c.request["EndpointName"] == thing.name]
    orphaned = account.faults.meets(ORPHANS, "DeleteEndpoint", request) is not None
    if hosted and account.rules.components_keep_endpoint and not orphaned:
        text = (
            "Cannot delete endpoint with inference component associated. Please delete inference component and try it"
        )
        raise Refusal(f"{text} again.")
    thing.status = DELETING
    account.timeline.later(account.durations.removal, lambda: _gone(account, thing))
    return {}


def endpoint(account: Account, name: str) -> Thing:
    """An endpoint.  Raises Refusal."""
    if name not in account.endpoints:
        raise missing("endpoint", account.arn("endpoint", name))
    return account.endpoints[name]


def hosts_components(account: Account, thing: Thing) -> bool:
    """Whether an endpoint hosts inference components: its variants name no model."""
    return all("ModelName" not in v for v in thing.running.get("ProductionVariants", ()))


def images(account: Account, thing: Thing, variant: dict[str, Any], count: int) -> list[Image]:
    """So many containers of a variant's model; none of a variant without one, or whose model is gone."""
    served = account.models.get(variant.get("ModelName", ""))
    if served is None:
        return []
    named = image_of(served)._replace(variant=variant["VariantName"])
    return account.output.copies(f"{ENDPOINTS}{thing.name}", variant["VariantName"], named, count)


def startup_s(configuration: dict[str, Any]) -> float:
    """The longest that its containers may take to start, in seconds."""
    named = [v.get("ContainerStartupHealthCheckTimeoutInSeconds") for v in configuration["ProductionVariants"]]
    return max((float(seconds) for seconds in named if seconds is not None), default=STARTUP_S)


def _begin(account: Account, thing: Thing, wanted: dict[str, Any], trouble: Trouble, guard: Guard | None) -> None:
    """Machines are looked for, and a while later they are there, or none is.  guard: of an update, None: a creation."""
    thing.wanted = wanted

    def machines() -> None:
        if thing.status not in (CREATING, UPDATING):
            return
        if trouble.capacity:
            _settled(account, thing, None, NO_CAPACITY, trouble, guard)
        else:
            _serve(account, thing, trouble, guard)

    account.timeline.later(account.durations.instances + trouble.stuck_s, machines)


def _serve(account: Account, thing: Thing, trouble: Trouble, guard: Guard | None) -> None:
    """The machines are there: starts what the configuration names."""
    counts, started = instances(thing.wanted), list[Image]()
    for variant in thing.wanted["ProductionVariants"]:
        started += images(account, thing, variant, counts[variant["VariantName"]])
    if not started:
        _healthy(account, thing, None, PING_FAILED if trouble.deaf else "", trouble, guard)
        return

    def done(group: Group, healthy: bool) -> None:
        if healthy and trouble.crash_s is not None:
            group.crash_in(trouble.crash_s)
        _healthy(account, thing, group, "" if healthy else group.reason, trouble, guard)

    Group(started, account.launch, account.timeline, account.durations, startup_s(thing.wanted), done, trouble.deaf)


def _healthy(
    account: Account, thing: Thing, group: Group | None, reason: str, trouble: Trouble, guard: Guard | None
) -> None:
    """The containers are healthy, or not; an update of healthy ones is still watched for a while."""
    if guard is None or reason:
        _settled(account, thing, group, reason, trouble, guard)
    else:
        guard.finish(lambda why: _settled(account, thing, group, why, trouble, guard))


def _settled(
    account: Account, thing: Thing, group: Group | None, reason: str, trouble: Trouble, guard: Guard | None
) -> None:
    """A creation or an update comes to its end.  reason: why it failed, empty where it did not."""
    if is_over(thing, group, reason, guard):
        return
    wanted, thing.wanted, thing.changed = thing.wanted, {}, account.date
    if not reason:
        if thing.copies is not None:
            thing.copies.stop()
        thing.copies, thing.status, thing.reason, thing.running = group, IN_SERVICE, "", wanted
        return
    reason = reason.format(variant=wanted["ProductionVariants"][0]["VariantName"])
    if guard is None:
        thing.status, thing.reason = FAILED, reason
    else:
        thing.status = ROLLING_BACK if account.rules.rolling_back_is_shown else UPDATING
        roll_back(account, thing, reason, trouble)


def roll_back(account: Account, thing: Thing, reason: str, trouble: Trouble) -> None:
    """A change is undone: after a while the endpoint is as it was, with a reason, or that fails, too."""
    thing.reason = reason

    def settle() -> None:
        if thing.status in (ROLLING_BACK, UPDATING):
            thing.status, thing.changed = ROLLBACK_FAILED if trouble.no_return else IN_SERVICE, account.date

    account.timeline.later(account.durations.removal, settle)


def _gone(account: Account, thing: Thing) -> None:
    if thing.copies is not None:
        thing.copies.stop()
    account.endpoints.pop(thing.name, None)
    if account.rules.variant_targets_go:
        for where in [where for where in account.targets if where.startswith(f"endpoint/{thing.name}/variant/")]:
            account.drop_target(where)
