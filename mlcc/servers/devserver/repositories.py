"""Who calls, and which images are there.  Law: an image is there only when the launcher can start it.

STS and ECR are served as far as a deployment asks them, so that it needs nobody else; beside a server that has the
whole of them, the SDK asks that one.
"""

from __future__ import annotations

from typing import Any

from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def caller_identity(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """GetCallerIdentity: nobody is somebody else here."""
    arn = f"arn:{account.partition}:iam::{account.number}:user/mlcc-dev-aws"
    return {"UserId": "MLCCDEVAWS", "Account": account.number, "Arn": arn}


def describe_images(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeImages by tag: an image that was built here, under the tag of the project's present state."""
    name = request["repositoryName"]
    found = []
    for wanted in request.get("imageIds", ()):
        tag = str(wanted.get("imageTag", ""))
        digest = account.images(name, tag)
        if not digest:
            raise Refusal(
                f"The image with imageId {{imageDigest:'null', imageTag:'{tag}'}} does not exist within the "
                f"repository with name '{name}' in the registry with id '{account.number}'",
                "ImageNotFoundException",
            )
        found.append({"imageDigest": digest, "imageManifestMediaType": MANIFEST, "repositoryName": name})
    return {"imageDetails": found}
