"""What of a module is there, and what of it was changed by hand.  Law: CloudFormation looks; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.aws.cloudformation import CloudFormation
from mlcc.lifecycle.bootstrap.modules import Module
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.bootstrap.stacks import IN_PROGRESS, Tools, observed, wait

NOT_DEPLOYED, DRIFTED = "NOT_DEPLOYED", "DRIFTED"
SHOWN = 200


class Part(NamedTuple):
    """A resource of a stack.

    drift: IN_SYNC, MODIFIED, DELETED, or NOT_CHECKED where CloudFormation cannot look or was not asked; differences:
    what of it was changed, a line each.
    """

    resource: str
    kind: str
    name: str
    status: str
    drift: str
    differences: tuple[str, ...] = ()


class Report(NamedTuple):
    """A module's stack: its status, whether it drifted (IN_SYNC, DRIFTED, NOT_CHECKED, or why it is not known)."""

    module: str
    stack: str
    status: str
    drift: str = "NOT_CHECKED"
    parts: tuple[Part, ...] = ()


def report(tools: Tools, module: Module, profile: Profile, detect: bool) -> Report:
    """The state of a module.  detect: also ask CloudFormation for drift, which takes a minute."""
    cloud = CloudFormation(tools.caller)
    name = module.stack_name(profile)
    stack = observed(cloud, name, profile)
    if stack is None:
        return Report(module.name, name, NOT_DEPLOYED)
    status, word, drifts = str(stack["StackStatus"]), "NOT_CHECKED", {}
    if detect and not status.endswith(IN_PROGRESS) and not status.startswith("DELETE"):
        word = _detected(tools, cloud, name)
        drifts = {one["LogicalResourceId"]: one for one in cloud.drifts(name)}
    parts = (_part(one, drifts.get(one["LogicalResourceId"], {})) for one in cloud.resources(name))
    return Report(module.name, name, status, word, tuple(parts))


def lines(found: Report) -> Iterator[str]:
    """A report for people."""
    if found.status == NOT_DEPLOYED:
        yield f"{found.module}: not deployed (mlcc bootstrap deploy {found.module})"
        return
    yield f"{found.module}: {found.status}, drift: {found.drift} (stack {found.stack})"
    for one in found.parts:
        yield f"  {one.resource:<22} {one.kind:<24} {one.status:<16} {one.drift:<8} {one.name}".rstrip()
        yield from (f"    {text}" for text in one.differences)


def _detected(tools: Tools, cloud: CloudFormation, name: str) -> str:
    """Waits for a detection of drift; its result, or why there is none."""
    detection = cloud.detect_drift(name)
    answer = wait(
        tools, lambda: cloud.drift_detection(detection), lambda a: not a["DetectionStatus"].endswith(IN_PROGRESS)
    )
    if answer["DetectionStatus"] == "DETECTION_FAILED":
        return printable(str(answer.get("DetectionStatusReason", "DETECTION_FAILED")), SHOWN)
    return str(answer.get("StackDriftStatus", "UNKNOWN"))


def _part(resource: Mapping[str, Any], drift: Mapping[str, Any]) -> Part:
    return Part(
        str(resource["LogicalResourceId"]),
        str(resource["ResourceType"]),
        str(resource.get("PhysicalResourceId", "")),
        str(resource["ResourceStatus"]),
        str(drift.get("StackResourceDriftStatus", "NOT_CHECKED")),
        tuple(_difference(one) for one in drift.get("PropertyDifferences", ())),
    )


def _difference(one: Mapping[str, Any]) -> str:
    """One changed property: where, what the template says, what is there."""
    path, before, after = (str(one.get(k, "")) for k in ("PropertyPath", "ExpectedValue", "ActualValue"))
    return f"{printable(path, SHOWN)}: {printable(before, SHOWN)} -> {printable(after, SHOWN)}"
