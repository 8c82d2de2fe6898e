"""What outlives the stacks of a profile, and the command that removes it.  Law: nothing is removed here.

It is data (images, objects, rows, values), so that whoever wants it gone says so to AWS, one by one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from mlcc.core.text import printable
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.secretsmanager import SecretsManager
from mlcc.lifecycle.bootstrap.account import TAG
from mlcc.lifecycle.bootstrap.modules import Kept
from mlcc.lifecycle.bootstrap.profile import Profile

SECRET = "AWS::SecretsManager::Secret"
# By the type of a resource: commands of the AWS CLI; none of the buckets has versions.
REMOVALS: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "aws dynamodb delete-table --table-name {}",
    "AWS::ECR::Repository": "aws ecr delete-repository --force --repository-name {}",
    "AWS::S3::Bucket": "aws s3 rb --force s3://{}",
    SECRET: "aws secretsmanager delete-secret --secret-id {}",
}
SHOWN = 200


def secrets(caller: Caller, profile: Profile) -> tuple[list[Kept], str]:
    """The secrets that bootstrap made for a profile's prefix, and why they are not known where AWS does not list them.

    The stacks are gone by then, so that this raises nothing.
    """
    try:
        found = list(SecretsManager(caller).listing(f"{profile.prefix}/"))
    except AwsError as problem:
        return [], printable(str(problem), SHOWN)
    own = [one for one in found if {"Key": TAG, "Value": profile.prefix} in one.get("Tags", ())]
    return [Kept("", SECRET, str(one["Name"])) for one in own], ""


def words(
    stays: Mapping[str, Sequence[Kept] | None], made: Sequence[Kept], unknown: str, profile: Profile
) -> Iterator[str]:
    """What became of modules that were taken away, and a line with a command for each thing that stays, for people.

    made, unknown: as `secrets` finds them.
    """
    for module, kept in stays.items():
        yield f"{module} was not deployed" if kept is None else f"{module} is deleted"
    left = [*(one for kept in stays.values() for one in kept or ()), *made]
    if left:
        yield f"kept, for a later deploy; to remove one with all that is in it (in {profile.region}):"
    for one in left:
        yield f"  {removal(one)}"
    if unknown:
        yield f"secrets under {profile.prefix}/ stay, too; they could not be listed: {unknown}"


def removal(one: Kept) -> str:
    """The command that removes what stays."""
    return REMOVALS[one.kind].format(shlex.quote(one.name))
