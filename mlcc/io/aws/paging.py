"""Lists that a service answers page by page.  Law: what leads to the next page is botocore's data, and nothing is cut.

The pages are turned by botocore's own paginator, which asks whatever caller it is given.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.io.aws.connection import AwsError, Caller

# What a service answers with the same mark twice: it would go on for ever.
REPEATED = "RepeatedPage"
# Lists that botocore has no data of (CloudFormation's API reference: NextToken, one call a page).
MORE: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("cloudformation", "DescribeStackResourceDrifts"): {
        "input_token": "NextToken", "output_token": "NextToken", "result_key": "StackResourceDrifts",
    },
    ("cloudformation", "DescribeChangeSet"): {
        "input_token": "NextToken", "output_token": "NextToken", "result_key": "Changes",
    },
}  # fmt: skip


def pages(caller: Caller, service: str, operation: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers of a list, each asked for when the one before has been read.  Raises AwsError."""
    from botocore.exceptions import PaginationError
    from botocore.paginate import Paginator

    def ask(**wanted: Any) -> dict[str, Any]:
        return caller.call(service, operation, wanted)

    try:
        yield from Paginator(ask, dict(marks_of(service, operation)), None).paginate(**parameters)
    except PaginationError as problem:
        raise AwsError(service, operation, REPEATED, str(problem)) from None


def elements(caller: Caller, service: str, operation: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    """The elements of a list, whatever the number of its pages.  Raises AwsError."""
    named = marks_of(service, operation)["result_key"]
    member = named if isinstance(named, str) else named[0]
    for page in pages(caller, service, operation, parameters):
        yield from page.get(member) or ()


@functools.cache
def marks_of(service: str, operation: str) -> Mapping[str, Any]:
    """Where the marks and the elements of a list stand in its calls and answers."""
    from botocore.loaders import Loader
    from botocore.paginate import PaginatorModel

    if (service, operation) in MORE:
        return MORE[service, operation]
    data = Loader().load_service_model(service, "paginators-1")
    found: Mapping[str, Any] = PaginatorModel(data).get_paginator(operation)
    return found
