"""The dry run of what only reads.  Law: the step itself runs, on an account that has nothing; nobody is asked.

So its calls are those of a real run before the first deployment.  What is there would be asked for more: its tags, and
what belongs to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets.sagemaker import facts
from mlcc.lifecycle.targets.sagemaker.facts import Facts

# The codes with which services say that something is not there, and which are not SageMaker's own.
ABSENT = {"DescribeRepositories": "RepositoryNotFoundException", "DescribeTransformJob": "ResourceNotFound"}
# Reads of a list, which is empty: no member of it is there.
LISTS = ("List", "BatchGet", "DescribeScal", "DescribeAlarms")


class Empty:
    """A connection that keeps what is asked, and answers as an account without anything in it."""

    def __init__(self, place: Facts) -> None:
        """place: the account and the region that it is."""
        self.place, self.region = place, place.region
        self.asked: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Raises AwsError for what is described: it is not there."""
        self.asked.append(call(service, operation, **parameters))
        if operation == "GetCallerIdentity":
            arn = f"arn:{self.place.partition}:sts::{self.place.account}:assumed-role/mlcc/dry-run"
            return {"Account": self.place.account, "Arn": arn}
        if operation.startswith(LISTS):
            return {}
        assert operation.startswith("Describe"), f"BUG: {operation} is no read"
        raise AwsError(service, operation, ABSENT.get(operation, "ValidationException"), "Could not find it.", 400)


def rehearsed(verb: Callable[[Context], Result]) -> Callable[[Context], Result]:
    """A verb that only reads, and with --dry-run shows its calls."""

    def run(context: Context) -> Result:
        if not context.argument("dry_run"):
            return verb(context)
        place, assumed = facts.without_asking(context)
        for unused in ("role_arn", "image", "model_data"):
            assumed.pop(unused, None)
        empty = Empty(place)
        verb(replace(context, connect=lambda region: empty))
        return calls(empty.asked, there="nothing of the project", **assumed)

    return run
