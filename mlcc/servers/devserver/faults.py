"""What goes wrong on demand.  Law: a fault has a place, a number of times, and may name the request that it meets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, quoted
from mlcc.servers.devserver.refusal import Refusal

# Kinds that meet a call, whichever it is: an error in its place; the call carried out and its answer lost; the answer
# late; the connection reset before anything is done; an earlier answer to the same request; credentials that expired.
ERROR, EXECUTED, DELAY, RESET = "error", "lost reply", "delay", "reset"
STALE, EXPIRED = "stale read", "expired credentials"
# Kinds that meet what a call begins: no machines; health checks that fail; containers that end after `seconds`; no end
# of Creating or Updating; a container that cannot load an adapter; a stream that breaks off after `parts`; an endpoint
# that is deleted while its components stay; an update that fails and cannot be undone.  Kinds that meet the endpoint in
# service that a call names, before the call is carried out: maintenance of `seconds`; an outage.
CAPACITY, PING, CRASH, STUCK = "capacity", "failing ping", "crash", "stuck"
ADAPTER, CUT, ORPHANS, NO_RETURN = "adapter load failure", "cut stream", "orphan components", "failing rollback"
MAINTENANCE, OUTAGE = "maintenance", "out of service"
KINDS = (
    ERROR, EXECUTED, DELAY, RESET, STALE, EXPIRED, CAPACITY, PING, CRASH, STUCK, ADAPTER, CUT, ORPHANS, NO_RETURN,
    MAINTENANCE, OUTAGE,
)  # fmt: skip
ANY = "*"


class LostReply(Exception):
    """Nobody will know whether the call was carried out: the connection is closed without an answer.

    reset: it is closed by force, as by a machine that has gone.
    """

    def __init__(self, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


@dataclass
class Fault:
    """at: the operation, or `*` for each; kind: one of KINDS; code, message, status: of an error; times: how often;
    match: texts that members of the request must have; seconds: how late, after how long, or how long; parts: of a
    stream."""

    at: str
    kind: str
    code: str = "InternalFailure"
    message: str = "An internal failure occurred."
    status: int = 500
    times: int = 1
    match: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    parts: int = 1


class Trouble(NamedTuple):
    """What goes wrong with what a call begins.

    capacity: there are no machines; deaf: no health check is passed; crash_s: containers end so long after they are
    healthy; stuck_s: nothing happens for so long (infinity: for ever); no_return: what fails cannot be undone.
    """

    capacity: bool = False
    deaf: bool = False
    crash_s: float | None = None
    stuck_s: float = 0.0
    no_return: bool = False


class Faults:
    """Faults that wait for their call."""

    def __init__(self) -> None:
        """None yet."""
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """One more.  Raises Refusal for a kind that is not there: such a test would prove nothing."""
        if fault.kind not in KINDS:
            raise Refusal(f"no fault is called {quoted(fault.kind)}; there is {allowed(KINDS)}")
        self.waiting.append(fault)

    def meets(self, kind: str, operation: str, request: Mapping[str, Any]) -> Fault | None:
        """The fault of a kind that this call meets; it counts as one of its times."""
        for fault in self.waiting:
            matches = all(str(request.get(name, "")) == text for name, text in fault.match.items())
            if fault.kind == kind and fault.at in (operation, ANY) and matches and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def trouble(self, operation: str, request: Mapping[str, Any]) -> Trouble:
        """What goes wrong with what this call begins."""
        crash, stuck = self.meets(CRASH, operation, request), self.meets(STUCK, operation, request)
        return Trouble(
            self.meets(CAPACITY, operation, request) is not None,
            self.meets(PING, operation, request) is not None,
            crash.seconds if crash is not None else None,
            (stuck.seconds or math.inf) if stuck is not None else 0.0,
            self.meets(NO_RETURN, operation, request) is not None,
        )

    def raise_for(self, operation: str, request: Mapping[str, Any]) -> None:
        """Raises Refusal or LostReply where the call meets an error and is not carried out."""
        if self.meets(RESET, operation, request) is not None:
            raise LostReply(reset=True)
        if self.meets(EXPIRED, operation, request) is not None:
            raise Refusal("The security token included in the request is expired", "ExpiredTokenException")
        fault = self.meets(ERROR, operation, request)
        if fault is not None:
            raise Refusal(fault.message, fault.code, fault.status)
