"""Amazon S3: buckets.  Law: one typed method a call; what is not there is None, an error is raised."""

from __future__ import annotations

from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "s3"
MISSING = ("404", "NoSuchBucket", "NotFound")


def bucket_tags(caller: Caller, name: str, account: str) -> dict[str, str] | None:
    """The tags of a bucket; None where there is no such bucket.

    account: whose it must be.  Raises AwsError for a bucket of another account, whose name nobody else can use.
    """
    owned = {"Bucket": name, "ExpectedBucketOwner": account}
    try:
        caller.call(SERVICE, "HeadBucket", owned)
        answer = caller.call(SERVICE, "GetBucketTagging", owned)
    except AwsError as problem:
        if problem.code in MISSING:
            return None
        if problem.code == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in answer.get("TagSet", ())}
