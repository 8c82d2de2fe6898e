"""What a deployment looks for beside SageMaker, and this account never has.  Law: reads alone; nothing here makes one.

So `do/clean` can prove that nothing is left without a server beside this one; what would make a repository, a role or
a build answers 501.
"""

from __future__ import annotations

from typing import Any

from mlcc.core.text import printable
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account


def secrets(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListSecrets: none."""
    return {"SecretList": []}


def secret(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeSecret and GetSecretValue.  Raises Refusal."""
    raise Refusal("Secrets Manager can't find the specified secret.", "ResourceNotFoundException")


def table(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTable and GetItem of DynamoDB.  Raises Refusal."""
    name = printable(request["TableName"])
    raise Refusal(f"Requested resource not found: Table: {name} not found", "ResourceNotFoundException")


def stack(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeStacks of CloudFormation by name.  Raises Refusal."""
    raise Refusal(f"Stack with id {printable(request.get('StackName', ''))} does not exist", "ValidationError")


def builds(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """BatchGetProjects of CodeBuild: none."""
    return {"projects": [], "projectsNotFound": list(request["names"])}


def role(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """GetRole of IAM.  Raises Refusal."""
    raise Refusal(f"The role with name {printable(request['RoleName'])} cannot be found.", "NoSuchEntity", 404)


def clusters(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListClusters of HyperPod: none."""
    return {"ClusterSummaries": []}


def cluster(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeCluster of HyperPod.  Raises Refusal."""
    name = printable(request["ClusterName"])
    raise Refusal(f"Cluster with name {name} not found.", "ResourceNotFound", 404)
