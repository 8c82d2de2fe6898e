"""What will happen, in order.  Law: time is given, never asked; what is due at the same time happens as it was said."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable


class Timeline:
    """A clock that stands until it is moved, and what shall be done at its times."""

    def __init__(self, now: float = 0.0) -> None:
        """now: seconds since 1970."""
        self.start = self.now = now
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Does something in so many seconds; never, where there are infinitely many."""
        if seconds == math.inf:
            return
        heapq.heappush(self._due, (self.now + max(seconds, 0.0), next(self._numbers), action))

    def advance_to(self, now: float) -> None:
        """Moves the clock, and does on the way what is due."""
        while self._due and self._due[0][0] <= now:
            due, _, action = heapq.heappop(self._due)
            self.now = max(self.now, due)
            action()
        self.now = max(self.now, now)

    @property
    def next_due(self) -> float | None:
        """When the next thing is due, or None when nothing is."""
        return self._due[0][0] if self._due else None
