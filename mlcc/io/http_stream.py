"""An HTTP answer that is read part by part.  Law: a part is handed on as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping

from mlcc.core.records import NamedTuple
from mlcc.io.web import TROUBLE, local_connection

PART = 64 << 10


class Broken(Exception):
    """The answer ended before its end.  late: it took too long."""

    def __init__(self, late: bool = False) -> None:
        super().__init__()
        self.late = late


class Opened(NamedTuple):
    """An answer whose head has been read.  parts: its body; raises Broken where that breaks off."""

    status: int
    headers: Mapping[str, str]
    parts: Generator[bytes, None, None]


def opened(
    at: tuple[str, int], target: str, body: bytes, headers: Mapping[str, str], wait_s: float, total_s: float
) -> Opened:
    """POSTs, and returns as soon as the answer's head is there.

    at: host and port of this machine; wait_s: for the head, and for each part; total_s: for the whole body, in seconds.
    Raises TimeoutError, OSError, HTTPException or ValueError (`TROUBLE`) where no answer begins.
    """
    connection = local_connection(*at, wait_s)
    try:
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
    except TROUBLE:
        connection.close()
        raise

    def parts() -> Generator[bytes, None, None]:
        end = time.monotonic() + total_s
        try:
            while part := response.read1(PART):
                yield part
                if time.monotonic() > end:
                    raise Broken(late=True)
            if response.length:  # as many bytes are missing
                raise Broken
        except TimeoutError:
            raise Broken(late=True) from None
        except TROUBLE:
            raise Broken from None
        finally:
            connection.close()

    return Opened(response.status, {name.lower(): value for name, value in response.headers.items()}, parts())
