"""AWS IAM: roles.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "iam"
MISSING = "NoSuchEntity"


class Iam:
    """Roles of an account; IAM has no regions."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def role(self, name: str) -> dict[str, Any] | None:
        """GetRole."""
        try:
            found: dict[str, Any] = self._caller.call(SERVICE, "GetRole", {"RoleName": name})["Role"]
        except AwsError as problem:
            if problem.code == MISSING:
                return None
            raise
        return found

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
