"""Amazon CloudWatch Logs: what containers have printed.  Law: one typed method a call; no group is no event."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller

SERVICE = "logs"


class Event(NamedTuple):
    """A line.  at: seconds since 1970; stream: of the container that printed it."""

    at: float
    stream: str
    text: str


def events(caller: Caller, group: str, since: float, most: int) -> Iterator[Event]:
    """FilterLogEvents: the events of a group since a time, oldest first.

    since: seconds since 1970; most: events that are read; none of a group that is not there.
    """
    wanted: dict[str, object] = {"logGroupName": group, "startTime": int(since * 1000)}
    count = 0
    while True:
        try:
            answer = caller.call(SERVICE, "FilterLogEvents", wanted)
        except AwsError as problem:
            if problem.code == "ResourceNotFoundException":
                return
            raise
        for event in answer.get("events", ()):
            yield Event(event["timestamp"] / 1000, str(event.get("logStreamName", "")), str(event.get("message", "")))
            count += 1
            if count >= most:
                return
        if not answer.get("nextToken"):
            return
        wanted["nextToken"] = answer["nextToken"]
