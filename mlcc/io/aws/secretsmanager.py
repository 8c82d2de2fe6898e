"""AWS Secrets Manager: secrets.  Law: one typed method a call; a value is read for a build alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "secretsmanager"


class SecretsManager:
    """Secrets of one account and region."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller

    def create(self, name: str, value: str, description: str, tags: Mapping[str, str]) -> str:
        """CreateSecret; its ARN."""
        pairs = [{"Key": key, "Value": text} for key, text in sorted(tags.items())]
        more = {"Description": description} if description else {}
        wanted = {"Name": name, "SecretString": value, "Tags": pairs, **more}
        return str(self._caller.call(SERVICE, "CreateSecret", wanted)["ARN"])

    def replace(self, name: str, value: str) -> str:
        """PutSecretValue: a new version of a secret that is there; its ARN."""
        return str(self._caller.call(SERVICE, "PutSecretValue", {"SecretId": name, "SecretString": value})["ARN"])

    def value(self, name: str) -> str:
        """GetSecretValue: the text of a secret.  Raises AwsError, for one that holds no text too."""
        answer = self._caller.call(SERVICE, "GetSecretValue", {"SecretId": name})
        if "SecretString" not in answer:
            raise AwsError(SERVICE, "GetSecretValue", "BinarySecret", f"the secret {name} holds no text", 400)
        return str(answer["SecretString"])

    def describe(self, name: str) -> dict[str, Any] | None:
        """DescribeSecret."""
        try:
            return self._caller.call(SERVICE, "DescribeSecret", {"SecretId": name})
        except AwsError as problem:
            if problem.code == "ResourceNotFoundException":
                return None
            raise

    def listing(self, prefix: str) -> Iterator[dict[str, Any]]:
        """ListSecrets: those whose names begin with a prefix."""
        wanted = {"Filters": [{"Key": "name", "Values": [prefix]}]}
        for found in elements(self._caller, SERVICE, "ListSecrets", wanted):
            if str(found.get("Name", "")).startswith(prefix):
                yield found
