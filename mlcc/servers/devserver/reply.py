"""What goes back over HTTP.  Law: data; who makes it knows the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple


class Reply(NamedTuple):
    """One answer.

    error: the kind of an error, which the SDK reads from a header; headers: more of them; stream: parts that follow
    one by one in place of the body.
    """

    status: int
    kind: str
    body: bytes
    error: str = ""
    headers: Mapping[str, str] = EMPTY
    stream: Iterator[bytes] | None = None
