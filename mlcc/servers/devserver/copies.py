"""Copies of a model's container.  Law: a copy counts as healthy when its container has answered, never otherwise.

Who starts containers is an argument: the container engine, processes of this machine, or a test's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver.rules import Durations
from mlcc.servers.devserver.timeline import Timeline


def unread(part: bytes) -> None:
    """What nobody reads."""


class Image(NamedTuple):
    """What is started: the image's address, its environment, and where its model's data lies (empty: in the image).

    printed: gets the container's output in parts, from a thread of the launcher's, and an empty one at its end;
    variant: the endpoint's variant whose instance it runs on, empty for what has none.
    """

    image: str
    environment: Mapping[str, str]
    model_data: str = ""
    printed: Callable[[bytes], None] = unread
    variant: str = ""


class UnknownImage(Exception):
    """Nobody can start this image: to the service, one that is not in its repository."""


class Unavailable(Exception):
    """The model's data cannot be had; the text says why."""


class Started(Protocol):
    """A container that was started."""

    def healthy(self) -> bool:
        """Whether GET /ping answers 200."""

    def ended(self) -> bool:
        """Whether the container has ended by itself."""

    def url(self) -> str:
        """Where it listens, as `http://127.0.0.1:PORT`."""

    def adapt(self, name: str, source: str) -> bool:
        """POST /adapters: whether the container has loaded an adapter from a folder of this machine."""

    def drop(self, name: str) -> None:
        """DELETE /adapters/NAME."""

    def stop(self) -> None:
        """Ends it."""


# Raises UnknownImage and Unavailable.
Launcher = Callable[[Image], Started]
PING_FAILED = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
IMAGE_FAILED = (
    "Please make sure all images included in the model for the production variant {variant} exist, and that the "
    "execution role used to create the model has permissions to access them."
)
DATA_FAILED = "Failed to download model data for container in production variant {variant}: "
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a "
    "different ML instance type or after some time. Consider configuring InstancePools in your EndpointConfig with "
    "multiple instance types for priority-based fallback to improve capacity availability."
)


class Group:
    """Some copies that become healthy together, or fail together; later each is started anew when it has ended."""

    def __init__(
        self,
        images: list[Image],
        launch: Launcher,
        timeline: Timeline,
        durations: Durations,
        timeout_s: float,
        done: Callable[[Group, bool], None],
        deaf: bool = False,
    ) -> None:
        """done: called once, with the group and whether all are healthy; timeout_s: the longest start; deaf: no health
        check is passed, whatever the containers say (a fault)."""
        self.started: list[Started] = []
        self.reason = PING_FAILED
        # who tells a copy that was started anew of the adapters that it had
        self.restarted: Callable[[Started], None] = lambda copy: None
        self._images, self._launch, self._timeline, self._durations = images, launch, timeline, durations
        self._timeout_s, self._done, self._deaf, self._over = timeout_s, done, deaf, False
        self._sick: set[int] = set()
        self._turn = 0
        timeline.later(durations.copy, self._start)

    def _start(self) -> None:
        if self._over:
            return
        try:
            for image in self._images:
                self.started.append(self._launch(image))
        except UnknownImage:
            self._fail(IMAGE_FAILED)
            return
        except Unavailable as problem:
            self._fail(DATA_FAILED + str(problem).replace("{", "{{").replace("}", "}}"))
            return
        # the start of a real container lasts as long as it does; where its answers count for nothing, none is awaited
        self._deadline = self._timeline.now + self._timeout_s * (1.0 if self._deaf else self._durations.pace)
        self._check()

    def _check(self) -> None:
        """One health check of each; a container that has ended is started anew, as the service does."""
        if self._over:
            return
        if not self._deaf and all(copy.healthy() for copy in self.started):
            self._done(self, True)
            self._timeline.later(self._durations.watch, self._watch)
        elif self._timeline.now >= self._deadline:
            self._fail(PING_FAILED)
        else:
            self._replace_ended()
            self._timeline.later(self._durations.ping * self._durations.pace, self._check)

    def _watch(self) -> None:
        """While they serve: what has ended is started anew, and serves once it is healthy."""
        if self._over:
            return
        self._sick |= self._replace_ended()
        for number in sorted(self._sick):
            if self.started[number].healthy():
                self._sick.discard(number)
                self.restarted(self.started[number])
        self._timeline.later(
            self._durations.ping * self._durations.pace if self._sick else self._durations.watch, self._watch
        )

    def _replace_ended(self) -> set[int]:
        ended = {number for number, copy in enumerate(self.started) if copy.ended()}
        for number in ended:
            # what cannot be started now is tried again
            with suppress(UnknownImage, Unavailable):
                self.started[number] = self._launch(self._images[number])
        return ended

    def _fail(self, reason: str) -> None:
        self.reason = reason
        self.stop()
        self._done(self, False)

    def next_url(self) -> str:
        """Where a healthy copy listens, each in turn; empty where there is none."""
        able = [copy for number, copy in enumerate(self.started) if number not in self._sick and not copy.ended()]
        if not able:
            return ""
        self._turn += 1
        return able[self._turn % len(able)].url()

    def join(self, other: Group) -> None:
        """Takes over the copies of another group, which is left without any."""
        self.started, other.started = self.started + other.started, []
        self._images, other._over = self._images + other._images, True

    def keep(self, most: Mapping[str, int]) -> None:
        """Ends the newest copies of each variant that has more than it may have."""
        left, kept = dict(most), list[int]()
        for number, image in enumerate(self._images):
            left[image.variant] = left.get(image.variant, 0) - 1
            if left[image.variant] < 0:
                self.started[number].stop()
            else:
                kept.append(number)
        self.started, self._images = [self.started[n] for n in kept], [self._images[n] for n in kept]
        self._sick = {place for place, number in enumerate(kept) if number in self._sick}

    def crash_in(self, seconds: float) -> None:
        """Every container ends after so long (a fault)."""

        def crash() -> None:
            for copy in self.started:
                copy.stop()

        self._timeline.later(seconds, crash)

    def stop(self) -> None:
        """Ends every copy; whoever waits for them is not called any more."""
        self._over = True
        for copy in self.started:
            copy.stop()
        self.started = []
