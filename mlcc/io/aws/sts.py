"""AWS Security Token Service: who calls.  Law: one typed method a call."""

from __future__ import annotations

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import Caller

SERVICE = "sts"


class Identity(NamedTuple):
    """Who calls: the account's number, the ARN, and the partition that stands in it."""

    account: str
    arn: str

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov` ..."""
        return self.arn.split(":")[1] if self.arn.count(":") > 1 else "aws"


class Sts:
    """Credentials."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def identity(self) -> Identity:
        """GetCallerIdentity.  Raises AwsError without credentials."""
        answer = self._caller.call(SERVICE, "GetCallerIdentity", {})
        return Identity(str(answer["Account"]), str(answer["Arn"]))
