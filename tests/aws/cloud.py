"""What of AWS our SageMaker server does not have, as tables: STS, ECR, S3, IAM, CodeBuild and logs.  A fake, for the order
and the content of calls; the same services are asked for real in tests/aws/test_ministack.py.

Every request is held against the service's own model.
"""

from __future__ import annotations

import base64
import datetime
import io
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.s3 import split_uri
from tests.aws import walker

NUMBER, REGION = "123456789012", "us-east-1"
DIGEST = "sha256:" + "0" * 64
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PASSWORD = "a-password-of-twelve-hours"


class Cloud:
    """The tables, and what was called."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.repositories: dict[str, dict[str, str]] = {}
        # tags by repository, as a list of them shows
        self.images: dict[str, list[str]] = {}
        self.pushed = True  # every tag of every repository
        self.media = MANIFEST
        self.buckets: dict[str, dict[str, Any]] = {}
        self.bucket_tags: dict[str, list[dict[str, str]]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.projects: dict[str, dict[str, Any]] = {}
        self.builds: list[dict[str, Any]] = []
        self.statuses = ["IN_PROGRESS", "SUCCEEDED"]
        self.source = b""
        self.logs: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []

    def answer(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a call.  Raises AwsError, and fails for a request that the service's model refuses."""
        walker.check(service, operation, parameters)
        self.calls.append(operation)
        answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "sts": self.sts, "ecr": self.ecr, "s3": self.s3, "iam": self.iam, "codebuild": self.codebuild, "logs": self.log,
        }  # fmt: skip
        self.service, self.operation = service, operation
        return answers[service](parameters)

    def refuse(self, code: str, status: int = 400) -> AwsError:
        return AwsError(self.service, self.operation, code, "no", status)

    def left(self) -> list[str]:
        """Everything that is there."""
        return [*self.repositories, *self.buckets, *self.roles, *self.projects]

    def sts(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"Account": NUMBER, "Arn": f"arn:aws:sts::{NUMBER}:assumed-role/r/s"}

    def ecr(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if self.operation == "GetAuthorizationToken":
            token = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
            endpoint = f"https://{NUMBER}.dkr.ecr.{REGION}.amazonaws.com"
            return {"authorizationData": [{"authorizationToken": token, "proxyEndpoint": endpoint}]}
        if self.operation == "ListTagsForResource":
            name = parameters["resourceArn"].partition("/")[2]
            return {"tags": [{"Key": key, "Value": value} for key, value in self.repositories[name].items()]}
        if self.operation == "DescribeImages":
            return {
                "imageDetails": [{"imageDigest": DIGEST, "imageManifestMediaType": self.media}] if self.pushed else []
            }
        name = parameters.get("repositoryName") or parameters["repositoryNames"][0]
        if self.operation == "ListImages":
            return self._images(name, parameters)
        if self.operation == "BatchDeleteImage":
            gone = {one["imageTag"] for one in parameters["imageIds"]}
            self.images[name] = [tag for tag in self.images[name] if tag not in gone]
            return {}
        if self.operation == "CreateRepository":
            self.repositories[name] = {t["Key"]: t["Value"] for t in parameters["tags"]}
            return {}
        if name not in self.repositories:
            raise self.refuse("RepositoryNotFoundException")
        if self.operation == "DeleteRepository":
            if self.images.get(name) and not parameters.get("force"):
                raise self.refuse("RepositoryNotEmptyException")
            self.images.pop(name, None)
            del self.repositories[name]
            return {}
        return {"repositories": [{"repositoryArn": f"arn:aws:ecr:{REGION}:{NUMBER}:repository/{name}"}]}

    def _images(self, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The tags of a repository, two a page."""
        if name not in self.repositories:
            raise self.refuse("RepositoryNotFoundException")
        tags, start = self.images.get(name, []), int(parameters.get("nextToken", 0))
        more = {"nextToken": str(start + 2)} if start + 2 < len(tags) else {}
        return {"imageIds": [{"imageTag": tag} for tag in tags[start : start + 2]], **more}

    def s3(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bucket, key = parameters["Bucket"], parameters.get("Key", "")
        if self.operation == "CreateBucket":
            self.buckets[bucket] = {}
            return {}
        if bucket not in self.buckets:
            raise self.refuse("404" if self.operation == "HeadBucket" else "NoSuchBucket", 404)
        objects = self.buckets[bucket]
        if self.operation == "PutObject":
            body = parameters["Body"]
            objects[key] = body if isinstance(body, bytes) else body.read()
            self.source = objects[key]
        elif self.operation == "GetObject":
            if key not in objects:
                raise self.refuse("NoSuchKey", 404)
            return {"Body": io.BytesIO(objects[key])}
        elif self.operation == "DeleteObject":
            objects.pop(key, None)
        elif self.operation == "DeleteBucket":
            if objects:
                raise self.refuse("BucketNotEmpty", 409)
            del self.buckets[bucket]
            self.bucket_tags.pop(bucket, None)
        elif self.operation == "PutBucketTagging":
            self.bucket_tags[bucket] = parameters["Tagging"]["TagSet"]
        elif self.operation == "GetBucketTagging":
            if bucket not in self.bucket_tags:
                raise self.refuse("NoSuchTagSet", 404)
            return {"TagSet": self.bucket_tags[bucket]}
        elif self.operation == "ListObjectsV2":
            at = datetime.datetime.fromtimestamp(self.clock(), datetime.timezone.utc)
            listed = [n for n in sorted(objects) if n.startswith(parameters["Prefix"])]
            return {"Contents": [{"Key": n, "Size": len(objects[n]), "LastModified": at} for n in listed]}
        return {}

    def iam(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = parameters["RoleName"]
        if self.operation == "CreateRole":
            self.roles[name] = {"Arn": f"arn:aws:iam::{NUMBER}:role/{name}", **parameters}
        if name not in self.roles:
            raise self.refuse("NoSuchEntity", 404)
        found = self.roles[name]
        if self.operation == "PutRolePolicy":
            found["policy"] = parameters["PolicyDocument"]
        if self.operation == "DeleteRolePolicy" and found.pop("policy", None) is None:
            raise self.refuse("NoSuchEntity", 404)
        if self.operation == "DeleteRole":
            assert "policy" not in found, "IAM refuses to delete a role that has policies"
            del self.roles[name]
        return {"Role": found}

    def codebuild(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if self.operation == "BatchGetProjects":
            return {"projects": [self.projects[n] for n in parameters["names"] if n in self.projects]}
        if self.operation in ("CreateProject", "UpdateProject"):
            self.projects[parameters["name"]] = dict(parameters)
        if self.operation == "DeleteProject":
            self.projects.pop(parameters["name"], None)
        if self.operation == "StartBuild":
            self.builds.append(dict(parameters))
            self.statuses = ["SUCCEEDED"] if self.statuses == ["STOPPED"] else self.statuses
            return {"build": {"id": f"{parameters['projectName']}:1"}}
        if self.operation == "StopBuild":
            self.statuses = ["STOPPED"]
        if self.operation == "BatchGetBuilds":
            status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
            phase = {"phaseStatus": "FAILED", "contexts": [{"message": "Error while executing command: docker build"}]}
            logs = {"groupName": "/aws/codebuild/x", "streamName": "1"}
            return {
                "builds": [
                    {
                        "buildStatus": status,
                        "currentPhase": "BUILD",
                        "logs": logs,
                        "phases": [phase] * (status == "FAILED"),
                    }
                ]
            }
        return {}

    def log(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """DescribeLogGroups; FilterLogEvents and GetLogEvents, two events a page."""
        if self.operation == "DescribeLogGroups":
            return {"logGroups": [{"logGroupName": name} for name in self.logs]}
        group = parameters["logGroupName"]
        if group not in self.logs:
            raise self.refuse("ResourceNotFoundException")
        if self.operation == "PutRetentionPolicy":
            return {}
        start = int(parameters.get("nextToken", 0))
        events = [e for e in self.logs[group] if e["timestamp"] >= parameters.get("startTime", 0)]
        if self.operation == "GetLogEvents":
            return {"events": events[start : start + 2], "nextForwardToken": str(min(start + 2, len(events)))}
        more = {"nextToken": str(start + 2)} if start + 2 < len(events) else {}
        return {"events": events[start : start + 2], **more}


class Stored:
    """The buckets, as our SageMaker server sees S3."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def read(self, uri: str) -> bytes | None:
        bucket, key = split_uri(uri)
        found: bytes | None = self.cloud.buckets.get(bucket, {}).get(key)
        return found

    def write(self, uri: str, data: bytes) -> None:
        bucket, key = split_uri(uri)
        self.cloud.buckets[bucket][key] = data

    def below(self, prefix: str) -> list[str]:
        bucket, start = split_uri(prefix)
        return sorted(f"s3://{bucket}/{key}" for key in self.cloud.buckets.get(bucket, {}) if key.startswith(start))
