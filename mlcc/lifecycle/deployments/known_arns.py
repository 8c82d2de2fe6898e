"""What a record says of its account without a call: the account's number, and ARNs that follow from names.  Law: pure.

An ARN is made of partition, region, account and name, so that it is known where these are; that the resource is there,
and who calls, only AWS tells (`do/register --live`).  `arnsFrom` says which of both a record has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets.sagemaker import facts

# Values of `arnsFrom`.
NAMES, ACCOUNT = "names", "account"


def fields(project: RenderedProject, document: Mapping[str, Any], profile: Profile | None) -> dict[str, Any]:
    """Fields for a record of a target on AWS; nothing where no account is named.

    document: the record, with `region`; profile: of bootstrap, for what the project does not name.
    """
    given = facts.named(project, profile)
    account = given.account or _account_of(given.role_arn)
    if not project.target.instances or not account:
        return {}
    found: dict[str, Any] = {"accountId": account}
    region = project.registries.regions.get(str(document["region"]))
    if not project.target.host_image or region is None or not region.partition:
        return found
    start = f"arn:{region.partition}:sagemaker:{region.name}:{account}"
    if given.role_arn:
        found["roleArn"] = given.role_arn
    if document.get("endpointName"):
        found |= _arn(f"{start}:endpoint/", str(document["endpointName"]), "endpointArn")
    parts = [
        {**row, **_arn(f"{start}:inference-component/", str(row["resourceName"]), "arn")}
        for row in document.get("icList", ())
    ]
    found |= {"icList": parts} if parts else {}
    return found | {"arnsFrom": NAMES}


def _arn(start: str, name: str, field: str) -> dict[str, str]:
    """An ARN as a field; nothing for a name with capitals, which services write small in some ARNs."""
    return {field: f"{start}{name}"} if name == name.lower() else {}


def _account_of(arn: str) -> str:
    """The account of a role: one of another account cannot be passed to SageMaker (MLCC127)."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
