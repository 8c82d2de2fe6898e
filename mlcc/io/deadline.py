"""A connection to a server that ends in time.  Law: the socket alone; what is sent over it is another module's.

Whatever is waited for (a name, TLS, a proxy, the next byte), there is a latest moment; whatever length a text names,
there is a largest size.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, as text.  Raises OSError where there are none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Capped:
    """A stream of which no more than `left` bytes are read, whatever lengths its own text names."""

    def __init__(self, stream: Any, left: int) -> None:
        """stream: what is read; left: how many bytes may be."""
        self._stream, self._left = stream, left

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that are left where it is negative or absent."""
        data: bytes = self._stream.read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """The same into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, limit: int = -1) -> bytes:
        """A line, or the beginning of one."""
        data: bytes = self._stream.readline(self._left if limit < 0 else min(limit, self._left))
        self._left -= len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Watch:
    """Ends the connection at the latest moment, whatever is waited for then: TLS, a proxy, or the answer."""

    def __init__(self, total_s: float, known: Mapping[tuple[str, int], Sequence[str]]) -> None:
        """total_s: seconds from the start to the latest moment; known: addresses of hosts, which are not looked up."""
        self._known = known
        self.late = threading.Event()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(total_s, self._shut_down)
        self._timer.daemon = True

    def start(self) -> None:
        """The time begins."""
        self._timer.start()

    def connect(self, address: tuple[str, int], timeout: float | None, source: Any = None) -> socket.socket:
        """A connection to the first address that answers.  Raises OSError."""
        problem: OSError = OSError("no address")
        for found in self._known.get((address[0], address[1])) or addresses(*address):
            if self.late.is_set():
                raise TimeoutError
            try:
                sock = socket.create_connection((found, address[1]), timeout, source)
            except OSError as own:
                problem = own
                continue
            # TLS takes the socket itself over; a second descriptor of it still ends the connection
            self._socket = sock.dup()
            if self.late.is_set():
                self._shut_down()
            return sock
        raise problem

    def close(self) -> None:
        """Nothing is watched any more."""
        self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def _shut_down(self) -> None:
        self.late.set()
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
