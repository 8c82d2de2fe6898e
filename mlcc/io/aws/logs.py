"""Amazon CloudWatch Logs: what containers have printed.  Law: one typed method a call; no group is no event."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.paging import elements

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


class Logs:
    """Log groups and their streams."""

    def __init__(self, caller: Caller) -> None:
        """caller: the connection."""
        self._caller = caller
        # where the next read of a stream goes on, by group and stream
        self._marks: dict[tuple[str, str], str] = {}

    def events(self, group: Group, since: float, most: int) -> Iterator[Event]:
        """FilterLogEvents: the events of a group since a time, oldest first.

        since: seconds since 1970; most: events that are read; none of a group that is not there.
        """
        wanted: dict[str, object] = {"logGroupName": group.name, "startTime": int(since * 1000)}
        wanted |= {"logStreamNamePrefix": group.streams} if group.streams else {}
        try:
            for event in islice(elements(self._caller, SERVICE, "FilterLogEvents", wanted), most):
                at, stream = event["timestamp"] / 1000, str(event.get("logStreamName", ""))
                yield Event(at, stream, str(event.get("message", "")))
        except AwsError as problem:
            if problem.code != "ResourceNotFoundException":
                raise

    def tail(self, group: str, stream: str) -> Iterator[str]:
        """GetLogEvents: lines that came since the last call; nothing while there is no such stream yet."""
        place = (group, stream)
        while True:
            wanted: dict[str, object] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
            wanted |= {"nextToken": self._marks[place]} if place in self._marks else {}
            try:
                answer = self._caller.call(SERVICE, "GetLogEvents", wanted)
            except AwsError as problem:
                if problem.code == "ResourceNotFoundException":
                    return
                raise
            for event in answer.get("events", ()):
                yield from str(event.get("message", "")).rstrip("\n").split("\n")
            mark = str(answer.get("nextForwardToken", ""))
            last = not answer.get("events") or mark == self._marks.get(place, "")
            self._marks[place] = mark
            if last:
                return
