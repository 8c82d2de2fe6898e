"""MLCC368: a cache backend in a spelling that the operator does not know."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.manifests import Problem, on_manifests, section
from mlcc.core.text import quoted
from mlcc.resolve.hyperpod.manifests import Document

CODE = "MLCC368"
PLACE = ("spec", "kvCacheSpec", "l2CacheSpec", "l2CacheBackend")
KNOWN = ("redis", "tieredstorage")


def problems(schema: str, document: Document) -> Iterator[Problem]:
    """The server's pattern takes any text in which one of the two words stands, in capitals too."""
    value = section(document, *PLACE[:-1]).get(PLACE[-1])
    if isinstance(value, str) and value not in KNOWN:
        yield Problem(PLACE, f"{quoted(value)} is no backend", f"one of {', '.join(KNOWN)}")


check = on_manifests(CODE, problems)
