"""Adapters of a base component.  Law: one counts as loaded when the container says so; who starts anew gets it again.

The contract with the container: `POST /adapters {"name": .., "src": ..}`, `DELETE /adapters/NAME`, and the header
X-Amzn-SageMaker-Adapter-Identifier with a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlcc.servers.devserver.copies import Started, Unavailable
from mlcc.servers.devserver.things import IN_SERVICE, UPDATING, Account, Thing

FAILED_TO_LOAD = "The container of the base inference component could not load the adapter from {uri}."


def base_of(thing: Thing) -> str:
    """The base of an adapter; empty for a component that is none."""
    return str(thing.request.get("Specification", {}).get("BaseInferenceComponentName", ""))


def of_base(account: Account, base: str) -> Iterator[Thing]:
    """The adapters of a component."""
    return (thing for thing in list(account.components.values()) if base_of(thing) == base)


def loaded(account: Account, name: str, base: str, uri: str, before: str = "") -> str:
    """Loads an adapter into each copy of its base; why it failed, or nothing.

    before: the artifact that the copies have by now, empty for none; it comes back where the new one does not load.
    """
    copies = _copies(account, base)
    before = before if account.rules.adapters_are_replaced else ""
    try:
        folder = account.unpacked(uri)
    except Unavailable as problem:
        return str(problem)
    if before:
        dropped(account, name, base)
    if copies and all(copy.adapt(name, folder) for copy in copies):
        return ""
    if before:
        dropped(account, name, base)
        with suppress(Unavailable):
            old = account.unpacked(before)
            for copy in copies:
                copy.adapt(name, old)
    return FAILED_TO_LOAD.format(uri=uri)


def _copies(account: Account, base: str) -> list[Started]:
    """The containers of a component."""
    host = account.components.get(base)
    return host.copies.started if host is not None and host.copies is not None else []


def load_again(account: Account, base: str, copy: Started) -> None:
    """A copy that was started anew gets the adapters that its base has."""
    if not account.rules.adapters_come_back:
        return
    for thing in of_base(account, base):
        if thing.status in (IN_SERVICE, UPDATING):
            with suppress(Unavailable):
                copy.adapt(thing.name, account.unpacked(artifact(thing.running.get("Specification", {}))))


def artifact(specification: dict[str, dict[str, str]]) -> str:
    """Where an adapter's file lies."""
    return str(specification.get("Container", {}).get("ArtifactUrl", ""))


def dropped(account: Account, name: str, base: str) -> None:
    """Takes an adapter out of each copy of its base."""
    for copy in _copies(account, base):
        copy.drop(name)
