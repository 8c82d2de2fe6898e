"""Models, endpoint configurations and endpoints.  Law: states change on the timeline alone; texts are the service's.

An update that fails returns to InService with the old configuration and a reason; one that succeeds takes the reason
away (aws-controllers-k8s, sagemaker-controller).
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import model_rules, quotas
from mlcc.servers.devserver.container_output import ENDPOINTS
from mlcc.servers.devserver.copies import NO_CAPACITY, PING_FAILED, Group, Image
from mlcc.servers.devserver.faults import ORPHANS, Trouble
from mlcc.servers.devserver.refusal import Refusal, existing, missing, moving
from mlcc.servers.devserver.things import (
    CREATING,
    DELETING,
    FAILED,
    IN_SERVICE,
    MOVING,
    ROLLING_BACK,
    UPDATING,
    Account,
    Thing,
)

# The longest that a container may take to start where the request names no time.
STARTUP_S = 600.0


# ---------------------------------------------------------------- models
def create_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModel."""
    name = request["ModelName"]
    if name in account.models:
        raise existing("model", account.models[name].arn)
    model_rules.check_image(account, request)
    account.models[name] = account.made("model", name, request)
    return {"ModelArn": account.models[name].arn}


def describe_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeModel."""
    thing = model(account, request["ModelName"])
    return {**thing.request, "ModelArn": thing.arn, "CreationTime": thing.created}


def delete_model(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModel: also of one in use, whose containers run on."""
    del account.models[model(account, request["ModelName"]).name]
    return {}


def model(account: Account, name: str) -> Thing:
    """A model.  Raises Refusal."""
    if name not in account.models:
        raise missing("model", account.arn("model", name))
    return account.models[name]


def image_of(thing: Thing) -> Image:
    """What a model starts."""
    container = thing.request["PrimaryContainer"]
    source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
    return Image(
        container.get("Image", ""), container.get("Environment", {}), source or container.get("ModelDataUrl", "")
    )


# ---------------------------------------------------------------- configurations
def create_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    if name in account.configs:
        raise existing("endpoint configuration", account.configs[name].arn)
    for variant in request["ProductionVariants"]:
        if "ModelName" in variant:
            model(account, variant["ModelName"])
    model_rules.check_variants(account, request)
    account.configs[name] = account.made("endpoint-config", name, request)
    return {"EndpointConfigArn": account.configs[name].arn}


def describe_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeEndpointConfig."""
    thing = config(account, request["EndpointConfigName"])
    return {**thing.request, "EndpointConfigArn": thing.arn, "CreationTime": thing.created}


def delete_endpoint_config(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteEndpointConfig: also of one in use, which breaks the next update."""
    del account.configs[config(account, request["EndpointConfigName"]).name]
    return {}


def config(account: Account, name: str) -> Thing:
    """A configuration.  Raises Refusal."""
    if name not in account.configs:
        raise missing("endpoint configuration", account.arn("endpoint-config", name))
    return account.configs[name]


# ---------------------------------------------------------------- endpoints
def create_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpoint: its machines, then the containers of its models, where it has any."""
    name = request["EndpointName"]
    if name in account.endpoints:
        raise existing("endpoint", account.endpoints[name].arn)
    made = config(account, request["EndpointConfigName"])
    quotas.check(account, made)
    thing = account.made("endpoint", name, request, CREATING)
    account.endpoints[name] = thing
    _begin(account, thing, made, account.faults.trouble("CreateEndpoint", request), first=True)
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
    variants = [_described(thing, v) for v in thing.running.get("ProductionVariants", ())]
    if variants:
        answer["ProductionVariants"] = variants
    if "AsyncInferenceConfig" in thing.running:
        answer["AsyncInferenceConfig"] = thing.running["AsyncInferenceConfig"]
    return {**answer, **({"FailureReason": thing.reason} if thing.reason else {})}


def _described(thing: Thing, variant: dict[str, Any]) -> dict[str, Any]:
    count = int(variant.get("InitialInstanceCount", 1))
    shown = {"VariantName": variant["VariantName"], "DesiredInstanceCount": count, "CurrentInstanceCount": count}
    kept = ("ManagedInstanceScaling", "RoutingConfig")
    return {**shown, **{name: variant[name] for name in kept if name in variant}}


def update_endpoint(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateEndpoint: a new fleet beside the old one, which serves until the new one does."""
    thing = endpoint(account, request["EndpointName"])
    if account.rules.transition_refuses and thing.status in MOVING:
        raise moving(thing.arn)
    if thing.status == FAILED:
        raise Refusal(f'Cannot update failed endpoint "{thing.arn}".')
    made = config(account, request["EndpointConfigName"])
    if account.rules.used_config_stays:
        config(account, thing.running["EndpointConfigName"])
    if account.rules.same_config_refuses and made.name == thing.running["EndpointConfigName"]:
        raise Refusal(f'Endpoint "{thing.arn}" uses the endpoint configuration "{made.arn}" already.')
    thing.status, thing.changed = UPDATING, account.date
    _begin(account, thing, made, account.faults.trouble("UpdateEndpoint", request), first=False)
    return {"EndpointArn": thing.arn}


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


def _begin(account: Account, thing: Thing, made: Thing, trouble: Trouble, first: bool) -> None:
    """Machines are looked for, and a while later they are there, or none is."""

    def machines() -> None:
        if thing.status not in (CREATING, UPDATING):
            return
        if trouble.capacity:
            _settled(account, thing, made, None, NO_CAPACITY, first)
        else:
            _serve(account, thing, made, trouble, first)

    account.timeline.later(account.durations.instances + trouble.stuck_s, machines)


def _serve(account: Account, thing: Thing, made: Thing, trouble: Trouble, first: bool) -> None:
    """The machines are there: starts what the configuration names."""
    images, timeout_s = [], STARTUP_S
    for variant in made.request["ProductionVariants"]:
        if "ModelName" in variant:
            served = account.models.get(variant["ModelName"])
            if served is not None:
                count, group = int(variant.get("InitialInstanceCount", 1)), f"{ENDPOINTS}{thing.name}"
                images += account.output.copies(group, variant["VariantName"], image_of(served), count)
            timeout_s = float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_S))
    if not images:
        _settled(account, thing, made, None, PING_FAILED if trouble.deaf else "", first)
        return

    def done(group: Group, healthy: bool) -> None:
        if healthy and trouble.crash_s is not None:
            group.crash_in(trouble.crash_s)
        _settled(account, thing, made, group, "" if healthy else group.reason, first)

    Group(images, account.launch, account.timeline, account.durations, timeout_s, done, trouble.deaf)


def _settled(account: Account, thing: Thing, made: Thing, group: Group | None, reason: str, first: bool) -> None:
    """A creation or an update comes to its end.  reason: why it failed, empty where it did not."""
    thing.changed = account.date
    if not reason:
        if thing.copies is not None:
            thing.copies.stop()
        thing.copies, thing.status, thing.reason = group, IN_SERVICE, ""
        thing.running = {**made.request, "EndpointConfigName": made.name}
        return
    thing.reason = reason.format(variant=made.request["ProductionVariants"][0]["VariantName"])
    if first:
        thing.status = FAILED
        return
    thing.status = ROLLING_BACK
    account.timeline.later(account.durations.removal, lambda: _rolled_back(account, thing))


def _rolled_back(account: Account, thing: Thing) -> None:
    if thing.status == ROLLING_BACK:
        thing.status, thing.changed = IN_SERVICE, account.date


def _gone(account: Account, thing: Thing) -> None:
    if thing.copies is not None:
        thing.copies.stop()
    account.endpoints.pop(thing.name, None)
