"""AWS Identity and Access Management: roles, and what a caller may do.  Law: one typed method a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "iam"
ALLOWED = "allowed"
MISSING = "NoSuchEntity"


class Role(NamedTuple):
    """A role: its ARN (with its path) and its tags."""

    arn: str
    tags: Mapping[str, str]


class Iam:
    """Roles of an account, and what a principal may do."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def role(self, name: str) -> Role | None:
        """GetRole."""
        try:
            found = self._caller.call(SERVICE, "GetRole", {"RoleName": name})["Role"]
        except AwsError as problem:
            if problem.code == MISSING:
                return None
            raise
        return Role(str(found["Arn"]), {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())})

    def create_role(self, parameters: Mapping[str, Any]) -> str:
        """CreateRole: its ARN."""
        return str(self._caller.call(SERVICE, "CreateRole", parameters)["Role"]["Arn"])

    def put_policy(self, parameters: Mapping[str, Any]) -> None:
        """PutRolePolicy."""
        self._caller.call(SERVICE, "PutRolePolicy", parameters)

    def delete_role(self, name: str, policy: str) -> None:
        """DeleteRolePolicy and DeleteRole; what is gone is no error."""
        for operation, more in (("DeleteRolePolicy", {"PolicyName": policy}), ("DeleteRole", {})):
            try:
                self._caller.call(SERVICE, operation, {"RoleName": name, **more})
            except AwsError as problem:
                if problem.code != MISSING:
                    raise

    def refused(
        self, principal: str, actions: Sequence[str], resources: Sequence[str], context: Mapping[str, str]
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
        for found in elements(self._caller, SERVICE, "SimulatePrincipalPolicy", wanted):
            if found.get("EvalDecision") != ALLOWED:
                yield str(found["EvalActionName"])
