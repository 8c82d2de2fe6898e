"""What goes wrong on demand.  Law: a fault has a place, a number of times, and may name the request that it meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcc.servers.devserver.refusal import Refusal

# Kinds: an error in place of the call; the call carried out and its answer lost.
ERROR, EXECUTED = "error", "lost reply"


class LostReply(Exception):
    """The call was carried out, and nobody will know: the connection is closed without an answer."""


@dataclass
class Fault:
    """at: the operation; kind: ERROR or EXECUTED; code, message, status: of an error; times: how often; match: texts
    that members of the request must hold."""

    at: str
    kind: str
    code: str = "InternalFailure"
    message: str = "An internal failure occurred."
    status: int = 500
    times: int = 1
    match: Mapping[str, str] = field(default_factory=dict)


class Faults:
    """Faults that wait for their call."""

    def __init__(self) -> None:
        """None yet."""
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """One more."""
        self.waiting.append(fault)

    def meets(self, kind: str, operation: str, request: Mapping[str, Any]) -> Fault | None:
        """The fault of a kind that this call meets; it counts as one of its times."""
        for fault in self.waiting:
            matches = all(str(request.get(name, "")) == text for name, text in fault.match.items())
            if fault.kind == kind and fault.at == operation and matches and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def raise_for(self, operation: str, request: Mapping[str, Any]) -> None:
        """Raises Refusal where the call meets an error."""
        fault = self.meets(ERROR, operation, request)
        if fault is not None:
            raise Refusal(fault.message, fault.code, fault.status)
