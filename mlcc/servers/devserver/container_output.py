"""What containers have printed, as streams of CloudWatch Logs.  Law: a stream has a bound, and outlives its container.

It is written by threads that read containers' outputs, and read by whoever answers a request; one lock is between them.
Names of groups and streams: AWS's guide to SageMaker's logs, and Hugging Face's notes on deployments for the group of a
component.  What the streams of a component's copies are called no source states: they are assumed to be as a variant's.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver.copies import Image

ENDPOINTS, COMPONENTS = "/aws/sagemaker/Endpoints/", "/aws/sagemaker/InferenceComponents/"
JOBS = "/aws/sagemaker/TransformJobs"
# Bytes that are kept of a stream, and of a line, which then goes on in another event; streams that are kept.
STREAM_BYTES, LINE_BYTES, STREAMS = 1 << 20, 256 << 10, 128
# What CloudWatch counts for an event beside its text (PutLogEvents).
EVENT_BYTES = 26


class Event(NamedTuple):
    """A line.  number: grows with every line of the account; at: milliseconds since 1970."""

    number: int
    at: int
    text: str

    @property
    def size(self) -> int:
        """Its bytes, as CloudWatch counts them."""
        return len(self.text.encode()) + EVENT_BYTES


class Group(NamedTuple):
    """A log group.  created: milliseconds since 1970; size: bytes of its streams."""

    created: int
    size: int


@dataclass
class Stream:
    """The newest lines of one container and of those that were started in its place.

    created: milliseconds since 1970; size: bytes of its events; rest: of a line that is not whole yet.
    """

    group: str
    name: str
    created: int
    events: deque[Event] = field(default_factory=deque)
    size: int = 0
    rest: bytes = b""

    def lines(self, part: bytes) -> Iterator[bytes]:
        """The lines that are whole with another part of the output; nothing more comes after an empty part."""
        *whole, self.rest = (self.rest + part).split(b"\n")
        if len(self.rest) >= LINE_BYTES or (self.rest and not part):
            whole.append(self.rest)
            self.rest = b""
        for line in whole:
            yield from (line[start : start + LINE_BYTES] for start in range(0, len(line) or 1, LINE_BYTES))

    def add(self, event: Event) -> None:
        """One more, in the place of the oldest."""
        self.events.append(event)
        self.size += event.size
        while self.size > STREAM_BYTES:
            self.size -= self.events.popleft().size


class ContainerOutput:
    """Every stream, in the order of what was printed last."""

    def __init__(self, now: Callable[[], float]) -> None:
        """now: seconds since 1970, as the account's answers name them."""
        self._now, self._lock = now, threading.Lock()
        self._streams: dict[tuple[str, str], Stream] = {}
        self._number = self._places = 0

    def copies(self, group: str, variant: str, image: Image, count: int) -> list[Image]:
        """A model's container so many times, each on an instance and with a stream of its own."""
        return [image._replace(printed=self.printer(group, f"{variant}/{self.instance()}")) for _ in range(count)]

    def instance(self) -> str:
        """The name of one more instance."""
        self._places += 1
        return "i-" + hashlib.sha256(str(self._places).encode()).hexdigest()[:17]

    def printer(self, group: str, name: str) -> Callable[[bytes], None]:
        """Takes the output of a container in parts, and an empty one at its end.  Without output there is no stream."""
        return lambda part: self._printed((group, name), part)

    def _printed(self, key: tuple[str, str], part: bytes) -> None:
        with self._lock:
            at = int(self._now() * 1000)
            stream = self._streams.pop(key, None)
            if stream is None:
                if not part:
                    return
                stream = Stream(*key, at)
            self._streams[key] = stream
            while len(self._streams) > STREAMS:
                del self._streams[next(iter(self._streams))]
            for line in stream.lines(part):
                self._number += 1
                stream.add(Event(self._number, at, line.decode("utf-8", "replace")))

    def groups(self) -> dict[str, Group]:
        """The groups by name."""
        found: dict[str, Group] = {}
        with self._lock:
            for (name, _), stream in sorted(self._streams.items()):
                known = found.get(name, Group(stream.created, 0))
                found[name] = Group(min(known.created, stream.created), known.size + stream.size)
        return found

    def streams(self, group: str) -> list[Stream]:
        """The streams of a group as they are now, by name; none where there is no such group."""
        with self._lock:
            found = [stream for (name, _), stream in sorted(self._streams.items()) if name == group]
            return [replace(stream, events=deque(stream.events)) for stream in found]
