"""Lists and tags.  Law: newest first and ten a page, as the service does where a request names nothing else.

Filters and orders: the List operations in botocore's service model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account, Thing

PAGE, MOST_TAGS = 10, 50
ORDERS: Mapping[str, Callable[[Thing], Any]] = {
    "CreationTime": lambda thing: thing.created,
    "Name": lambda thing: thing.name,
    "Status": lambda thing: thing.status,
}
# What a component belongs to.
HOSTS = ("EndpointName", "VariantName")


def lister(
    table: Callable[[Account], Mapping[str, Thing]], member: str, name: str, arn: str, status: str = ""
) -> Callable[[Account, dict[str, Any]], dict[str, Any]]:
    """An operation that lists one table.  member: of the answer; name, arn, status: members of its elements."""

    def listed(account: Account, request: dict[str, Any]) -> dict[str, Any]:
        found = [t for t in table(account).values() if wanted(t, request)]
        place = ORDERS[request.get("SortBy", "CreationTime")]
        found.sort(key=lambda t: (place(t), t.name), reverse=request.get("SortOrder", "Descending") == "Descending")
        shown, following = page(found, request)
        named = [{name: t.name, arn: t.arn, "CreationTime": t.created, **_more(account, t, status)} for t in shown]
        return {member: named, **following}

    return listed


def page(found: Sequence[Thing], request: dict[str, Any]) -> tuple[Sequence[Thing], dict[str, str]]:
    """One page of a list, and the mark of the next one where there is one.  Raises Refusal."""
    start, size = _start(request), int(request.get("MaxResults", PAGE))
    return found[start : start + size], {"NextToken": str(start + size)} if start + size < len(found) else {}


def _start(request: dict[str, Any]) -> int:
    token = str(request.get("NextToken", "0"))
    if not token.isdecimal():
        raise Refusal("The pagination token is invalid.")
    return int(token)


def wanted(thing: Thing, request: dict[str, Any]) -> bool:
    """Whether a thing passes the filters that all lists have."""
    return (
        request.get("NameContains", "").lower() in thing.name.lower()
        and all(request.get(f"{own}Equals", thing.request.get(own)) == thing.request.get(own) for own in HOSTS)
        and request.get("StatusEquals", thing.status) == thing.status
        and _seconds(request.get("CreationTimeAfter", 0.0)) <= thing.created
        and _seconds(request.get("CreationTimeBefore", math.inf)) >= thing.created
        and _seconds(request.get("LastModifiedTimeAfter", 0.0)) <= thing.changed
        and _seconds(request.get("LastModifiedTimeBefore", math.inf)) >= thing.changed
    )


def _seconds(time: float | datetime) -> float:
    """A time of a request in seconds since 1970, whichever protocol it came by."""
    return time.timestamp() if isinstance(time, datetime) else float(time)


def _more(account: Account, thing: Thing, status: str) -> dict[str, Any]:
    """What lists say beyond name, ARN and time."""
    if not status:
        return {}
    more: dict[str, Any] = {status: thing.status}
    if status != "ModelPackageGroupStatus":  # a group does not change
        more["LastModifiedTime"] = thing.changed
    if status == "InferenceComponentStatus":
        more["EndpointName"] = thing.request["EndpointName"]
        more["EndpointArn"] = account.arn("endpoint", thing.request["EndpointName"])
        more["VariantName"] = thing.request.get("VariantName", "")
    return more


# ---------------------------------------------------------------- tags
def list_tags(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags."""
    tags = _tagged(account, request).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def add_tags(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags."""
    thing = _tagged(account, request)
    tags = {**thing.tags, **{tag["Key"]: tag["Value"] for tag in request["Tags"]}}
    if account.rules.tags_are_fifty and len(tags) > MOST_TAGS:
        raise Refusal(f"A resource has {MOST_TAGS} tags at most, and this one would have {len(tags)}.")
    thing.tags = tags
    return list_tags(account, request)


def delete_tags(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags."""
    thing = _tagged(account, request)
    thing.tags = {key: value for key, value in thing.tags.items() if key not in request["TagKeys"]}
    return {}


def _tagged(account: Account, request: dict[str, Any]) -> Thing:
    found = account.tagged().get(request["ResourceArn"])
    if found is None:
        raise Refusal(f'Could not find resource "{request["ResourceArn"]}".')
    return found
