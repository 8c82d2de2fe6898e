"""Amazon DynamoDB: items of one table.  Law: one typed method a call; a condition that fails is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

SERVICE = "dynamodb"
REFUSED, MISSING = "ConditionalCheckFailedException", "ResourceNotFoundException"


class Written(NamedTuple):
    """What a conditional write found.

    done: its condition held; before: the item that was there, None for none.
    """

    done: bool
    before: dict[str, Any] | None


class DynamoDb:
    """Items of a table."""

    def __init__(self, caller: Caller, table: str) -> None:
        """caller: the connection; table: its name."""
        self._caller, self._table = caller, table

    def tags(self) -> dict[str, str] | None:
        """DescribeTable and ListTagsOfResource: the table's tags; None where there is no such table."""
        try:
            found = self._caller.call(SERVICE, "DescribeTable", {"TableName": self._table})["Table"]
        except AwsError as problem:
            if problem.code == MISSING:
                return None
            raise
        listed = elements(self._caller, SERVICE, "ListTagsOfResource", {"ResourceArn": found["TableArn"]})
        return {tag["Key"]: tag["Value"] for tag in listed}

    def item(self, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """GetItem, as the last write left it; None where there is none."""
        wanted = {"TableName": self._table, "Key": attributes(key), "ConsistentRead": True}
        answer = self._caller.call(SERVICE, "GetItem", wanted)
        return plain_item(answer["Item"]) if answer.get("Item") else None

    def update(self, request: Mapping[str, Any]) -> Written:
        """UpdateItem.  request: what `update_request` made."""
        try:
            answer = self._caller.call(SERVICE, "UpdateItem", request)
        except AwsError as problem:
            if problem.code != REFUSED:
                raise
            return Written(False, plain_item(problem.details.get("Item", {})))
        return Written(True, plain_item(answer["Attributes"]) if answer.get("Attributes") else None)


def update_request(
    table: str,
    key: Mapping[str, Any],
    sets: Mapping[str, Any],
    condition: str,
    *,
    removed: tuple[str, ...] = (),
    kept: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The parameters of an UpdateItem that makes an item or changes it, and answers with what was there.

    sets, removed: attributes that get a value, or go; kept: values of attributes that the item may have already, which
    stay then; condition: in DynamoDB's words, where `#name` is an attribute and `:name` the value that `sets` has for
    it.
    """
    kept = kept or {}
    values = {**sets, **kept}
    words = [f"#{name} = :{name}" for name in sets]
    words += [f"#{name} = if_not_exists(#{name}, :{name})" for name in kept]
    names = {f"#{name}": name for name in (*key, *values, *removed)}
    return {
        "TableName": table,
        "Key": attributes(key),
        "UpdateExpression": f"SET {', '.join(words)}" + (f" REMOVE #{', #'.join(removed)}" if removed else ""),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {f":{name}": attribute(value) for name, value in values.items()},
        "ReturnValues": "ALL_OLD",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data as an item."""
    return {name: attribute(value) for name, value in item.items()}


def attribute(value: Any) -> dict[str, Any]:
    """Plain data as DynamoDB writes it.  Raises TypeError for what it has no type for."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, (int, float)):
        return {"N": repr(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, Mapping):
        return {"M": attributes(value)}
    if isinstance(value, (list, tuple)):
        return {"L": [attribute(element) for element in value]}
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as plain data."""
    return {name: plain(value) for name, value in item.items()}


def plain(value: Mapping[str, Any]) -> Any:
    """An attribute as plain data; sets become lists, in order."""
    kind, content = next(iter(value.items()))
    if kind == "NULL":
        return None
    if kind == "N":
        return _number(content)
    if kind == "M":
        return plain_item(content)
    if kind == "L":
        return [plain(element) for element in content]
    if kind in ("SS", "NS"):
        return sorted(map(_number, content) if kind == "NS" else content)
    return content


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def size_of(value: Mapping[str, Any]) -> int:
    """At least the bytes that an attribute takes of an item's 400 KB, its name not counted.

    Of a text its UTF-8; of a number at most 21; of a list or a map 3, and one for each element.
    """
    kind, content = next(iter(value.items()))
    if kind == "S":
        return len(content.encode("utf-8", "surrogatepass"))
    if kind == "M":
        return 3 + sum(1 + len(name.encode("utf-8", "surrogatepass")) + size_of(item) for name, item in content.items())
    if kind == "L":
        return 3 + sum(1 + size_of(element) for element in content)
    return 21
