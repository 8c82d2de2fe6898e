"""Amazon ECR: repositories and images.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "ecr"
# Tags of one call of BatchDeleteImage.
AT_ONCE = 100
MISSING = ("ImageNotFoundException", "RepositoryNotFoundException")


def repository_request(name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of CreateRepository."""
    return {"repositoryName": name, "tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


def images_request(name: str, tags: Sequence[str]) -> dict[str, Any]:
    """The parameters of BatchDeleteImage."""
    return {"repositoryName": name, "imageIds": [{"imageTag": tag} for tag in tags]}


class Image(NamedTuple):
    """An image of a repository: its digest, and the media type of its manifest."""

    digest: str
    media_type: str


class Login(NamedTuple):
    """How a container engine signs in to a registry: its address, the user, and a password for twelve hours."""

    registry: str
    user: str
    password: str


class Ecr:
    """Repositories and their images."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def repository(self, name: str) -> str | None:
        """The ARN of a repository."""
        try:
            answer = self._caller.call(SERVICE, "DescribeRepositories", {"repositoryNames": [name]})
        except AwsError as problem:
            if problem.code in MISSING:
                return None
            raise
        return str(answer["repositories"][0]["repositoryArn"])

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a repository."""
        answer = self._caller.call(SERVICE, "ListTagsForResource", {"resourceArn": arn})
        return {tag["Key"]: tag["Value"] for tag in answer.get("tags", ())}

    def create_repository(self, name: str, tags: Mapping[str, str]) -> None:
        """CreateRepository; one that was made meanwhile is no error."""
        try:
            self._caller.call(SERVICE, "CreateRepository", repository_request(name, tags))
        except AwsError as problem:
            if problem.code != "RepositoryAlreadyExistsException":
                raise

    def delete_repository(self, parameters: Mapping[str, Any]) -> None:
        """DeleteRepository; one that is gone is no error, and without `force` one that has images, which stays."""
        try:
            self._caller.call(SERVICE, "DeleteRepository", parameters)
        except AwsError as problem:
            if problem.code not in (*MISSING, "RepositoryNotEmptyException"):
                raise

    def image_tags(self, repository: str) -> list[str]:
        """The tags of a repository's images; none where there is no repository."""
        wanted = {"repositoryName": repository, "filter": {"tagStatus": "TAGGED"}}
        listed = elements(self._caller, SERVICE, "ListImages", wanted)
        try:
            return [str(one["imageTag"]) for one in listed if "imageTag" in one]
        except AwsError as problem:
            if problem.code in MISSING:
                return []
            raise

    def delete_tags(self, repository: str, tags: Sequence[str]) -> None:
        """BatchDeleteImage by tags: an image goes with its last one.  Whoever needs it looks at what is left."""
        for start in range(0, len(tags), AT_ONCE):
            self._caller.call(SERVICE, "BatchDeleteImage", images_request(repository, tags[start : start + AT_ONCE]))

    def login(self) -> Login:
        """GetAuthorizationToken."""
        answer = self._caller.call(SERVICE, "GetAuthorizationToken", {})["authorizationData"][0]
        user, _, password = base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        return Login(str(answer["proxyEndpoint"]).partition("://")[2], user, password)

    def image(self, repository: str, reference: str) -> Image | None:
        """The image that a tag or a digest (`sha256:...`) names."""
        kind = "imageDigest" if ":" in reference else "imageTag"
        wanted = {"repositoryName": repository, "imageIds": [{kind: reference}]}
        try:
            answer = self._caller.call(SERVICE, "DescribeImages", wanted)
        except AwsError as problem:
            if problem.code in MISSING:
                return None
            raise
        details: list[dict[str, Any]] = answer.get("imageDetails", [])
        if not details:
            return None
        return Image(str(details[0]["imageDigest"]), str(details[0].get("imageManifestMediaType", "")))
