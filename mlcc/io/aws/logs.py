"""Amazon CloudWatch Logs: what containers have printed.  Law: one typed method a call; no group is no event."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller, pages

SERVICE = "logs"


class Event(NamedTuple):
    """A line.  at: seconds since 1970; stream: of the container that printed it."""

    at: float
    stream: str
    text: str


class Group(NamedTuple):
    """A log group, and what the names of its streams begin with."""

    name: str
    streams: str = ""


def events(caller: Caller, group: Group, since: float, most: int) -> Iterator[Event]:
    """FilterLogEvents: the events of a group since a time, oldest first.

    since: seconds since 1970; most: events that are read; none of a group that is not there.
    """
    wanted: dict[str, object] = {"logGroupName": group.name, "startTime": int(since * 1000)}
    wanted |= {"logStreamNamePrefix": group.streams} if group.streams else {}
    try:
        for event in pages(caller, SERVICE, "FilterLogEvents", wanted, "events", most, "nextToken"):
            yield Event(event["timestamp"] / 1000, str(event.get("logStreamName", "")), str(event.get("message", "")))
    except AwsError as problem:
        if problem.code != "ResourceNotFoundException":
            raise


class Tail:
    """The lines of one stream as they come."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller
        self._token = ""

    def lines(self, group: str, stream: str) -> Iterator[str]:
        """GetLogEvents: what has come since the last call; nothing while there is no such stream yet."""
        while True:
            wanted: dict[str, object] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
            wanted |= {"nextToken": self._token} if self._token else {}
            try:
                answer = self._caller.call(SERVICE, "GetLogEvents", wanted)
            except AwsError as problem:
                if problem.code == "ResourceNotFoundException":
                    return
                raise
            for event in answer.get("events", ()):
                yield from str(event.get("message", "")).rstrip("\n").split("\n")
            token = str(answer.get("nextForwardToken", ""))
            if not answer.get("events") or token == self._token:
                self._token = token
                return
            self._token = token
