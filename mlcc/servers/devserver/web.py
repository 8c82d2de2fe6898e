"""The server's HTTP side: AWS's protocols, the runtime, and `/_local`.  Law: loopback only, and no browser's page.

A signature is not checked: whoever reaches loopback may ask.  A request whose Host is another name, or that a page of
another origin sends, is refused: a browser that a stranger's page drives reaches loopback, too.  Where the reply of a
call is lost, the connection is closed without a byte; a mistake of the server's own is an answer, and a line.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from mlcc.core.text import printable
from mlcc.servers.devserver import local, runtime
from mlcc.servers.devserver.asking import Invocation
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.faults import LostReply
from mlcc.servers.devserver.protocols import call_of, document, json_error
from mlcc.servers.devserver.refusal import NOT_IMPLEMENTED, Refusal
from mlcc.servers.devserver.reply import Reply

HOST = "127.0.0.1"
NAMES = (HOST, "localhost", "::1")
# A request of the control plane is small; a body for a model has SageMaker's own limit.
MAX_BODY = 8 * 1024 * 1024
TICK_S = 0.05


class DevServer(ThreadingHTTPServer):
    """Listens, and moves the account's clock."""

    daemon_threads = True

    def __init__(
        self,
        dispatcher: Dispatcher,
        now: Callable[[], float],
        factor: float = 1.0,
        port: int = 0,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """now: seconds of a steady clock; factor: seconds of the account's clock in one of them; port: 0 for any;
        say: gets a line about each mistake of the server's own."""
        self.dispatcher, self._now, self._factor, self._say = dispatcher, now, factor, say
        self._lock = threading.Lock()
        self._last = now()
        self.ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        # closes what was begun where the port is taken
        super().__init__((HOST, port), Handler)
        dispatcher.account.aside = self._aside
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
            self._move(seconds)

    def failed(self, what: str, problem: Exception) -> Refusal:
        """The answer where the server itself makes a mistake, of which it says a line."""
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        words = printable(f"{type(problem).__name__}: {problem}", 600)
        where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
        self._say(f"{printable(what, 200)}: this server failed: {words} ({where})")
        return Refusal(f"this server failed: {words}", "InternalFailure", 500)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is its client's affair; of anything else a line."""
        problem = sys.exc_info()[1]
        if isinstance(problem, Exception) and not isinstance(problem, OSError):
            self.failed("a connection", problem)

    def _aside(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Does something that takes time in a thread, and hands its result over with the account held."""

        def run() -> None:
            try:
                found = work()
                with self.account_held():
                    if not self.ended.is_set():
                        done(found)
            except Exception as problem:
                self.failed("work aside", problem)

        threading.Thread(target=run, daemon=True).start()

    def _catch_up(self) -> None:
        passed = (self._now() - self._last) * self._factor
        self._last = self._now()
        self._move(passed)

    def _move(self, seconds: float) -> None:
        """Moves the clock to its place, also past what fails on the way."""
        timeline = self.dispatcher.account.timeline
        end = timeline.now + seconds
        while True:
            try:
                timeline.advance_to(end)
                return
            except Exception as problem:
                self.failed("what was due", problem)

    def _tick(self) -> None:
        while not self.ended.wait(TICK_S):
            with self._lock:
                self._catch_up()

    def server_close(self) -> None:
        """Ends the clock, and every container."""
        self.ended.set()
        if self._ticker.is_alive():
            self._ticker.join()
        with self._lock:
            for thing in self.dispatcher.account.tagged().values():
                if thing.copies is not None:
                    thing.copies.stop()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # an answer is two writes, and the second would wait 40 ms for the first one's acknowledgement
    disable_nagle_algorithm = True
    server: DevServer

    def do_GET(self) -> None:
        """`/_local/...` only."""
        self._answered(self._local)

    def do_HEAD(self) -> None:
        """HeadBucket: this server has no S3, and so no bucket."""
        refused = self._refused()
        self.send_response(refused.status if refused is not None else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

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
        refused = self._refused()
        if refused is not None:
            self.close_connection = True
            self._send(json_error(refused))
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            self._send(self._worked(work, body))
        except LostReply as lost:
            self._hang_up(lost.reset)
        except Refusal as refusal:
            self._send(json_error(refusal))
        except OSError:
            self.close_connection = True  # nobody reads any more

    def _worked(self, work: Callable[[bytes], Reply], body: bytes) -> Reply:
        """A request's answer, whatever happens.  Raises LostReply and Refusal."""
        try:
            return work(body)
        except (LostReply, Refusal):
            raise
        except Exception as problem:
            raise self.server.failed(urlsplit(self.path).path, problem) from None

    def _hang_up(self, reset: bool) -> None:
        """Closes the connection without an answer; by force, where a machine shall seem to be gone."""
        self.close_connection = True
        with suppress(OSError):
            if reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR) if not reset else self.connection.close()

    def _refused(self) -> Refusal | None:
        """Why this request is not even read."""
        try:
            host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            host = None
        if host not in NAMES or "Origin" in self.headers:
            return Refusal("only programs of this machine are answered, under a name of loopback", "AccessDenied", 403)
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return Refusal("the request is too large", "RequestEntityTooLarge", 413)
        return None

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.error:
            self.send_header("x-amzn-ErrorType", reply.error)
        if reply.stream is not None:
            self._send_parts(reply.stream)
            return
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _send_parts(self, parts: Iterator[bytes]) -> None:
        """Chunks, each as soon as it is there; a lost reply ends the connection in the middle."""
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for part in parts:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True  # nobody reads any more

    def _called(self, body: bytes) -> Reply:
        """A call of the control plane."""
        call = call_of(urlsplit(self.path).path, self.headers, body)
        self._late(call.operation, call.request)
        try:
            with self.server.account_held() as dispatcher:
                answer = dispatcher.answer(call.service, call.operation, call.request)
            return call.answer(call.service, call.operation, answer)
        except LostReply:
            raise
        except Refusal as refusal:
            return call.error(refusal)
        except Exception as problem:
            return call.error(self.server.failed(f"{call.service} {call.operation}", problem))

    def _invoked(self, body: bytes) -> Reply:
        """A call of the runtime: the container is asked outside the lock, so that others may go on."""
        parts = [unquote(part) for part in urlsplit(self.path).path.split("/")]
        operation = runtime.PATHS.get(parts[3]) if len(parts) == 4 else None
        if operation is None:
            raise Refusal("this operation of the runtime is not there in this server", *NOT_IMPLEMENTED)
        asked = Invocation(parts[2], self.headers, body)
        self._late(operation, {"EndpointName": asked.endpoint})
        try:
            with self.server.account_held() as dispatcher:
                carry_out = runtime.begin(dispatcher, operation, asked)
            return carry_out()
        except Refusal as refusal:
            return runtime.refused(refusal)

    def _late(self, operation: str, request: Mapping[str, Any]) -> None:
        """Waits where a fault wants the answer late."""
        with self.server.account_held() as dispatcher:
            seconds = dispatcher.delay(operation, request)
        self.server.ended.wait(seconds)

    def _local(self, body: bytes) -> Reply:
        """What a test asks."""
        what = urlsplit(self.path).path.removeprefix("/_local/")
        found = local.answer(self.server, what, document(body))
        return Reply(200, "application/json", json.dumps(found).encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is printed: the journal has every call."""
