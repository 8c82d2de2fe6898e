"""A stand-in for CloudFormation, S3, ECR, IAM and Secrets Manager: it keeps what it is asked to and checks each request.

It knows nothing of templates but their resources.  tests/real/test_bootstrap.py asks an emulator that does.
"""

# ruff: noqa: N803 - operations and members have AWS's names
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.bootstrap.stacks import Tools
from mlcc.lifecycle.context import Silent
from tests.aws import walker

NUMBER, REGION = "123456789012", "us-east-1"
TAGGED = {"mlcc:bootstrap": "mlcc"}
ROLE = f"arn:aws:iam::{NUMBER}:role/mlcc-sagemaker-execution-role"


class Cloud:
    """An account.  broken: the logical name of a resource that cannot be made, and why."""

    def __init__(self) -> None:
        self.region = REGION
        self.stacks: dict[str, dict[str, Any]] = {}
        self.sets: dict[str, dict[str, Any]] = {}
        self.buckets: dict[str, Mapping[str, str]] = {}
        self.repositories: dict[str, Mapping[str, str]] = {}
        self.roles: dict[str, Mapping[str, str]] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.refuses: set[str] = set()
        self.broken: tuple[str, str] = ("", "")
        self.empty = False
        self.drifts: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.time = 1_700_000_000.0

    def tools(self) -> Tools:
        return Tools(self, Silent(), lambda seconds: None, lambda: self.time)

    def operations(self) -> list[str]:
        return [name for name, _ in self.asked if not name.startswith(("Describe", "List", "Get", "Head"))]

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        walker.check(service, operation, parameters)
        self.asked.append((operation, dict(parameters)))
        answer: dict[str, Any] = getattr(self, operation)(**parameters)
        return answer

    def refused(self, operation: str, code: str, message: str = "") -> AwsError:
        return AwsError("test", operation, code, message, 400)

    # ------------------------------------------------------------ others
    def GetCallerIdentity(self) -> dict[str, Any]:
        return {"Account": NUMBER, "Arn": f"arn:aws:sts::{NUMBER}:assumed-role/Admin/me"}

    def HeadBucket(self, Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        if Bucket not in self.buckets:
            raise self.refused("HeadBucket", "404")
        if self.buckets[Bucket] is FORBIDDEN:
            raise self.refused("HeadBucket", "403", "Forbidden")
        return {}

    def GetBucketTagging(self, Bucket: str, ExpectedBucketOwner: str) -> dict[str, Any]:
        if not self.buckets[Bucket]:
            raise self.refused("GetBucketTagging", "NoSuchTagSet")
        return {"TagSet": pairs(self.buckets[Bucket])}

    def DescribeRepositories(self, repositoryNames: list[str]) -> dict[str, Any]:
        if repositoryNames[0] not in self.repositories:
            raise self.refused("DescribeRepositories", "RepositoryNotFoundException")
        return {"repositories": [{"repositoryArn": f"arn:{repositoryNames[0]}"}]}

    def ListTagsForResource(self, resourceArn: str) -> dict[str, Any]:
        return {"tags": pairs(self.repositories[resourceArn.removeprefix("arn:")])}

    def GetRole(self, RoleName: str) -> dict[str, Any]:
        if RoleName not in self.roles:
            raise self.refused("GetRole", "NoSuchEntity")
        return {"Role": {"Arn": f"arn:aws:iam::{NUMBER}:role/{RoleName}", "Tags": pairs(self.roles[RoleName])}}

    def SimulatePrincipalPolicy(
        self,
        ActionNames: list[str],
        **rest: Any,
    ) -> dict[str, Any]:
        words = {True: "implicitDeny", False: "allowed"}
        made = [{"EvalActionName": a, "EvalDecision": words[a in self.refuses]} for a in ActionNames]
        return {"EvaluationResults": made, "IsTruncated": False}

    def ListServiceQuotas(self, **rest: Any) -> dict[str, Any]:
        return {"Quotas": [{"QuotaName": "ml.g5.xlarge for endpoint usage", "Value": 0.0}]}

    def ListAWSDefaultServiceQuotas(self, **rest: Any) -> dict[str, Any]:
        return {"Quotas": [{"QuotaName": "ml.m5.large for endpoint usage", "Value": 4.0}]}

    def DescribeSecret(self, SecretId: str) -> dict[str, Any]:
        if SecretId not in self.secrets:
            raise self.refused("DescribeSecret", "ResourceNotFoundException")
        return {key: value for key, value in self.secrets[SecretId].items() if key != "value"}

    def CreateSecret(self, Name: str, SecretString: str, Tags: Any, **rest: Any) -> dict[str, Any]:
        if SecretString == "refuse":
            raise self.refused("CreateSecret", "InvalidRequestException", f"value: {SecretString}")
        self.secrets[Name] = {"Name": Name, "ARN": f"arn:{Name}", "Tags": Tags, "value": SecretString}
        return {"ARN": f"arn:{Name}"}

    def PutSecretValue(self, SecretId: str, SecretString: str) -> dict[str, Any]:
        self.secrets[SecretId]["value"] = SecretString
        return {"ARN": f"arn:{SecretId}"}

    def ListSecrets(self, **rest: Any) -> dict[str, Any]:
        return {"SecretList": [self.DescribeSecret(name) for name in self.secrets]}

    # ------------------------------------------------------------ CloudFormation
    def CreateChangeSet(
        self,
        StackName: str,
        ChangeSetType: str,
        TemplateBody: str,
        **rest: Any,
    ) -> dict[str, Any]:
        there = StackName in self.stacks
        assert (ChangeSetType == "UPDATE") == there, f"{ChangeSetType} of {StackName}: {there}"
        if not there:
            self.stacks[StackName] = {
                "StackName": StackName, "StackId": f"id-{StackName}", "StackStatus": "REVIEW_IN_PROGRESS", "Tags": [],
                "resources": {}, "events": [],
            }  # fmt: skip
        if rest["Tags"]:
            self.stacks[StackName]["Tags"] = rest["Tags"]
        found = yaml.safe_load(TemplateBody)["Resources"]
        self.sets["set"] = {"stack": StackName, "kind": ChangeSetType, "resources": found, **rest}
        return {"Id": "set"}

    def DescribeChangeSet(self, ChangeSetName: str) -> dict[str, Any]:
        made = self.sets[ChangeSetName]
        if self.empty:
            reason = "The submitted information didn't contain changes."
            return {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": reason}
        before = self.stacks[made["stack"]]["resources"]
        action = "Import" if made["kind"] == "IMPORT" else "Add"
        changes = [
            {"ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": one["Type"]}}
            for name, one in made["resources"].items()
            if name not in before
        ]
        return {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "Changes": changes}

    def DeleteChangeSet(self, ChangeSetName: str) -> dict[str, Any]:
        del self.sets[ChangeSetName]
        return {}

    def ExecuteChangeSet(self, ChangeSetName: str) -> dict[str, Any]:
        made = self.sets.pop(ChangeSetName)
        stack = self.stacks[made["stack"]]
        broken, why = self.broken
        if broken in made["resources"]:
            stack["StackStatus"] = "ROLLBACK_COMPLETE" if made["kind"] == "CREATE" else "UPDATE_ROLLBACK_COMPLETE"
            late = {"LogicalResourceId": "Z", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "cancelled"}
            first = {"LogicalResourceId": broken, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": why}
            begun = {"PhysicalResourceId": stack["StackId"], "ResourceStatus": f"{made['kind']}_IN_PROGRESS"}
            earlier = {**first, "ResourceStatusReason": "of an earlier operation"}
            stack["events"] = [late, first, begun, earlier]
            return {}
        stack["StackStatus"] = f"{made['kind']}_COMPLETE"
        stack["Parameters"] = made["Parameters"]
        stack["resources"] = {name: one["Type"] for name, one in made["resources"].items()}
        stack["Outputs"] = [
            {"OutputKey": "RoleArn", "OutputValue": ROLE}, {"OutputKey": "ModelsBucket", "OutputValue": "models"},
        ]  # fmt: skip
        return {}

    def DescribeStacks(self, StackName: str) -> dict[str, Any]:
        stack = self.stacks.get(StackName.removeprefix("id-"))
        if stack is None:
            raise self.refused("DescribeStacks", "ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [stack]}

    def DescribeStackEvents(self, StackName: str) -> dict[str, Any]:
        return {"StackEvents": self.stacks[StackName.removeprefix("id-")]["events"]}

    def ListStackResources(self, StackName: str) -> dict[str, Any]:
        found = self.stacks[StackName.removeprefix("id-")]["resources"]
        common = {"ResourceStatus": "CREATE_COMPLETE"}
        return {
            "StackResourceSummaries": [
                {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": name.lower(), **common}
                for name, kind in found.items()
            ]
        }

    def DeleteStack(self, StackName: str) -> dict[str, Any]:
        del self.stacks[StackName.removeprefix("id-")]
        return {}

    def DetectStackDrift(self, StackName: str) -> dict[str, Any]:
        return {"StackDriftDetectionId": "0" * 36}

    def DescribeStackDriftDetectionStatus(self, StackDriftDetectionId: str) -> dict[str, Any]:
        return {
            "DetectionStatus": "DETECTION_COMPLETE",
            "StackDriftStatus": "DRIFTED" if self.drifts else "IN_SYNC",
        }

    def DescribeStackResourceDrifts(self, StackName: str) -> dict[str, Any]:
        return {"StackResourceDrifts": self.drifts}


# The tags of a bucket of another account.
FORBIDDEN: Mapping[str, str] = {"": ""}


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def template(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The template of a change set that was cut down for an adoption."""
    found: dict[str, Any] = json.loads(parameters["TemplateBody"])
    return found
