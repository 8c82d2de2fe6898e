"""AWS Identity and Access Management: roles, and what a caller may do.  Law: one typed function a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "iam"
ALLOWED = "allowed"
MISSING = "NoSuchEntity"


class Role(NamedTuple):
    """A role: its ARN (with its path) and its tags."""

    arn: str
    tags: Mapping[str, str]


def role(caller: Caller, name: str) -> Role | None:
    """GetRole."""
    try:
        found = caller.call(SERVICE, "GetRole", {"RoleName": name})["Role"]
    except AwsError as problem:
        if problem.code == MISSING:
            return None
        raise
    return Role(str(found["Arn"]), {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())})


def create_role(caller: Caller, parameters: Mapping[str, Any]) -> str:
    """CreateRole: its ARN."""
    return str(caller.call(SERVICE, "CreateRole", parameters)["Role"]["Arn"])


def put_policy(caller: Caller, parameters: Mapping[str, Any]) -> None:
    """PutRolePolicy."""
    caller.call(SERVICE, "PutRolePolicy", parameters)


def delete_role(caller: Caller, name: str, policy: str) -> None:
    """DeleteRolePolicy and DeleteRole; what is gone is no error."""
    for operation, more in (("DeleteRolePolicy", {"PolicyName": policy}), ("DeleteRole", {})):
        try:
            caller.call(SERVICE, operation, {"RoleName": name, **more})
        except AwsError as problem:
            if problem.code != MISSING:
                raise


def refused(
    caller: Caller, principal: str, actions: Sequence[str], resources: Sequence[str], context: Mapping[str, str]
) -> Iterator[str]:
    """SimulatePrincipalPolicy: the actions that a principal may not carry out on all of some resources.

    context: keys of conditions, each with its value.
    """
    wanted: dict[str, Any] = {
        "PolicySourceArn": principal,
        "ActionNames": list(actions),
        "ResourceArns": list(resources),
        "ContextEntries": [
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in sorted(context.items())
        ],
    }
    while True:
        answer = caller.call(SERVICE, "SimulatePrincipalPolicy", wanted)
        for found in answer.get("EvaluationResults", ()):
            if found.get("EvalDecision") != ALLOWED:
                yield str(found["EvalActionName"])
        if not answer.get("IsTruncated"):
            return
        wanted["Marker"] = answer["Marker"]
