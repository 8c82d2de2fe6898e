"""What is there against what shall be.  Law: pure; nothing that changes by itself is a difference.

Times, states of a scaler, and members that a service adds to a structure are not compared: deploy, and the live plan
is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.paths import EMPTY, leaves
from mlcc.core.records import NamedTuple
from mlcc.lifecycle.targets.live_plan import Difference
from mlcc.lifecycle.targets.sagemaker.desired import (
    CONFIG,
    EXPIRES_TAG,
    JOB,
    MODEL,
    SCALABLE,
    Desired,
    PolicyArn,
    Resource,
)
from mlcc.lifecycle.targets.sagemaker.states import DEAD, IN_SERVICE


class Seen(NamedTuple):
    """A resource of the account.

    parameters: what it was made with, as far as the service tells; status: of what settles; reason: its
    FailureReason, which may be of an update before the last; tags and arn: of what takes tags; copies: of a component,
    that run by now.
    """

    parameters: Mapping[str, Any]
    status: str = ""
    reason: str = ""
    tags: Mapping[str, str] = EMPTY
    arn: str = ""
    copies: int | None = None


Observed = Mapping[tuple[str, str], Seen]


COPIES = "RuntimeConfig.CopyCount"
# Structures that a service keeps as they were given, so that a member too many is a difference; into others it writes
# members of its own.
EXACT = ("Specification.ComputeResourceRequirements",)


# Members whose standard value the service may show where nobody gave them: any other value is a difference.
_POLICY = "TargetTrackingScalingPolicyConfiguration"
STANDARD = {f"{_POLICY}.ScaleInCooldown": 300, f"{_POLICY}.ScaleOutCooldown": 300}


def tag_changes(resource: Resource, one: Seen, wanted: Desired) -> dict[str, tuple[Any, Any]]:
    """Tags of a resource that differ, by name: what is there, and what shall be.

    Tags that the project does not name may be somebody else's, and the end of its life changes with each deployment.
    """
    if resource.kind == JOB or not one.arn:
        return {}
    named = {tag: value for tag, value in wanted.tags.items() if tag != EXPIRES_TAG}
    return {tag: (one.tags.get(tag), value) for tag, value in named.items() if one.tags.get(tag) != value}


def changes(resource: Resource, one: Seen, wanted: Desired) -> dict[str, tuple[Any, Any]]:
    """Fields of a resource that differ, by path: what is there, and what shall be."""
    if resource.kind in (MODEL, CONFIG, JOB):
        return {}  # its name holds a digest of its content
    before, after = dict(leaves(one.parameters)), dict(leaves(resource.parameters))
    if is_scaled(resource, wanted):
        before.pop(COPIES, None)
        after.pop(COPIES, None)
    surplus = [p for p in before if p not in after and (p.startswith(EXACT) or STANDARD.get(p, before[p]) != before[p])]
    return {p: (before.get(p), after.get(p)) for p in (*after, *surplus) if not _equal(before.get(p), after.get(p))}


def _equal(before: Any, after: Any) -> bool:
    """Whether two values are the same to the service, which answers 1.0 where 1 was given."""
    if isinstance(after, PolicyArn):
        return before is not None  # only the service knows it
    if isinstance(after, list):
        return isinstance(before, list) and len(before) == len(after) and all(map(_equal, before, after))
    return bool(before == after)


def is_scaled(resource: Resource, wanted: Desired) -> bool:
    """Whether a scaler decides how many copies a component has."""
    return any(r.name == f"inference-component/{resource.name}" for r in wanted.of(SCALABLE))


# ---------------------------------------------------------------- for people
def differences(wanted: Desired, seen: Observed) -> tuple[Difference, ...]:
    """Every field in which the account is not as wanted.

    A model and an endpoint configuration are never changed but replaced: what differs between the old and the new one
    is shown at the component or the endpoint that uses them.
    """
    found: list[Difference] = []
    for resource in wanted.resources:
        one = seen.get((resource.kind, resource.name))
        if one is None:
            found.append(Difference(resource.kind, resource.name, "", None, resource.parameters))
            continue
        if one.status in DEAD and resource.kind != JOB:  # whatever it says of itself, it is made anew
            found.append(Difference(resource.kind, resource.name, "Status", one.status, IN_SERVICE))
        for path, (before, after) in changes(resource, one, wanted).items():
            found += _replaced(resource, path, before, after, wanted, seen)
        found += [
            Difference(resource.kind, resource.name, f"Tags.{tag}", before, after)
            for tag, (before, after) in tag_changes(resource, one, wanted).items()
        ]
    known = {(r.kind, r.name) for r in wanted.resources}
    gone = [key for key in seen if key not in known and key[0] != JOB]
    return (*found, *(Difference(kind, name, "", seen[kind, name].parameters, None) for kind, name in gone))


# What a member names that is replaced, never changed.
NAMES = {"EndpointConfigName": CONFIG, "ModelName": MODEL}


def _replaced(
    resource: Resource, path: str, before: Any, after: Any, wanted: Desired, seen: Observed
) -> Iterator[Difference]:
    """A changed field; where it names something that was replaced, the fields of that (and of what that names)."""
    kind = NAMES.get(path.rpartition(".")[2], "")
    old = seen.get((kind, str(before)))
    new = next((r for r in wanted.of(kind) if r.name == after), None) if kind else None
    if old is None or new is None:
        yield Difference(resource.kind, resource.name, path, before, after)
        return
    yield from fields(resource, _content(old.parameters), _content(new.parameters), wanted, seen)


def _content(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters without the resource's own name."""
    return {name: value for name, value in parameters.items() if name not in NAMES}


def fields(
    resource: Resource, old: Mapping[str, Any], new: Mapping[str, Any], wanted: Desired, seen: Observed
) -> Iterator[Difference]:
    """Every field in which two sets of parameters differ.  resource: where they are shown."""
    before, after = dict(leaves(old, into_lists=True)), dict(leaves(new, into_lists=True))
    for path in dict.fromkeys([*after, *before]):
        if not _equal(before.get(path), after.get(path)):
            yield from _replaced(resource, path, before.get(path), after.get(path), wanted, seen)
