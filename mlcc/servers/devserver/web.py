"""The server's HTTP side: AWS's JSON protocol, the runtime, and `/_local`.  Law: loopback only; one request at a time.

A signature is not checked: whoever reaches loopback may ask.  Where the reply of a call is lost, the connection is
closed without a byte.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from mlcc.core.json_data import read_json
from mlcc.servers.devserver import runtime
from mlcc.servers.devserver.dispatcher import SERVICES, Dispatcher
from mlcc.servers.devserver.faults import Fault, LostReply
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.runtime import Reply

HOST = "127.0.0.1"
JSON = "application/x-amz-json-1.1"
# A request of the control plane is small; a body for a model has SageMaker's own limit.
MAX_BODY = 8 * 1024 * 1024
# What stands before the operation in X-Amz-Target, by service (botocore's service models).
TARGETS = {"SageMaker": "sagemaker", "AnyScaleFrontendService": "application-autoscaling"}
TICK_S = 0.05


class DevServer(ThreadingHTTPServer):
    """Listens, and moves the account's clock."""

    daemon_threads = True

    def __init__(self, dispatcher: Dispatcher, now: Callable[[], float], factor: float = 1.0, port: int = 0) -> None:
        """now: seconds of a steady clock; factor: seconds of the account's clock in one of them; port: 0 for any."""
        super().__init__((HOST, port), Handler)
        self.dispatcher, self._now, self._factor = dispatcher, now, factor
        self._lock = threading.Lock()
        self._last = now()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_address[1]}"

    @contextmanager
    def account_held(self) -> Iterator[Dispatcher]:
        """The account, at the present time, for one request."""
        with self._lock:
            self._catch_up()
            yield self.dispatcher

    def advance(self, seconds: float) -> None:
        """Moves the account's clock."""
        with self._lock:
            timeline = self.dispatcher.account.timeline
            timeline.advance_to(timeline.now + seconds)

    def _catch_up(self) -> None:
        passed = (self._now() - self._last) * self._factor
        self._last = self._now()
        timeline = self.dispatcher.account.timeline
        timeline.advance_to(timeline.now + passed)

    def _tick(self) -> None:
        while not self._ended.wait(TICK_S):
            with self._lock:
                self._catch_up()

    def server_close(self) -> None:
        """Ends the clock, and every container."""
        self._ended.set()
        self._ticker.join()
        with self._lock:
            for thing in self.dispatcher.account.tagged().values():
                if thing.copies is not None:
                    thing.copies.stop()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: DevServer

    def do_GET(self) -> None:
        """`/_local/...` only."""
        self._answered(self._local)

    def do_POST(self) -> None:
        """A call, an invocation, or `/_local/...`."""
        path = urlsplit(self.path).path
        if path.startswith("/_local/"):
            self._answered(self._local)
        elif path.startswith("/endpoints/"):
            self._answered(self._invoked)
        else:
            self._answered(self._called)

    def _answered(self, work: Callable[[bytes], Reply]) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(_error(Refusal("the request is too large", "RequestEntityTooLarge", 413)))
            return
        body = self.rfile.read(int(length))
        try:
            self._send(work(body))
        except LostReply:
            self.close_connection = True
            self.connection.close()
        except Refusal as refusal:
            self._send(_error(refusal))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        if reply.error:
            self.send_header("x-amzn-ErrorType", reply.error)
        self.end_headers()
        self.wfile.write(reply.body)

    def _called(self, body: bytes) -> Reply:
        """A call in the JSON protocol."""
        target, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        service = TARGETS.get(target.partition("_")[0], target)
        if service not in SERVICES:
            raise Refusal(f"no service is called {target}", "UnknownOperationException", 501)
        with self.server.account_held() as dispatcher:
            answer = dispatcher.answer(service, operation, _document(body))
        return Reply(200, JSON, json.dumps(answer).encode())

    def _invoked(self, body: bytes) -> Reply:
        """InvokeEndpoint: the container is asked outside the lock, so that others may go on."""
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")]
        if len(parts) != 4 or parts[3] != "invocations":
            raise Refusal("this operation of the runtime is not there in this server", "NotImplemented", 501)
        try:
            with self.server.account_held() as dispatcher:
                chosen = runtime.choose(dispatcher.account, parts[2], self.headers, body)
        except Refusal as refusal:
            return runtime.refused(refusal)
        return runtime.invoke(chosen, self.headers, body)

    def _local(self, body: bytes) -> Reply:
        """What a test asks: /_local/advance, faults, journal."""
        what = urlsplit(self.path).path.removeprefix("/_local/")
        document = _document(body)
        if what == "advance":
            self.server.advance(float(document["seconds"]))
        elif what == "faults":
            with self.server.account_held() as dispatcher:
                dispatcher.faults.add(Fault(**document))
        elif what != "journal":
            raise Refusal(f"/_local/{what} is not there", "NotImplemented", 501)
        with self.server.account_held() as dispatcher:
            shown = [entry._asdict() for entry in dispatcher.journal] if what == "journal" else []
        return Reply(200, "application/json", json.dumps({"journal": shown}).encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is printed: the journal has every call."""


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = read_json(body or b"{}", finite=True)
    except ValueError:
        raise Refusal("the body is not JSON", "SerializationException") from None
    if not isinstance(document, dict):
        raise Refusal("the body is no JSON object", "SerializationException")
    return document


def _error(refusal: Refusal) -> Reply:
    document = {"__type": refusal.code, "message": refusal.message}
    return Reply(refusal.status, JSON, json.dumps(document).encode())
