"""A module's stack: made, changed and taken away by CloudFormation.  Law: nothing is changed but by a change set.

Each run looks at what is there and goes on from it, so that one that was interrupted may be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io.aws.cloudformation import CREATE, IMPORT, UPDATE, ChangeSet, CloudFormation
from mlcc.io.aws.connection import Caller
from mlcc.lifecycle.bootstrap import adoption
from mlcc.lifecycle.bootstrap.account import TAG, tags
from mlcc.lifecycle.bootstrap.modules import IDENTIFIERS, Kept, Module, kept, made, only
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Progress

STEP_S, LIMIT_S = 3.0, 3600.0
IN_PROGRESS, REVIEW = "_IN_PROGRESS", "REVIEW_IN_PROGRESS"
# A stack in these states holds nothing that works, and can only be deleted.
DEAD = ("CREATE_FAILED", "DELETE_FAILED", "IMPORT_ROLLBACK_COMPLETE", REVIEW, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
GOOD = ("CREATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE")
# What the first event of an operation says of the stack itself.
BEGINNINGS = ("CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "UPDATE_IN_PROGRESS")
ROLE_PARAMETER = "ExistingRoleArn"
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")
ACTIONS = {"Add": "create", "Modify": "update", "Remove": "delete", "Import": "adopt", "Dynamic": "update"}


class Tools(NamedTuple):
    """What a run works with.  caller: in the profile's region; clock: seconds since 1970."""

    caller: Caller
    progress: Progress
    sleep: Callable[[float], None]
    clock: Callable[[], float]


class Change(NamedTuple):
    """A change that CloudFormation announces.  replacement: whether the resource is made anew."""

    module: str
    resource: str
    kind: str
    action: str
    replacement: bool


class Outcome(NamedTuple):
    """What became of a module's stack: its changes, and its outputs by name (none where nothing was carried out)."""

    changes: tuple[Change, ...]
    outputs: Mapping[str, str]


def first_requests(module: Module, profile: Profile) -> list[ChangeSet]:
    """The change sets of a first deployment, without asking anybody."""
    name = f"mlcc-{module.name}"
    values = module.values(profile) | ({ROLE_PARAMETER: ""} if ROLE_PARAMETER in module.parameters else {})
    return [ChangeSet(module.stack_name(profile), name, CREATE, module.text(), values, tags(profile))]


def deploy(tools: Tools, module: Module, profile: Profile, account: str, carry_out: bool = True) -> Outcome:
    """Makes or updates a module's stack, and adopts what an earlier one left.

    account: the caller's number, which was compared with the profile's; carry_out: False to look at the changes only.
    Raises UserError where CloudFormation fails, or where a resource is somebody else's.
    """
    cloud = CloudFormation(tools.caller)
    name = module.stack_name(profile)
    stack = _alive(tools, cloud, name, profile, carry_out)
    values = _values(tools.caller, module, profile, stack)
    found: list[Change] = []
    document = module.document()
    there = kept(document, values, account, profile.region) if stack is None else []
    left = adoption.left(tools.caller, profile, account, there)
    if left:
        adopted = [one.adopted() for one in left]
        # an import takes no tags; the update that follows gives them
        wanted = ChangeSet(name, _name(tools, IMPORT), IMPORT, only(document, left), values, {}, adopted)
        found += _changed(tools, cloud, module, wanted, carry_out)
        if not carry_out:
            rest = set(made(document, values)) - {one.logical for one in left}
            found += [_created(module, logical, document["Resources"][logical]) for logical in sorted(rest)]
            return Outcome(tuple(found), {})
    kind = UPDATE if left or stack is not None else CREATE
    wanted = ChangeSet(name, _name(tools, kind), kind, module.text(), values, tags(profile))
    found += _changed(tools, cloud, module, wanted, carry_out)
    return Outcome(tuple(found), _outputs(cloud.stack(name)) if carry_out else {})


def _alive(tools: Tools, cloud: CloudFormation, name: str, profile: Profile, carry_out: bool) -> dict[str, Any] | None:
    """A stack that can be updated; one that cannot is taken away first."""
    stack = _settled(tools, cloud, name, profile)
    if stack is None or stack["StackStatus"] not in DEAD:
        return stack
    if carry_out:
        _delete(tools, cloud, stack)
    elif stack["StackStatus"] != REVIEW:
        message = f"the stack {quoted(name)} is in {stack['StackStatus']}, and is made anew by a deployment"
        raise UserError([error("MLCC346", message, hint="mlcc bootstrap deploy")])
    return None


def destroy(tools: Tools, module: Module, profile: Profile) -> list[Kept] | None:
    """Deletes a module's stack; the resources that stay.  None where there is no stack."""
    cloud = CloudFormation(tools.caller)
    stack = _settled(tools, cloud, module.stack_name(profile), profile)
    if stack is None:
        return None
    before = {r["LogicalResourceId"]: str(r.get("PhysicalResourceId", "")) for r in cloud.resources(stack["StackId"])}
    retained = [
        Kept(logical, one["Type"], before[logical])
        for logical, one in module.document()["Resources"].items()
        if one.get("DeletionPolicy") == "Retain" and before.get(logical)
    ]
    _delete(tools, cloud, stack)
    return retained


def observed(cloud: CloudFormation, name: str, profile: Profile) -> dict[str, Any] | None:
    """A stack of a profile as it is.  Raises UserError for somebody else's."""
    stack = cloud.stack(name)
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        return None
    if _tags(stack).get(TAG) != profile.prefix and not _half_adopted(cloud, stack):
        message = f"the stack {quoted(stack['StackName'])} is there, and was not made by mlcc bootstrap"
        raise UserError([error("MLCC344", message, hint="take another --prefix, or delete the stack by hand")])
    return stack


def _half_adopted(cloud: CloudFormation, stack: Mapping[str, Any]) -> bool:
    """Whether an adoption was interrupted before its stack had tags: it holds only what mlcc adopts."""
    if not str(stack["StackStatus"]).startswith(("IMPORT_", REVIEW)) or stack.get("Tags"):
        return False
    return all(one["ResourceType"] in IDENTIFIERS for one in cloud.resources(stack["StackName"]))


def _values(caller: Caller, module: Module, profile: Profile, stack: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters of a stack; whether it makes the role is settled once, with the stack."""
    values = module.values(profile)
    if ROLE_PARAMETER in values:
        before = {p["ParameterKey"]: p.get("ParameterValue", "") for p in (stack or {}).get("Parameters", ())}
        values[ROLE_PARAMETER] = before.get(ROLE_PARAMETER, "") if stack else adoption.existing_role(caller, profile)
    return values


def _changed(tools: Tools, cloud: CloudFormation, module: Module, wanted: ChangeSet, carry_out: bool) -> list[Change]:
    """Makes a change set and carries it out, or takes it away again; its changes."""
    tools.progress.say(f"CreateChangeSet {wanted.stack} ({wanted.kind.lower()})")
    identity = cloud.create_change_set(wanted)
    answer = wait(tools, lambda: cloud.change_set(identity), lambda a: a["Status"] in ("CREATE_COMPLETE", "FAILED"))
    reason = str(answer.get("StatusReason", ""))
    failed = answer["Status"] == "FAILED" or answer.get("ExecutionStatus") == "UNAVAILABLE"
    empty = failed and any(words in reason for words in NO_CHANGE)
    if failed or not carry_out:
        cloud.delete_change_set(identity)
        if wanted.kind != UPDATE:
            _delete_empty(tools, cloud, wanted.stack)
    if failed and not empty:
        message = f"CloudFormation refuses the change of {quoted(wanted.stack)}: {printable(reason, 600)}"
        raise UserError([error("MLCC343", message, hint="mend what it names, and run the same command again")])
    found = [] if empty else [_change(module.name, one["ResourceChange"]) for one in answer["Changes"]]
    if carry_out and not empty:
        cloud.execute_change_set(identity)
        _carried_out(tools, cloud, wanted.stack)
    return found


def _change(module: str, change: Mapping[str, Any]) -> Change:
    again = change.get("Replacement") == "True"
    action = ACTIONS.get(str(change.get("Action")), str(change.get("Action")))
    return Change(module, change["LogicalResourceId"], change["ResourceType"], action, again)


def _created(module: Module, logical: str, resource: Mapping[str, Any]) -> Change:
    """What the update after an adoption makes."""
    return Change(module.name, logical, str(resource["Type"]), "create", False)


def _carried_out(tools: Tools, cloud: CloudFormation, name: str) -> None:
    """Waits until a stack is in a last state.  Raises UserError for one that failed, with the first reason."""
    # for a moment the stack is still in the state that it was in
    tools.sleep(STEP_S)
    stack = wait(tools, lambda: cloud.stack(name) or {}, lambda s: not _busy(s) and s.get("StackStatus") != REVIEW)
    if stack.get("StackStatus") not in GOOD:
        raise _failed(cloud, stack)
    tools.progress.say(f"{name}: {stack['StackStatus']}")


def _failed(cloud: CloudFormation, stack: Mapping[str, Any]) -> UserError:
    """The first failure of the last operation: the later ones follow from it."""
    why = str(stack.get("StackStatusReason", ""))
    for event in cloud.events(str(stack["StackId"])):
        status, reason = str(event.get("ResourceStatus", "")), str(event.get("ResourceStatusReason", ""))
        if event.get("PhysicalResourceId") == stack["StackId"] and status in BEGINNINGS:
            break
        if status.endswith("_FAILED") and "cancelled" not in reason.lower():
            why = f"{event.get('LogicalResourceId')}: {reason}"
    message = f"the stack {quoted(str(stack['StackName']))} is in {stack['StackStatus']}: {printable(why, 600)}"
    return UserError([error("MLCC343", message, hint="mend what it names, and run the same command again")])


def _settled(tools: Tools, cloud: CloudFormation, name: str, profile: Profile) -> dict[str, Any] | None:
    """A stack once no operation on it runs."""
    stack = observed(cloud, name, profile)
    if stack is not None and _busy(stack):
        tools.progress.say(f"{name} is in {stack['StackStatus']}; waiting")
        identity = str(stack["StackId"])
        stack = wait(tools, lambda: cloud.stack(identity) or {}, lambda s: not _busy(s))
        stack = None if stack.get("StackStatus", "DELETE_COMPLETE") == "DELETE_COMPLETE" else stack
    if stack is not None and stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        message = f"the stack {quoted(name)} is in UPDATE_ROLLBACK_FAILED, and only its rollback can go on"
        raise UserError(
            [error("MLCC346", message, hint=f"aws cloudformation continue-update-rollback --stack-name {name}")]
        )
    return stack


def _busy(stack: Mapping[str, Any]) -> bool:
    status = str(stack.get("StackStatus", ""))
    return status.endswith(IN_PROGRESS) and status != REVIEW


def _delete(tools: Tools, cloud: CloudFormation, stack: Mapping[str, Any]) -> None:
    identity, name = str(stack["StackId"]), str(stack["StackName"])
    empty = " (it is empty)" if stack["StackStatus"] == REVIEW else ""
    tools.progress.say(f"DeleteStack {name}{empty}")
    cloud.delete_stack(identity)
    tools.sleep(STEP_S)
    gone = {"StackStatus": "DELETE_COMPLETE"}
    last = wait(tools, lambda: cloud.stack(identity) or gone, lambda s: not _busy(s) and s["StackStatus"] != REVIEW)
    if last["StackStatus"] != "DELETE_COMPLETE":
        raise _failed(cloud, last)


def _delete_empty(tools: Tools, cloud: CloudFormation, name: str) -> None:
    """Takes away the stack without resources that a change set for a new stack leaves."""
    stack = cloud.stack(name)
    if stack is not None and stack["StackStatus"] == REVIEW:
        _delete(tools, cloud, stack)


def wait(tools: Tools, look: Callable[[], dict[str, Any]], done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Looks until it is done.  Raises UserError after an hour."""
    waited = 0.0
    while not done(found := look()):
        if waited >= LIMIT_S:
            message = f"CloudFormation has not come to an end for {LIMIT_S:.0f} s"
            raise UserError(
                [error("MLCC346", message, hint="run the same command again: it goes on where this stopped")]
            )
        tools.sleep(STEP_S)
        waited += STEP_S
    return found


def _tags(stack: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())}


def _outputs(stack: Mapping[str, Any] | None) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in (stack or {}).get("Outputs", ())}


def _name(tools: Tools, kind: str) -> str:
    """A name that no other change set of a stack has."""
    return f"mlcc-{kind.lower()}-{int(tools.clock() * 1000)}"
