"""Records each question to the file system with its answer, for cli/replay.  Law: stdlib only; opens nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

REFUSED = "refused"


class Observer(Protocol):
    """Keeps a record of what was asked of the file system and of the answers (see `mlcc.cli.replay`)."""

    def saw(self, kind: str, arguments: tuple[Any, ...], answer: Any) -> None:
        """One question and its answer."""


_observers: list[Observer] = []


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Passes every question that is asked inside to `observer`."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def note(kind: str, arguments: tuple[Any, ...], answer: Any) -> None:
    """Passes one question and its answer to every observer."""
    for observer in _observers:
        observer.saw(kind, arguments, answer)


def is_observed() -> bool:
    """True when somebody keeps a record."""
    return bool(_observers)


def digest(data: bytes) -> str:
    """sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def answer(found: tuple[bytes, int] | None) -> list[Any] | None:
    """What `Directory.read` gave, in a form that can be kept and compared."""
    return None if found is None else [digest(found[0]), found[1]]


def listing(names: Iterable[str]) -> str:
    """The digest of a list of names."""
    return digest("\0".join(names).encode("utf-8", "surrogateescape"))
