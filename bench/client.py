"""Run by itself: many requests over some kept-open connections.  Prints JSON.

usage: client.py URL CONNECTIONS REQUESTS PAYLOAD
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit

HEADERS = {"Content-Type": "application/json"}


class Worker(threading.Thread):
    """One connection.  took: seconds of each request; errors: replies that were not 200, empty or cut."""

    def __init__(self, address: str, requests: int, payload: bytes) -> None:
        super().__init__()
        self.address, self.requests, self.payload = address, requests, payload
        self.took: list[float] = []
        self.errors = 0

    def run(self) -> None:
        """Sends its share."""
        connection = http.client.HTTPConnection(self.address, timeout=30)
        for _ in range(self.requests):
            start = time.perf_counter()
            try:
                connection.request("POST", "/invocations", self.payload, HEADERS)
                reply = connection.getresponse()
                good = reply.status == 200 and bool(json.loads(reply.read()))
            except (OSError, http.client.HTTPException, ValueError):
                good = False
                connection.close()
            self.took.append(time.perf_counter() - start)
            self.errors += not good


def main(url: str, connections: int, requests: int, payload: str) -> None:
    """Prints p50 and p99 in seconds, requests a second, and errors."""
    address = urlsplit(url).netloc
    workers = [Worker(address, requests // connections, payload.encode()) for _ in range(connections)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    wall = time.perf_counter() - start
    took = sorted(t for worker in workers for t in worker.took)
    print(
        json.dumps(
            {
                "p50": took[len(took) // 2],
                "p99": took[len(took) * 99 // 100],
                "per_s": len(took) / wall,
                "errors": sum(worker.errors for worker in workers),
                "requests": len(took),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
