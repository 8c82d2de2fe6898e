"""What of a module is there without its stack.  Law: reads only; what lacks mlcc's tag is somebody else's: refused.

A destroyed stack leaves buckets, tables and repositories; its role may be that of another region's stack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.dynamodb import DynamoDb
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.iam import Iam
from mlcc.io.aws.s3 import S3
from mlcc.lifecycle.bootstrap.account import TAG
from mlcc.lifecycle.bootstrap.modules import Kept
from mlcc.lifecycle.bootstrap.profile import Profile

# What S3 answers for a bucket of another account, with an empty message.
FORBIDDEN = ("403", "AccessDenied", "301", "PermanentRedirect", "400")
OTHER = "--prefix or --repository names another one; or give it the tag mlcc:bootstrap = the profile's prefix"

Tags = Mapping[str, str]


def _bucket(caller: Caller, name: str, account: str) -> Tags | None:
    try:
        return S3(caller, account).tags(name)
    except AwsError as problem:
        if problem.code in FORBIDDEN:
            return {}
        raise


def _repository(caller: Caller, name: str, account: str) -> Tags | None:
    ecr = Ecr(caller)
    arn = ecr.repository(name)
    return ecr.tags(arn) if arn is not None else None


def _table(caller: Caller, name: str, account: str) -> Tags | None:
    return DynamoDb(caller, name).tags()


LOOKS: Mapping[str, Callable[[Caller, str, str], Tags | None]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::ECR::Repository": _repository,
    "AWS::S3::Bucket": _bucket,
}


def left(caller: Caller, profile: Profile, account: str, wanted: Sequence[Kept]) -> list[Kept]:
    """Those that are there already, and are mlcc's.  Raises UserError for one that is somebody else's."""
    found = []
    for one in wanted:
        tags = LOOKS[one.kind](caller, one.name, account)
        if tags is None:
            continue
        if tags.get(TAG) != profile.prefix:
            message = f"{one.kind} {quoted(one.name)} is there, and was not made by mlcc bootstrap"
            raise UserError([error("MLCC344", message, hint=OTHER)])
        found.append(one)
    return found


def existing_role(caller: Caller, profile: Profile) -> str:
    """The ARN of the role that a new stack uses instead of making one; empty where it makes one.

    Raises UserError where somebody else's role has the name.
    """
    name = profile.made_role
    if profile.role_arn and profile.role_arn.rpartition("/")[2] != name:
        return profile.role_arn
    found = Iam(caller).role(name)
    if found is None:
        return ""
    if found.tags.get(TAG) != profile.prefix:
        message = f"the role {quoted(name)} is there, and was not made by mlcc bootstrap"
        hint = "name the role to use with --role-arn, or another --prefix"
        raise UserError([error("MLCC344", message, hint=hint)])
    return found.arn
