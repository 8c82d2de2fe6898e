"""Objects of S3 by address.  Law: one typed method a call; what is not there is None; each object is read whole."""

from __future__ import annotations

from collections.abc import Sequence

from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "s3"
MISSING = ("NoSuchKey", "NoSuchBucket", "404")
# Of objects below a prefix.
MOST = 100_000


class S3Objects:
    """Reads and writes objects by `s3://bucket/key`."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def read(self, uri: str) -> bytes | None:
        """GetObject; None where there is none."""
        bucket, key = _parts(uri)
        try:
            body = self._caller.call(SERVICE, "GetObject", {"Bucket": bucket, "Key": key})["Body"]
        except AwsError as problem:
            if problem.code in MISSING:
                return None
            raise
        data: bytes = body.read()
        return data

    def write(self, uri: str, data: bytes) -> None:
        """PutObject."""
        bucket, key = _parts(uri)
        self._caller.call(SERVICE, "PutObject", {"Bucket": bucket, "Key": key, "Body": data})

    def below(self, prefix: str) -> Sequence[str]:
        """ListObjectsV2: the addresses of the objects that begin with a prefix, sorted; no folder markers."""
        bucket, start = _parts(prefix)
        found: list[str] = []
        token = ""
        while len(found) < MOST:
            more = {"ContinuationToken": token} if token else {}
            answer = self._caller.call(SERVICE, "ListObjectsV2", {"Bucket": bucket, "Prefix": start, **more})
            found += [f"s3://{bucket}/{one['Key']}" for one in answer.get("Contents", ()) if one["Key"][-1:] != "/"]
            token = str(answer.get("NextContinuationToken", ""))
            if not token:
                break
        return sorted(found)


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key
