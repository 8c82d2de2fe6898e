"""Model packages and their groups.  Law: a version of a group is deployed once it is approved, as it was registered.

Texts: moto 7165 (CreateModelPackage), aws/sagemaker-python-sdk 3301 (the environment), aws-cloudformation's provider of
AWS::SageMaker::ModelPackage for names that are taken and names that are not there.  A package without a validation
profile has nothing to validate it with, so that it is Completed at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.servers.devserver import listing
from mlcc.servers.devserver.model_rules import check_members
from mlcc.servers.devserver.refusal import CONFLICT, NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import COMPLETED, Account, Thing

APPROVED, PENDING, APPROVAL = "Approved", "PendingManualApproval", "ModelApprovalStatus"
GROUP, NAME = "ModelPackageGroupName", "ModelPackageName"
VERSIONED, UNVERSIONED, BOTH = "Versioned", "Unversioned", "Both"
# What UpdateModelPackage changes here.
CHANGED = (APPROVAL, "ApprovalDescription")


# ---------------------------------------------------------------- groups
def create_group(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModelPackageGroup."""
    name = request[GROUP]
    if name.lower() in account.groups:
        raise Refusal(f"Model Package Group already exists: {account.groups[name.lower()].arn}")
    thing = account.made("model-package-group", name, request, COMPLETED)
    account.groups[name.lower()] = thing
    return {"ModelPackageGroupArn": thing.arn}


def delete_group(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModelPackageGroup: of one without versions."""
    thing = _group(account, request[GROUP])
    if any(_group_of(package) == thing.name for package in account.packages.values()):
        raise Refusal(f"Model Package Group {thing.arn} still has model packages.", CONFLICT)
    del account.groups[thing.name.lower()]
    return {}


def _group(account: Account, name: str) -> Thing:
    """A group by its name or ARN.  Raises Refusal."""
    return _found(account, account.groups, name, "model-package-group", "Model Package Group")


# ---------------------------------------------------------------- packages
def create(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModelPackage: the next version of a group, or a package of its own."""
    check_members("package", request)
    for container in request.get("InferenceSpecification", {}).get("Containers", ()):
        check_members("packaged container", container)
    if GROUP in request and NAME in request:
        both = f"Both {NAME} and {GROUP} are provided in the input."
        raise Refusal(f"{both} Cannot determine which one to use.")
    if GROUP in request:
        if request.get("Tags"):
            raise Refusal("Tags of a versioned model package are those of its Model Package Group.")
        name = _next_version(account, _group(account, request[GROUP]))
        request = {APPROVAL: PENDING, **request, GROUP: name.partition("/")[0]}
    elif NAME in request:
        name = request[NAME]
        if name.lower() in account.packages:
            raise Refusal(f"Model Package already exists: {account.packages[name.lower()].arn}")
    else:
        raise Refusal("Missing ARN.")
    shown = {member: value for member, value in request.items() if member != "ClientToken"}
    thing = account.made("model-package", name, shown, COMPLETED)
    account.packages[name.lower()] = thing
    return {"ModelPackageArn": thing.arn}


def _next_version(account: Account, group: Thing) -> str:
    """The name of a group's next version; a number is never given twice."""
    number = group.running["versions"] = int(group.running.get("versions", 0)) + 1
    return f"{group.name}/{number}"


def describe(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeModelPackage."""
    thing = package(account, request[NAME])
    details: dict[str, Any] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    own = {NAME: _group_of(thing) or thing.name, "ModelPackageStatusDetails": details}
    return {**thing.request, **own, **_summary(thing)}


def update(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateModelPackage: whether a version is approved."""
    for name in request:
        if name not in ("ModelPackageArn", *CHANGED):
            raise Refusal(f"{name} is not there in this server", *NOT_IMPLEMENTED)
    thing = package(account, request["ModelPackageArn"])
    thing.request |= {name: request[name] for name in CHANGED if name in request}
    thing.changed = account.date
    return {"ModelPackageArn": thing.arn}


def delete(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModelPackage: models that were made of it serve on."""
    del account.packages[package(account, request[NAME]).name.lower()]
    return {}


def listed(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListModelPackages: without a type those without a version, the oldest first."""
    kind, group = request.get("ModelPackageType", UNVERSIONED), request.get(GROUP)
    found = [
        thing
        for thing in account.packages.values()
        if kind in (BOTH, VERSIONED if _group_of(thing) else UNVERSIONED)
        and (group is None or _group_of(thing).lower() == _key(group))
        and request.get(APPROVAL, thing.request.get(APPROVAL)) == thing.request.get(APPROVAL)
        and listing.wanted(thing, request)
    ]
    by_name = request.get("SortBy") == "Name"
    found.sort(key=lambda thing: (thing.name if by_name else thing.created, *_place(thing)))
    if request.get("SortOrder") == "Descending":
        found.reverse()
    shown, following = listing.page(found, request)
    return {"ModelPackageSummaryList": [_summary(thing) for thing in shown], **following}


def _summary(thing: Thing) -> dict[str, Any]:
    group, version = _place(thing)
    named = {GROUP: group, "ModelPackageVersion": version} if version else {NAME: thing.name}
    own = {name: thing.request[name] for name in ("ModelPackageDescription", APPROVAL) if name in thing.request}
    state = {"ModelPackageArn": thing.arn, "CreationTime": thing.created, "ModelPackageStatus": thing.status}
    return {**named, **own, **state}


def package(account: Account, name: str) -> Thing:
    """A package by its name, `GROUP/VERSION` or ARN.  Raises Refusal."""
    return _found(account, account.packages, name, "model-package", "ModelPackage")


def _place(thing: Thing) -> tuple[str, int]:
    """Group and version of a package; of one without, its name and 0."""
    name, _, version = thing.name.partition("/")
    return name, int(version or 0)


def _group_of(thing: Thing) -> str:
    return str(thing.request.get(GROUP, ""))


def _key(name: str) -> str:
    """A name or ARN as the tables have it."""
    return (name.partition("/")[2] if name.startswith("arn:") else name).lower()


def _found(account: Account, known: Mapping[str, Thing], name: str, kind: str, word: str) -> Thing:
    """What a name means, or an ARN, which may be of another account or region.  kind: in ARNs; word: in refusals."""
    arn = name if name.startswith("arn:") else account.arn(kind, name)
    found = known.get(_key(name))
    if found is None or arn.lower() != found.arn.lower():
        raise Refusal(f"{word} {arn} does not exist.")
    return found


# ---------------------------------------------------------------- models
def container_of(account: Account, container: dict[str, Any]) -> dict[str, Any]:
    """What a model runs whose container may name a package: image, data and environment are the package's.

    Raises Refusal.
    """
    if NAME not in container:
        return container
    thing = package(account, container[NAME])
    if account.rules.packages_need_approval and thing.request.get(APPROVAL, APPROVED) != APPROVED:
        raise Refusal(f"ModelPackage {thing.arn} is not Approved.")
    if account.rules.packages_bring_their_image and "Image" in container:
        raise Refusal(f"Image cannot be specified together with {NAME}.")
    inside = thing.request.get("InferenceSpecification", {}).get("Containers", ())
    if not inside:
        raise Refusal(f"ModelPackage {thing.arn} has no InferenceSpecification.")
    if len(inside) > 1:
        raise Refusal("a package of several containers is not there in this server", *NOT_IMPLEMENTED)
    own, given = inside[0].get("Environment", {}), container.get("Environment", {})
    if account.rules.packages_keep_environment and own and given:
        shown = (", ".join(f"{name}={value}" for name, value in each.items()) for each in (own, given))
        text = "Environment variable map cannot be specified both at Model Package {{{}}} and Model {{{}}}."
        raise Refusal(text.format(*shown))
    rest = {name: value for name, value in container.items() if name != NAME}
    return {**rest, **inside[0], "Environment": {**own, **given}}
