"""Copies of a model's container.  Law: a copy counts as healthy when its container has answered, never otherwise.

Who starts containers is an argument: the container engine, processes of this machine, or a test's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mlcc.core.records import NamedTuple
from mlcc.servers.devserver.rules import Durations
from mlcc.servers.devserver.timeline import Timeline


class Image(NamedTuple):
    """What is started: the image's address, its environment, and where its model's data lies (empty: in the image)."""

    image: str
    environment: Mapping[str, str]
    model_data: str = ""


class UnknownImage(Exception):
    """Nobody can start this image: to the service, one that is not in its repository."""


class Started(Protocol):
    """A container that was started."""

    def healthy(self) -> bool:
        """Whether GET /ping answers 200."""

    def ended(self) -> bool:
        """Whether the container has ended by itself."""

    def url(self) -> str:
        """Where it listens, as `http://127.0.0.1:PORT`."""

    def stop(self) -> None:
        """Ends it."""


# Raises UnknownImage.
Launcher = Callable[[Image], Started]
PING_FAILED = (
    "The primary container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


class Group:
    """Some copies that become healthy together, or fail together."""

    def __init__(
        self,
        images: list[Image],
        launch: Launcher,
        timeline: Timeline,
        durations: Durations,
        timeout_s: float,
        done: Callable[[Group, bool], None],
    ) -> None:
        """done: called once, with the group and whether all are healthy; timeout_s: the longest start."""
        self.started: list[Started] = []
        self._images, self._launch, self._timeline, self._durations = images, launch, timeline, durations
        self._timeout_s, self._done, self._over = timeout_s, done, False
        timeline.later(durations.copy, self._start)

    def _start(self) -> None:
        if self._over:
            return
        try:
            self.started = [self._launch(image) for image in self._images]
        except UnknownImage:
            self._end(False)
            return
        self._deadline = self._timeline.now + self._timeout_s
        self._check()

    def _check(self) -> None:
        """One health check of each; a container that has ended is started anew, as the service does."""
        if self._over:
            return
        if all(copy.healthy() for copy in self.started):
            self._end(True)
        elif self._timeline.now >= self._deadline:
            self._end(False)
        else:
            for number, copy in enumerate(self.started):
                if copy.ended():
                    self.started[number] = self._launch(self._images[number])
            self._timeline.later(self._durations.ping, self._check)

    def _end(self, healthy: bool) -> None:
        self._over = True
        if not healthy:
            self.stop()
        self._done(self, healthy)

    def stop(self) -> None:
        """Ends every copy; whoever waits for them is not called any more."""
        self._over = True
        for copy in self.started:
            copy.stop()
        self.started = []
