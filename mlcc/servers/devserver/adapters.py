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


def loaded(account: Account, name: str, base: str, uri: str) -> str:
    """Loads an adapter into each copy of its base; why it failed, or nothing."""
    host = account.components.get(base)
    copies = host.copies.started if host is not None and host.copies is not None else []
    try:
        folder = account.unpacked(uri)
    except Unavailable as problem:
        return str(problem)
    if not copies or not all(copy.adapt(name, folder) for copy in copies):
        return FAILED_TO_LOAD.format(uri=uri)
    return ""


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
    host = account.components.get(base)
    for copy in host.copies.started if host is not None and host.copies is not None else []:
        copy.drop(name)
