"""CloudWatch Logs: reads of what containers have printed.  Law: what is none of theirs is asked for beside.

Without a server beside this one there is no other group, and that is what is answered.  Limits, orders and which of two
times is left out: botocore's service model of CloudWatch Logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.paging import elements
from mlcc.servers.devserver import beside
from mlcc.servers.devserver.container_output import Event, Stream
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.things import Account

SERVICE = "logs"
NOT_FOUND, INVALID = "ResourceNotFoundException", "InvalidParameterException"
NO_GROUP, NO_STREAM = "The specified log group does not exist.", "The specified log stream does not exist."
# Events and bytes of a page of events, and elements of a page of groups or streams.
EVENTS, PAGE_BYTES, PAGE = 10_000, 1 << 20, 50
_ARN = re.compile(r"arn:[a-z-]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?")
# A term of a filter pattern: a word, or what stands in quotes; `?` one of several, `-` none of them.
_TERM = re.compile(r'([?-]?)(?:"([^"]*)"|([^\s"]+))')
_BEYOND = re.compile(r"^\s*[\[{%]")


# ---------------------------------------------------------------- events
def filter_events(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """FilterLogEvents: of a group's streams, oldest first."""
    streams = _group(account, request)
    if streams is None:
        return beside.ask(SERVICE, "FilterLogEvents", account, request)
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix", "")
    if names and prefix:
        raise Refusal("logStreamNamePrefix and logStreamNames cannot be given together.", INVALID)
    if names and not {*names} <= {stream.name for stream in streams}:
        raise Refusal(NO_STREAM, NOT_FOUND)
    matches = _pattern(str(request.get("filterPattern", "")))
    last = request.get("endTime", float("inf"))
    found = [
        (event, stream.name)
        for stream in streams
        for event in stream.events
        if (stream.name in names if names else stream.name.startswith(prefix))
        and request.get("startTime", 0) <= event.at <= last
        and event.number > _number(request.get("nextToken", "0"))
        and matches(event.text)
    ]
    found.sort()
    page = found[: _fitting([event for event, _ in found], int(request.get("limit", EVENTS)))]
    shown = [{"logStreamName": name, "eventId": f"{event.number:056d}", **_event(event)} for event, name in page]
    more = {"nextToken": str(page[-1][0].number)} if len(page) < len(found) else {}
    return {"events": shown, "searchedLogStreams": [], **more}


def get_events(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """GetLogEvents: of one stream, the newest page unless a mark or `startFromHead` says another one."""
    streams = _group(account, request)
    if streams is None:
        return beside.ask(SERVICE, "GetLogEvents", account, request)
    stream = next((one for one in streams if one.name == request["logStreamName"]), None)
    if stream is None:
        raise Refusal(NO_STREAM, NOT_FOUND)
    end = request.get("endTime", float("inf"))
    found = [event for event in stream.events if request.get("startTime", 0) <= event.at < end]
    most, mark = int(request.get("limit", EVENTS)), str(request.get("nextToken", ""))
    way, _, at = mark.partition("/")
    if mark and way not in ("f", "b"):
        raise Refusal("The specified nextToken is invalid.", INVALID)
    forward = way == "f" or (not mark and request.get("startFromHead", False))
    here = _number(at) if mark else (0 if forward else (found[-1].number + 1 if found else 0))
    if forward:
        found = [event for event in found if event.number > here]
        page = found[: _fitting(found, most)]
    else:
        found = [event for event in found if event.number < here]
        page = found[len(found) - _fitting(found[::-1], most) :]
    first, last = (page[0].number, page[-1].number) if page else ((here + 1, here) if forward else (here, here - 1))
    marks = {"nextForwardToken": f"f/{max(last, 0):056d}", "nextBackwardToken": f"b/{first:056d}"}
    return {"events": [_event(event) for event in page], **marks}


def _event(event: Event) -> dict[str, Any]:
    return {"timestamp": event.at, "message": event.text, "ingestionTime": event.at}


def _fitting(events: Sequence[Event], most: int) -> int:
    """How many of the first events a page has: at least one, where there is one."""
    size = 0
    for count, event in enumerate(events[:most]):
        size += event.size
        if size > PAGE_BYTES and count:
            return count
    return min(len(events), most)


def _number(mark: str) -> int:
    if not mark.isdecimal():
        raise Refusal("The specified nextToken is invalid.", INVALID)
    return int(mark)


def _pattern(text: str) -> Callable[[str], bool]:
    """Which lines a filter pattern of terms lets through; other kinds of patterns are not there.  Raises Refusal."""
    terms = [(sign, quoted or word) for sign, quoted, word in _TERM.findall(text)]
    some = [term for sign, term in terms if sign == "?"]
    if _BEYOND.search(text) or (some and len(some) < len(terms)):
        raise Refusal("this server knows filter patterns of terms alone", *NOT_IMPLEMENTED)
    if some:
        return lambda line: any(term in line for term in some)
    return lambda line: all((term in line) == (sign != "-") for sign, term in terms)


# ---------------------------------------------------------------- groups and streams
def describe_groups(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeLogGroups: this server's, and those beside it."""
    head = f"arn:{account.partition}:logs:{account.region}:{account.number}:log-group:"
    own = [
        {
            "logGroupName": name, "creationTime": group.created, "metricFilterCount": 0, "arn": f"{head}{name}:*",
            "storedBytes": group.size, "logGroupClass": "STANDARD", "logGroupArn": f"{head}{name}",
        }
        for name, group in account.output.groups().items()
    ]  # fmt: skip
    asked = {key: value for key, value in request.items() if key not in ("limit", "nextToken")}
    found = [one for one in own if _named(one, request)] + _others(account, asked)
    return _page(sorted(found, key=lambda one: str(one["logGroupName"])), "logGroups", request)


def _named(group: dict[str, Any], request: dict[str, Any]) -> bool:
    name, wanted = group["logGroupName"], request.get("logGroupIdentifiers")
    return (
        name.startswith(request.get("logGroupNamePrefix", ""))
        and request.get("logGroupNamePattern", "") in name
        and request.get("logGroupClass", "STANDARD") == "STANDARD"
        and (wanted is None or name in map(_name, wanted))
    )


def _others(account: Account, request: dict[str, Any]) -> list[dict[str, Any]]:
    if account.beside is None:
        return []
    try:
        return list(elements(account.beside, SERVICE, "DescribeLogGroups", request))
    except AwsError as problem:
        raise beside.as_answered(problem) from None


def describe_streams(account: Account, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeLogStreams."""
    streams = _group(account, request)
    if streams is None:
        return beside.ask(SERVICE, "DescribeLogStreams", account, request)
    prefix, latest = request.get("logStreamNamePrefix", ""), request.get("orderBy") == "LastEventTime"
    if latest and prefix:
        raise Refusal("Cannot order by LastEventTime with a logStreamNamePrefix.", INVALID)
    found = [stream for stream in streams if stream.name.startswith(prefix)]
    if latest:
        found.sort(key=lambda stream: stream.events[-1].number if stream.events else 0)
    ordered = found[::-1] if request.get("descending", False) else found
    head = f"arn:{account.partition}:logs:{account.region}:{account.number}:log-group:"
    return _page([_described(head, stream) for stream in ordered], "logStreams", request)


def _described(head: str, stream: Stream) -> dict[str, Any]:
    arn = f"{head}{stream.group}:log-stream:{stream.name}"
    found = {"logStreamName": stream.name, "creationTime": stream.created, "arn": arn, "storedBytes": 0}
    if not stream.events:
        return found
    first, last = stream.events[0].at, stream.events[-1].at
    return {**found, "firstEventTimestamp": first, "lastEventTimestamp": last, "lastIngestionTime": last}


def _page(found: Sequence[dict[str, Any]], member: str, request: dict[str, Any]) -> dict[str, Any]:
    start, size = _number(str(request.get("nextToken", "0"))), int(request.get("limit", PAGE))
    more = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return {member: list(found[start : start + size]), **more}


# ---------------------------------------------------------------- whose a group is
def _group(account: Account, request: dict[str, Any]) -> list[Stream] | None:
    """The streams of the group that is asked for; None of one that another server is asked for.  Raises Refusal."""
    named, identifier = request.get("logGroupName"), request.get("logGroupIdentifier")
    if (named is None) == (identifier is None):
        raise Refusal("Either logGroupName or logGroupIdentifier must be given.", INVALID)
    streams = account.output.streams(named or _name(str(identifier)))
    if not streams and account.beside is None:
        raise Refusal(NO_GROUP, NOT_FOUND)
    return streams or None


def _name(identifier: str) -> str:
    found = _ARN.fullmatch(identifier)
    return found[1] if found is not None else identifier
