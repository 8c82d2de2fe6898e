"""Who calls, and which images are there.  Law: an image is there only when the launcher can start it.

STS and ECR are served as far as a deployment asks them, so that it needs nobody else.  A server beside has the whole of
them: the SDK asks that one, or, where only this server knows what do/build made, this one asks it for all else.
"""

from __future__ import annotations

from typing import Any

from mlcc.core.text import printable
from mlcc.servers.devserver import beside
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account

SERVICE = "ecr"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def caller_identity(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """GetCallerIdentity: nobody is somebody else here."""
    arn = f"arn:{account.partition}:iam::{account.number}:user/mlcc-dev-aws"
    return {"UserId": "MLCCDEVAWS", "Account": account.number, "Arn": arn}


def describe_images(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeImages by tag: an image that was built here, under the tag of the project's present state; what was not,
    the server beside may have.  Raises Refusal."""
    name = request["repositoryName"]
    found = []
    for wanted in request.get("imageIds", ()):
        tag = str(wanted.get("imageTag", ""))
        digest = account.images(name, tag)
        if not digest and account.beside is not None:
            return beside.ask(SERVICE, "DescribeImages", account, request)
        if not digest:
            raise Refusal(
                f"The image with imageId {{imageDigest:'null', imageTag:'{tag}'}} does not exist within the "
                f"repository with name '{name}' in the registry with id '{account.number}'",
                "ImageNotFoundException",
            )
        found.append({"imageDigest": digest, "imageManifestMediaType": MANIFEST, "repositoryName": name})
    return {"imageDetails": found}


def describe_repositories(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeRepositories: those of the server beside; what do/build made is known without one.  Raises Refusal."""
    if account.beside is not None:
        return beside.ask(SERVICE, "DescribeRepositories", account, request)
    raise _no_repository(account, (request.get("repositoryNames") or [""])[0])


def list_images(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListImages: what was pushed to the server beside.  Raises Refusal."""
    if account.beside is not None:
        return beside.ask(SERVICE, "ListImages", account, request)
    raise _no_repository(account, request["repositoryName"])


def _no_repository(account: Account, name: str) -> Refusal:
    return Refusal(
        f"The repository with name '{printable(name)}' does not exist in the registry with id '{account.number}'",
        "RepositoryNotFoundException",
    )
