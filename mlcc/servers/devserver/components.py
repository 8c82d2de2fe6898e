"""Inference components and adapters.  Law: states change on the timeline alone; texts are the service's.

An update that fails returns to InService with the old specification; its reason may stay after a later success
(aws-controllers-k8s, sagemaker-controller, test_inference_component.py).
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver import adapters, scheduler
from mlcc.servers.devserver.container_output import COMPONENTS
from mlcc.servers.devserver.copies import Group, Image
from mlcc.servers.devserver.endpoints import STARTUP_S, endpoint, hosts_components
from mlcc.servers.devserver.faults import ADAPTER, Trouble
from mlcc.servers.devserver.guardrails import Guard, is_over
from mlcc.servers.devserver.models import image_of, model
from mlcc.servers.devserver.refusal import Refusal, existing, missing
from mlcc.servers.devserver.things import CREATING, DELETING, FAILED, IN_SERVICE, MOVING, UPDATING, Account, Thing

# What a state is called in refusals.
INTERNAL = {CREATING: "CREATE_IN_PROGRESS", UPDATING: "UPDATE_RC_IN_PROGRESS", DELETING: "DELETE_IN_PROGRESS"}
NOT_HERE = (
    "Invalid request provided: Inference Components are not supported in this Endpoint. "
    "Please make sure this endpoint can deploy inference components."
)


def create(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateInferenceComponent."""
    name = request["InferenceComponentName"]
    if name in account.components and account.rules.component_names_are_taken:
        raise existing("inference component", account.components[name].arn)
    host = endpoint(account, request["EndpointName"])
    if account.rules.serving_endpoint_first and host.status != IN_SERVICE:
        raise Refusal(f'Endpoint "{host.arn}" is not InService.')
    if not hosts_components(account, host):
        raise Refusal(NOT_HERE)
    specification = request.get("Specification", {})
    base = specification.get("BaseInferenceComponentName")
    wanted = _wanted_copies(request)
    if base:
        component(account, base)
    elif account.rules.copies_above_zero and request.get("RuntimeConfig", {}).get("CopyCount", 0) < 1:
        raise Refusal("Inference components copy count an integer larger than 0")
    if "ModelName" in specification:
        model(account, specification["ModelName"])
    _need_room(account, host, name, {} if base else specification, wanted)
    if name in account.components:
        _gone(account, account.components[name])
    thing = account.made("inference-component", name, request, CREATING)
    account.components[name] = thing
    trouble = account.faults.trouble("CreateInferenceComponent", request)
    trouble = trouble._replace(deaf=trouble.deaf or _refuses_adapter(account, "CreateInferenceComponent", request))
    _roll_out(account, thing, specification, wanted, trouble, None)
    return {"InferenceComponentArn": thing.arn}


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeInferenceComponent."""
    thing = component(account, request["InferenceComponentName"])
    specification = thing.running.get("Specification") or thing.request["Specification"]
    answer = {
        "InferenceComponentName": thing.name,
        "InferenceComponentArn": thing.arn,
        "EndpointName": thing.request["EndpointName"],
        "EndpointArn": account.arn("endpoint", thing.request["EndpointName"]),
        "Specification": _described(specification),
        "InferenceComponentStatus": thing.status,
        "CreationTime": thing.created,
        "LastModifiedTime": thing.changed,
    }
    if "VariantName" in thing.request:
        answer["VariantName"] = thing.request["VariantName"]
    if not adapters.base_of(thing):
        running = len(thing.copies.started) if thing.copies is not None else 0
        answer["RuntimeConfig"] = {"DesiredCopyCount": _wanted_copies(thing.request), "CurrentCopyCount": running}
    return {**answer, **({"FailureReason": thing.reason} if thing.reason else {})}


def _described(specification: dict[str, Any]) -> dict[str, Any]:
    """A specification as an answer spells it: an image has become a deployed image."""
    container = specification.get("Container")
    if container is None:
        return specification
    shown = {key: value for key, value in container.items() if key != "Image"}
    deployed = {"DeployedImage": {"SpecifiedImage": container["Image"]}} if "Image" in container else {}
    return {**specification, "Container": {**shown, **deployed}}


def update(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateInferenceComponent."""
    thing = component(account, request["InferenceComponentName"])
    _may_change(account, thing, "update")
    if not {"Specification", "Specifications", "RuntimeConfig"} & request.keys():
        raise Refusal("Specification, Specifications or RuntimeConfig must be provided.")
    specification = request.get("Specification") or thing.running["Specification"]
    if "ModelName" in specification:
        model(account, specification["ModelName"])
    trouble = account.faults.trouble("UpdateInferenceComponent", request)
    trouble = trouble._replace(deaf=trouble.deaf or _refuses_adapter(account, "UpdateInferenceComponent", request))
    _change(account, thing, specification, request.get("RuntimeConfig"), trouble, request.get("DeploymentConfig", {}))
    return {"InferenceComponentArn": thing.arn}


def update_runtime(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateInferenceComponentRuntimeConfig: more or fewer copies of the same."""
    thing = component(account, request["InferenceComponentName"])
    _may_change(account, thing, "update")
    trouble = account.faults.trouble("UpdateInferenceComponentRuntimeConfig", request)
    _change(account, thing, thing.running["Specification"], request["DesiredRuntimeConfig"], trouble, {})
    return {"InferenceComponentArn": thing.arn}


def delete(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteInferenceComponent."""
    thing = component(account, request["InferenceComponentName"])
    _may_change(account, thing, "delete")
    based = list(adapters.of_base(account, thing.name))
    if based and account.rules.base_keeps_adapters:
        raise Refusal(
            f'Inference component "{thing.arn}" is a base inference component for one or more associated '
            "adapter inference components."
        )
    thing.status = DELETING
    account.timeline.later(account.durations.removal, lambda: _gone(account, thing))
    return {}


def component(account: Account, name: str) -> Thing:
    """A component or adapter.  Raises Refusal."""
    if name not in account.components:
        raise missing("inference component", account.arn("inference-component", name))
    return account.components[name]


def _may_change(account: Account, thing: Thing, verb: str) -> None:
    if account.rules.transition_refuses and thing.status in MOVING:
        state = INTERNAL.get(thing.status, thing.status)
        raise Refusal(f'Cannot {verb} inference component "{thing.arn}" while it is in state {state}')


def _wanted_copies(request: dict[str, Any]) -> int:
    return int(request.get("RuntimeConfig", {}).get("CopyCount", 1))


def copies_of(account: Account, name: str) -> int:
    """The copies that a component shall have.  Raises Refusal."""
    return _wanted_copies(component(account, name).request)


def _need_room(account: Account, host: Thing, name: str, specification: dict[str, Any], copies: int) -> None:
    if account.rules.too_large_at_once and not scheduler.fits(account, host, name, specification, copies):
        raise Refusal(scheduler.NO_ROOM)


def _refuses_adapter(account: Account, operation: str, request: dict[str, Any]) -> bool:
    return account.faults.meets(ADAPTER, operation, request) is not None


def _change(
    account: Account,
    thing: Thing,
    specification: dict[str, Any],
    runtime: dict[str, Any] | None,
    trouble: Trouble,
    deployment: dict[str, Any],
) -> None:
    """An update begins: of the specification, of the number of copies, or of both."""
    copies = int(runtime["CopyCount"]) if runtime is not None else _wanted_copies(thing.request)
    host = account.endpoints.get(thing.request["EndpointName"])
    if host is not None and not adapters.base_of(thing):
        _need_room(account, host, thing.name, specification, copies)
    if runtime is not None:
        thing.request["RuntimeConfig"] = runtime
    thing.status, thing.changed = UPDATING, account.date
    _roll_out(account, thing, specification, copies, trouble, Guard(account, deployment, copies))


def _image(account: Account, specification: dict[str, Any]) -> Image:
    if "ModelName" in specification:
        return image_of(model(account, specification["ModelName"]))
    container = specification.get("Container", {})
    return Image(container.get("Image", ""), container.get("Environment", {}), container.get("ArtifactUrl", ""))


def _roll_out(
    account: Account, thing: Thing, specification: dict[str, Any], count: int, trouble: Trouble, guard: Guard | None
) -> None:
    """Starts the copies of a specification beside those that run; an adapter has none of its own.

    guard: of an update, None: a creation.
    """
    if trouble.capacity:
        reason = scheduler.NO_ROOM
        account.timeline.later(
            account.durations.copy, lambda: _settled(account, thing, specification, None, reason, guard)
        )
        return
    if trouble.stuck_s:
        later = trouble._replace(stuck_s=0.0)
        account.timeline.later(trouble.stuck_s, lambda: _roll_out(account, thing, specification, count, later, guard))
        return
    host = account.endpoints.get(thing.request["EndpointName"])
    if adapters.base_of(thing):
        _load(account, thing, specification, trouble, guard)
    elif host is not None and not scheduler.fits(account, host, thing.name, specification, count):
        _roll_out(account, thing, specification, count, trouble._replace(capacity=True), guard)
    else:
        _start(account, thing, specification, count, trouble, guard)


def _load(account: Account, thing: Thing, specification: dict[str, Any], trouble: Trouble, guard: Guard | None) -> None:
    """An adapter is loaded into the containers of its base."""
    base, uri = adapters.base_of(thing), adapters.artifact(specification)
    before = adapters.artifact(thing.running.get("Specification", {}))

    def load() -> None:
        why = adapters.FAILED_TO_LOAD.format(uri=uri) if trouble.deaf else ""
        why = why or adapters.loaded(account, thing.name, base, uri, before)
        _settled(account, thing, specification, None, why, guard)

    account.timeline.later(account.durations.copy, load)


def _start(
    account: Account, thing: Thing, specification: dict[str, Any], count: int, trouble: Trouble, guard: Guard | None
) -> None:
    timeout_s = float(
        specification.get("StartupParameters", {}).get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_S)
    )

    def done(group: Group, healthy: bool) -> None:
        if healthy and trouble.crash_s is not None:
            group.crash_in(trouble.crash_s)
        group.restarted = lambda copy: adapters.load_again(account, thing.name, copy)
        if guard is None or not healthy:
            _settled(account, thing, specification, group, "" if healthy else group.reason, guard)
        else:
            guard.finish(lambda why: _settled(account, thing, specification, group, why, guard))

    group, variant = f"{COMPONENTS}{thing.name}", str(thing.request.get("VariantName", "AllTraffic"))
    images = account.output.copies(group, variant, _image(account, specification), count)
    Group(images, account.launch, account.timeline, account.durations, timeout_s, done, trouble.deaf)


def _settled(
    account: Account,
    thing: Thing,
    specification: dict[str, Any],
    group: Group | None,
    reason: str,
    guard: Guard | None,
) -> None:
    """A creation or an update comes to its end.  reason: why it failed, empty where it did not."""
    if is_over(thing, group, reason, guard):
        return
    thing.changed = account.date
    if not reason:
        if thing.copies is not None:
            thing.copies.stop()
        thing.copies, thing.status = group, IN_SERVICE
        thing.running = {"Specification": specification}
        for copy in group.started if group is not None else []:
            adapters.load_again(account, thing.name, copy)
        return
    thing.reason = reason.format(variant=thing.request.get("VariantName", "AllTraffic"))
    thing.status = FAILED if guard is None else IN_SERVICE


def _gone(account: Account, thing: Thing) -> None:
    if thing.copies is not None:
        thing.copies.stop()
    if adapters.base_of(thing):
        adapters.dropped(account, thing.name, adapters.base_of(thing))
    account.components.pop(thing.name, None)
