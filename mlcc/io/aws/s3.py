"""Amazon S3: buckets and objects.  Law: one typed method a call; what is not there is None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import IO, Any, Union

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "s3"
MISSING = ("NoSuchKey", "404", "NoSuchBucket", "NotFound")


class Object(NamedTuple):
    """An object in a listing.  size: bytes; at: seconds since 1970 of its last change."""

    key: str
    size: int
    at: float


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`; the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


class S3:
    """Buckets and objects."""

    def __init__(self, caller: Caller, owner: str = "") -> None:
        """caller: the connection; owner: the account that must own each bucket, or any.

        A bucket's name is taken by whoever comes first, in any account.
        """
        self._caller = caller
        self._owner = {"ExpectedBucketOwner": owner} if owner else {}

    def has_bucket(self, bucket: str) -> bool:
        """HeadBucket.  Raises AwsError for another owner's."""
        try:
            self._call("HeadBucket", Bucket=bucket)
        except AwsError as problem:
            if problem.code in MISSING:
                return False
            raise
        return True

    def tags(self, bucket: str) -> dict[str, str] | None:
        """GetBucketTagging; None where there is no such bucket.  Raises AwsError for another owner's."""
        try:
            self._call("HeadBucket", Bucket=bucket)
            answer = self._call("GetBucketTagging", Bucket=bucket)
        except AwsError as problem:
            if problem.code in MISSING:
                return None
            if problem.code == "NoSuchTagSet":
                return {}
            raise
        return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", ())}

    def create_bucket(self, parameters: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """CreateBucket, closed to the public, with tags; one that is the caller's already is no error."""
        try:
            self._caller.call(SERVICE, "CreateBucket", parameters)
        except AwsError as problem:
            if problem.code != "BucketAlreadyOwnedByYou":
                raise
        closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        bucket = parameters["Bucket"]
        self._call("PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(closed, True))
        pairs = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        self._call("PutBucketTagging", Bucket=bucket, Tagging={"TagSet": pairs})

    def delete_bucket(self, bucket: str) -> None:
        """DeleteBucket; one that is gone, or that somebody uses by now, is no error."""
        try:
            self._call("DeleteBucket", Bucket=bucket)
        except AwsError as problem:
            if problem.code not in (*MISSING, "BucketNotEmpty"):
                raise

    def put(
        self, bucket: str, key: str, body: Union[bytes, IO[bytes]], content_type: str = "application/octet-stream"
    ) -> None:
        """PutObject."""
        self._call("PutObject", Bucket=bucket, Key=key, Body=body, ContentType=content_type)

    def get(self, bucket: str, key: str, most: int) -> bytes | None:
        """GetObject: at most the first bytes of an object; None where it is not there."""
        try:
            answer = self._call("GetObject", Bucket=bucket, Key=key)
        except AwsError as problem:
            if problem.code in MISSING:
                return None
            raise
        body: bytes = answer["Body"].read(most)
        return body

    def delete(self, bucket: str, key: str) -> None:
        """DeleteObject; no error where it is not there."""
        self._call("DeleteObject", Bucket=bucket, Key=key)

    def objects(self, bucket: str, prefix: str, most: int) -> Iterator[Object]:
        """ListObjectsV2: objects whose keys begin with a prefix, in the order of their keys.

        most: objects that are read at most.
        """
        wanted = {"Bucket": bucket, "Prefix": prefix, **self._owner}
        for one in islice(elements(self._caller, SERVICE, "ListObjectsV2", wanted), most):
            yield Object(str(one["Key"]), int(one["Size"]), one["LastModified"].timestamp())

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._caller.call(SERVICE, operation, {**parameters, **self._owner})
