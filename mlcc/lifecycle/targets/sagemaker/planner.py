"""From what shall be there and what is there to the calls in between.  Law: pure; equal states give no call.

The list that this makes is what `--dry-run` prints, what `--plan` explains, and what the executor carries out.  Nothing
that changes by itself is compared: times, states of a scaler, members that the service adds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Union

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.lifecycle.targets.sagemaker.comparison import COPIES, Observed, Seen, changes, is_scaled, tag_changes
from mlcc.lifecycle.targets.sagemaker.desired import (
    ADAPTER,
    ALARM,
    COMPONENT,
    CONFIG,
    ENDPOINT,
    JOB,
    MODEL,
    SCALABLE,
    TRACKING,
    WAKING,
    Desired,
    Resource,
)
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS, tagged
from mlcc.lifecycle.targets.sagemaker.states import COMPLETED, DEAD, IN_PROGRESS, IN_SERVICE, MOVING, STOPPED

GONE = "gone"
# In the order in which things can be taken away; the other way round they were made.
TEARDOWN = (ALARM, WAKING, TRACKING, SCALABLE, ADAPTER, COMPONENT, ENDPOINT, CONFIG, MODEL)


# Where a component or an adapter lies: an update has no member for the first two, and the third is named "only if your
# request is meant to create an adapter" (botocore: CreateInferenceComponent).
HOSTS = {
    "EndpointName": "it belongs to another endpoint",
    "VariantName": "it belongs to another variant",
    "Specification.BaseInferenceComponentName": "it belongs to another component",
}


class Call(NamedTuple):
    """A call to make.  why: for people; kind and name: of the resource that it is about."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    kind: str
    name: str
    why: str


class Wait(NamedTuple):
    """Wait until a resource has a state.

    until: IN_SERVICE, COMPLETED, STOPPED, GONE, or an empty text for any state that is not in MOVING; expects: what it
    must be made of by then, because a failed update returns to IN_SERVICE as it was; anew: the plan is made anew after
    it.
    """

    kind: str
    name: str
    until: str
    expects: Mapping[str, Any] = EMPTY
    anew: bool = False


Instruction = Union[Call, Wait]


def plan(
    wanted: Desired, seen: Observed, replaced: Collection[tuple[str, str]] = frozenset()
) -> tuple[Instruction, ...]:
    """The calls that make the account hold what is wanted, and the waits between them, in order.

    replaced: kind and name of what cannot be changed in place: where it differs it is taken away, and made anew.
    """
    moving = [key for key, one in seen.items() if one.status in MOVING]
    if moving:
        return tuple(Wait(kind, name, "", anew=True) for kind, name in moving)
    found: list[Instruction] = [*_dead(wanted, seen), *_replaced(wanted, seen, replaced)]
    rest = {key: one for key, one in seen.items() if key not in {(i.kind, i.name) for i in found}}
    found += _surplus(wanted, rest, (ALARM, WAKING, TRACKING, SCALABLE, ADAPTER, COMPONENT))
    found += _made(wanted, rest)
    # an endpoint of an earlier name serves until the new one does
    found += _surplus(wanted, rest, (ENDPOINT, CONFIG, MODEL))
    return tuple(found)


def teardown(seen: Observed) -> tuple[Instruction, ...]:
    """The calls that take away all that is there, and the waits between them, in order."""
    jobs = [key for key, one in seen.items() if key[0] == JOB and one.status == IN_PROGRESS]
    if jobs:  # what runs costs until it is stopped
        return tuple(_all_gone(JOB, jobs, seen, "the project is taken away"))
    moving = [key for key, one in seen.items() if one.status in MOVING]
    if moving:
        return tuple(Wait(kind, name, "", anew=True) for kind, name in moving)
    found: list[Instruction] = []
    for kind in TEARDOWN:
        found += _all_gone(kind, [(k, n) for k, n in seen if k == kind], seen, "the project is taken away")
    return tuple(found)


# ---------------------------------------------------------------- what is there and shall not be
def _dead(wanted: Desired, seen: Observed) -> Iterator[Instruction]:
    """What has failed and is wanted: it is taken away, so that it can be made anew.

    With a dead endpoint its components go, too: they cannot outlive it.
    """
    dead = {key for key, one in seen.items() if one.status in DEAD}
    if (ENDPOINT, wanted.endpoint) in dead:
        dead |= {key for key in seen if key[0] in (SCALABLE, TRACKING, WAKING, ALARM, ADAPTER, COMPONENT)}
    based = {r.name for r in wanted.of(ADAPTER) if (COMPONENT, _base(r.parameters)) in dead}
    dead |= {(ADAPTER, name) for name in based if (ADAPTER, name) in seen}
    for kind in TEARDOWN:
        yield from _all_gone(kind, [key for key in seen if key in dead and key[0] == kind], seen, "it has failed")


def made_anew(
    wanted: Desired, seen: Observed, replaced: Collection[tuple[str, str]] = frozenset()
) -> dict[tuple[str, str], str]:
    """What differs, and is taken away and made anew, by kind and name, with the reason.

    A component stays on its variant, and adapters go with their base.  replaced: what cannot be changed in place.
    """
    gone: dict[tuple[str, str], str] = {}
    for resource in wanted.resources:
        key = resource.kind, resource.name
        changed = changes(resource, seen[key], wanted) if key in seen else {}
        if key in replaced and changed:
            gone[key] = "it cannot be changed in place"
        moved = next((why for member, why in HOSTS.items() if member in changed), "")
        if moved and resource.kind in (COMPONENT, ADAPTER):
            gone[key] = moved
    for (kind, name), one in seen.items():
        if kind == ADAPTER and (COMPONENT, _base(one.parameters)) in gone:
            gone.setdefault((kind, name), "its base is made anew")
    return gone


def _replaced(wanted: Desired, seen: Observed, replaced: Collection[tuple[str, str]]) -> Iterator[Instruction]:
    gone = made_anew(wanted, seen, replaced)
    for kind in TEARDOWN:
        keys = [key for key in gone if key[0] == kind]
        for why in dict.fromkeys(gone[key] for key in keys):
            yield from _all_gone(kind, [key for key in keys if gone[key] == why], seen, why)


def _surplus(wanted: Desired, seen: Observed, kinds: Sequence[str]) -> Iterator[Instruction]:
    """What the project does not have any more."""
    known = {(r.kind, r.name) for r in wanted.resources}
    for kind in (k for k in TEARDOWN if k in kinds):
        gone = [key for key in seen if key[0] == kind and key not in known]
        yield from _all_gone(kind, gone, seen, "the project does not have it any more")


def _all_gone(kind: str, keys: Sequence[tuple[str, str]], seen: Observed, why: str) -> Iterator[Instruction]:
    """All of a kind begin to go, then one waits for them."""
    for key in keys:
        yield _delete(*key, seen[key], why)
    if OPERATIONS[kind].settles:
        for key in keys:
            yield Wait(*key, STOPPED if kind == JOB else GONE)


def _delete(kind: str, name: str, one: Seen, why: str) -> Call:
    operations = OPERATIONS[kind]
    if kind == ALARM:
        return Call(operations.service, operations.delete, {"AlarmNames": [name]}, kind, name, why)
    identity = {member: one.parameters[member] for member in operations.identity}
    return Call(operations.service, operations.delete, identity, kind, name, why)


# ---------------------------------------------------------------- what shall be there
# Made one group after the other: a group needs that the one before it serves.
GROUPS = ((MODEL,), (CONFIG,), (ENDPOINT,), (COMPONENT,), (ADAPTER,), (SCALABLE, TRACKING, WAKING, ALARM), (JOB,))


def _made(wanted: Desired, seen: Observed) -> Iterator[Instruction]:
    """What is not there, and what is there and differs; after each group one waits until it serves."""
    parked = _parked(wanted, seen)
    for group in GROUPS:
        touched = []
        for resource in wanted.of(*group):
            one = seen.get((resource.kind, resource.name))
            calls = list(_calls(_with_a_copy(resource) if resource in parked else resource, one, wanted))
            yield from calls
            # a job that has failed cannot be made anew under its name: waiting for it says why it failed
            through = resource.kind == JOB and one is not None and one.status != COMPLETED
            if (calls and OPERATIONS[resource.kind].settles) or through:
                touched.append(resource)
        yield from map(_settled, touched)
        if ADAPTER in group:
            yield from (_runtime(r, "it needs a copy only to be made, and while its adapters load") for r in parked)
            yield from map(_settled, parked)


def _parked(wanted: Desired, seen: Observed) -> list[Resource]:
    """Components without a copy that need one for a while: the service makes none with 0, and a copy loads adapters."""
    loading = {_base(r.parameters) for r in wanted.of(ADAPTER) if _differs(r, seen, wanted)}
    return [
        r
        for r in wanted.of(COMPONENT)
        if _copies(r) == 0 and ((COMPONENT, r.name) not in seen or (r.name in loading and not is_scaled(r, wanted)))
    ]


def _differs(resource: Resource, seen: Observed, wanted: Desired) -> bool:
    one = seen.get((resource.kind, resource.name))
    return one is None or bool(changes(resource, one, wanted))


def _with_a_copy(resource: Resource) -> Resource:
    return resource._replace(parameters={**resource.parameters, "RuntimeConfig": {"CopyCount": 1}})


def _settled(resource: Resource) -> Wait:
    """Waits until a resource is what it shall be, not only until it serves: a failed update serves as before."""
    expected = {k: v for k, v in resource.parameters.items() if k in ("EndpointConfigName", "Specification")}
    return Wait(resource.kind, resource.name, COMPLETED if resource.kind == JOB else IN_SERVICE, expected)


def _copies(resource: Resource) -> Any:
    return resource.parameters.get("RuntimeConfig", {}).get("CopyCount")


def _calls(resource: Resource, one: Seen | None, wanted: Desired) -> Iterator[Call]:
    operations = OPERATIONS[resource.kind]
    if one is None:
        parameters = {**resource.parameters, **tagged(operations, wanted.tags)}
        yield _call(resource, operations.create, parameters, "it is not there yet")
        return
    changed = changes(resource, one, wanted)
    if changed:
        yield _changed(resource, changed, wanted)
    marked = tag_changes(resource, one, wanted)
    if marked:
        tags = [{"Key": tag, "Value": value} for tag, (_, value) in sorted(marked.items())]
        yield _call(
            resource, "AddTags", {"ResourceArn": one.arn, "Tags": tags}, f"its tags differ in {', '.join(marked)}"
        )


def _changed(resource: Resource, changed: Mapping[str, Any], wanted: Desired) -> Call:
    """The call that makes what is there what it shall be."""
    operations, why = OPERATIONS[resource.kind], "it differs in " + ", ".join(changed)
    if resource.kind == ENDPOINT:
        return _call(resource, operations.update, {**resource.parameters, **resource.update}, why)
    if resource.kind in (COMPONENT, ADAPTER):
        return _component_update(resource, changed, wanted, why)
    return _call(resource, operations.create, dict(resource.parameters), why)


def _runtime(resource: Resource, why: str) -> Call:
    parameters = {
        "InferenceComponentName": resource.name,
        "DesiredRuntimeConfig": resource.parameters["RuntimeConfig"],
    }
    return _call(resource, "UpdateInferenceComponentRuntimeConfig", parameters, why)


def _component_update(resource: Resource, changed: Mapping[str, Any], wanted: Desired, why: str) -> Call:
    if [*changed] == [COPIES]:
        return _runtime(resource, why)
    parameters = {
        "InferenceComponentName": resource.name,
        "Specification": resource.parameters["Specification"],
        **resource.update,
    }
    if "RuntimeConfig" in resource.parameters and not is_scaled(resource, wanted):
        parameters["RuntimeConfig"] = resource.parameters["RuntimeConfig"]
    return _call(resource, OPERATIONS[resource.kind].update, parameters, why)


def _call(resource: Resource, operation: str, parameters: Mapping[str, Any], why: str) -> Call:
    return Call(OPERATIONS[resource.kind].service, operation, parameters, resource.kind, resource.name, why)


def _base(parameters: Mapping[str, Any]) -> str:
    return str(parameters.get("Specification", {}).get("BaseInferenceComponentName", ""))
