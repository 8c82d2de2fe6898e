"""The variables of a container for its secrets.  Law: pure; each names where a secret is stored, never its value.

The entry point of the image (code/with_secrets) reads them with the execution role's credentials when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.paths import Path

PREFIX = "MLCC_SECRET_"


def variables(values: Mapping[Path, Any]) -> dict[str, str]:
    """The container's variables for the secrets of AWS Secrets Manager that it reads when it runs.

    values: plain values by path.  A secret's key in a JSON object follows its name or ARN as in the task definitions
    of Amazon ECS: `mlcc/hf-token:token::`
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html).
    """
    references = {}
    for path, secret in values.items():
        if path[0] == "secrets" and path[2:] == ("secretsmanager",):
            key = values.get((*path[:2], "json_key"))
            if values.get((*path[:2], "phase")) != "build":
                references[f"{PREFIX}{path[1]}"] = f"{secret}:{key}::" if key else str(secret)
    return references


def build_names(values: Mapping[Path, Any]) -> list[str]:
    """The names of the secrets that the build of the image reads, in order.  values: plain values by path."""
    return sorted(str(p[1]) for p, v in values.items() if p[0] == "secrets" and p[2:] == ("phase",) and v == "build")
