"""Lists and tags.  Law: newest first and ten a page, as the service does where a request names nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.things import Account, Thing

PAGE = 10


def lister(
    table: Callable[[Account], Mapping[str, Thing]], member: str, name: str, arn: str, status: str = ""
) -> Callable[[Account, dict[str, Any]], dict[str, Any]]:
    """An operation that lists one table.  member: of the answer; name, arn, status: members of its elements."""

    def listed(account: Account, request: dict[str, Any]) -> dict[str, Any]:
        found = [t for t in table(account).values() if _wanted(t, request)]
        found.sort(key=lambda t: (t.created, t.name), reverse=request.get("SortOrder", "Descending") == "Descending")
        start = _start(request)
        size = int(request.get("MaxResults", PAGE))
        shown = [
            {name: t.name, arn: t.arn, "CreationTime": t.created, **_more(t, status)}
            for t in found[start : start + size]
        ]
        following = {"NextToken": str(start + size)} if start + size < len(found) else {}
        return {member: shown, **following}

    return listed


def _start(request: dict[str, Any]) -> int:
    token = str(request.get("NextToken", "0"))
    if not token.isdecimal():
        raise Refusal("The pagination token is invalid.")
    return int(token)


def _wanted(thing: Thing, request: dict[str, Any]) -> bool:
    return (
        request.get("NameContains", "").lower() in thing.name.lower()
        and request.get("EndpointNameEquals", thing.request.get("EndpointName")) == thing.request.get("EndpointName")
        and request.get("StatusEquals", thing.status) == thing.status
    )


def _more(thing: Thing, status: str) -> dict[str, Any]:
    """What lists say beyond name, ARN and time."""
    if not status:
        return {}
    more: dict[str, Any] = {status: thing.status, "LastModifiedTime": thing.changed}
    if status == "InferenceComponentStatus":
        more["EndpointName"] = thing.request["EndpointName"]
        more["EndpointArn"] = ""
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
    thing.tags |= {tag["Key"]: tag["Value"] for tag in request["Tags"]}
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
