"""`/_local`: what tests and people ask of the server itself, which AWS does not have.  Law: says what it did."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from mlcc.core.text import allowed, nearest, quoted
from mlcc.servers.devserver import hub, runtime, scaling, upkeep
from mlcc.servers.devserver.dispatcher import SERVICES, Dispatcher
from mlcc.servers.devserver.faults import ANY, Fault
from mlcc.servers.devserver.model_rules import SHOWN_ONLY
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.rules import ASSUMED


class Server(Protocol):
    """What answers."""

    def account_held(self) -> AbstractContextManager[Dispatcher]:
        """The account, for one request."""

    def advance(self, seconds: float) -> None:
        """Moves the account's clock."""


def answer(server: Server, what: str, document: dict[str, Any]) -> dict[str, Any]:
    """The answer to `/_local/WHAT`.  Raises Refusal."""
    if what == "advance":
        server.advance(_checked(lambda: float(document["seconds"])))
        return {}
    if what not in TABLE:
        raise Refusal(f"/_local/{quoted(what)} is not there", *NOT_IMPLEMENTED)
    with server.account_held() as dispatcher:
        return TABLE[what](dispatcher, document)


def _checked(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (KeyError, TypeError, ValueError) as problem:
        raise Refusal(f"this is not what is wanted: {problem}") from None


def _fault(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    """One more fault; without a document, those that wait."""
    if document:
        fault = _checked(lambda: Fault(**document))
        known = {name for operations in SERVICES.values() for name in operations} | {*runtime.PATHS.values()}
        if fault.at != ANY and fault.at not in known:
            near = nearest(str(fault.at), known)
            hint = f"did you mean {near}? " if near else ""
            raise Refusal(f"no operation here is called {quoted(str(fault.at))}; {hint}known: {allowed(known | {ANY})}")
        upkeep.check(fault)
        dispatcher.faults.add(fault)
    return {"faults": [vars(fault) for fault in dispatcher.faults.waiting if fault.times > 0]}


def _journal(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    return {"journal": [entry._asdict() for entry in dispatcher.journal]}


def _quotas(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    dispatcher.account.quotas |= _checked(lambda: {name: int(value) for name, value in document.items()})
    return {"quotas": dispatcher.account.quotas}


def _scale(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    where, copies = _checked(lambda: (str(document["ResourceId"]), int(document["copies"])))
    scaling.scale(dispatcher.account, where, copies)
    return {}


def _hub(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    """A model of SageMaker's public hub; without a document, those that are there."""
    found: dict[str, Any] = _checked(lambda: hub.put(dispatcher.account, document))
    return found


def _rules(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    """Every rule, and those that no source states; members that nothing is done about; a document switches rules."""
    account = dispatcher.account
    unknown = [name for name, on in document.items() if name not in account.rules._fields or not isinstance(on, bool)]
    if unknown:
        raise Refusal(f"{quoted(unknown[0])} is no rule, or its value is neither true nor false")
    account.rules = account.rules._replace(**document)
    return {"rules": dispatcher.account.rules._asdict(), "assumed": list(ASSUMED), "shown only": list(SHOWN_ONLY)}


def _state(dispatcher: Dispatcher, document: dict[str, Any]) -> dict[str, Any]:
    """What is there, by ARN, and the clock."""
    account = dispatcher.account
    there = {arn: thing.status for arn, thing in account.tagged().items()}
    return {"now": account.timeline.now, "there": there, "targets": [*account.targets], "alarms": [*account.alarms]}


TABLE = {
    "faults": _fault, "hub": _hub, "journal": _journal, "quotas": _quotas, "rules": _rules, "scale": _scale,
    "state": _state,
}  # fmt: skip
