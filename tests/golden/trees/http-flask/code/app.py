# mlcc: rendered from mlcc.yaml; yours to edit, mlcc apply merges your lines
"""The HTTP contract of the model server: what SageMaker calls, and what a caller gets back.

GET  /ping                  200 once the model has loaded, else 503
POST /invocations           parse(), predict() and format() of handler.py, one after the other
GET  /execution-parameters  how a SageMaker batch transform job should call this container

Every error is JSON with one sentence, also for what is not HTTP or arrives too slowly; tracebacks go to the log only.
What the model is, how it is asked, and what bodies look like, stands in handler.py.
"""

from __future__ import annotations

import asyncio
import http
import importlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import h11
from a2wsgi import WSGIMiddleware
from flask import Flask, Response, request
from uvicorn.protocols.http.h11_impl import H11Protocol
from werkzeug.exceptions import HTTPException

LOG = logging.getLogger("mlcc")
JSON = "application/json"

# A request that arrives while the model loads waits this long; SageMaker itself gives up after 60 s.
LOAD_WAIT_S = 50.0


class Refused(Exception):
    """A request that the server itself does not answer: the HTTP status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Reply:
    """What goes back to the caller."""

    status: int
    body: str | bytes
    content_type: str = JSON


def json_reply(status: int, document: dict[str, Any]) -> Reply:
    """A reply that holds one JSON object."""
    return Reply(status, json.dumps(document))


# ---------------------------------------------------------------- settings
@dataclass(frozen=True)
class Settings:
    """What the environment decides.

    workers: processes that answer requests; loading: the file that they share until all have loaded (see Model);
    max_payload_mb: largest request body in MiB, 0 for no limit.
    """

    model_dir: Path
    loading: Path | None
    workers: int
    threads: int
    max_payload_mb: int
    max_transforms: int
    batch_strategy: str


def number(name: str, default: int) -> int:
    """An environment variable, which `serve` has checked; `default` when it is not set."""
    return int(os.environ.get(name) or default)


def read_settings() -> Settings:
    """The settings of this process; the SAGEMAKER_ variables are those of a batch transform job."""
    workers, threads = number("MLCC_WORKERS", 1), number("MLCC_THREADS", 1)
    payload = number("MLCC_MAX_PAYLOAD_MB", 6)
    single = os.environ.get("SAGEMAKER_BATCH_STRATEGY", "").upper() == "SINGLE_RECORD"
    return Settings(
        model_dir=Path(os.environ.get("MLCC_MODEL_DIR") or "/opt/ml/model"),
        loading=Path(os.environ["MLCC_LOADING_FILE"]) if "MLCC_LOADING_FILE" in os.environ else None,
        workers=workers,
        threads=threads,
        max_payload_mb=number("SAGEMAKER_MAX_PAYLOAD_IN_MB", payload),
        max_transforms=number("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", workers * threads),
        batch_strategy="SINGLE_RECORD" if single else "MULTI_RECORD",
    )


def execution_parameters(settings: Settings) -> Reply:
    """What a batch transform job uses where its definition says nothing."""
    concurrent, payload = settings.max_transforms, settings.max_payload_mb
    document = {"BatchStrategy": settings.batch_strategy, "MaxPayloadInMB": payload}
    return json_reply(200, {"MaxConcurrentTransforms": concurrent, **document})


def start_log() -> None:
    """One line for each event, on stderr: ours from LOG_LEVEL on, those of libraries from warning on."""
    form = "%(asctime)s %(levelname)s [%(process)d] %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=form)
    LOG.setLevel(os.environ.get("LOG_LEVEL", "info").upper())


# ---------------------------------------------------------------- the model
class Model:
    """The model of one worker process: loaded once and in the background, so that the server answers at once.

    Any worker may get a /ping, and once one has answered 200 none may answer 503 because it loads later.  So they share
    a file, made by `serve`: a worker that has loaded adds a byte, the last one removes it, and while it is there the
    answer is 503.  A worker that is started anew later on does not make the container look ill, either.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._status = "loading"
        # MLCC_THREADS predictions run at one time in this process; more requests wait for their turn.
        self._turn = threading.BoundedSemaphore(settings.threads)
        self._finished = threading.Event()
        self._handler: ModuleType | None = None
        self._model: Any = None

    def start(self) -> None:
        """Begins to load; returns at once."""
        threading.Thread(target=self._load, name="load-model", daemon=True).start()

    def _load(self) -> None:
        # handler.py is imported here, not at the top: it brings the framework, which takes seconds.
        started = time.monotonic()
        try:
            handler = importlib.import_module("handler")
            self._model = handler.load(self._settings.model_dir)
            self._handler = handler
            self._status = "ok"
            self._count()
            LOG.info("model loaded in %.2f s", time.monotonic() - started)
        except BaseException:  # also SystemExit: whatever it was, /ping must say that there is no model
            self._status = "failed"
            LOG.exception("model failed to load after %.2f s", time.monotonic() - started)
        finally:
            self._finished.set()

    def _count(self) -> None:
        """Adds this worker to those that have loaded."""
        if self._settings.loading is None:
            return
        try:
            shared = os.open(self._settings.loading, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:  # all had loaded before this worker was started
            return
        with os.fdopen(shared, "ab", buffering=0) as stream:
            stream.write(b".")
            if os.fstat(shared).st_size >= self._settings.workers:
                self._settings.loading.unlink(missing_ok=True)

    def stop(self) -> None:
        """Called when everything is answered.  A process that `serve` has started ends here."""
        LOG.info("worker stopped")
        if self._settings.loading is not None:
            os._exit(0)  # sys.exit would wait for a prediction whose caller has got its answer: the server is stopping

    def ping(self) -> Reply:
        """Whether the container can predict."""
        status = self._status
        if status != "failed" and self._settings.loading is not None:
            status = "loading" if self._settings.loading.exists() else "ok"
        return json_reply(200 if status == "ok" else 503, {"status": status})

    def ready(self) -> tuple[ModuleType, Any]:
        """handler.py and its model, once they have loaded."""
        if not self._finished.wait(LOAD_WAIT_S):
            raise Refused(503, "the model is still loading")
        if self._handler is None:
            raise Refused(503, "the model failed to load; the reason is in the log of the container")
        return self._handler, self._model

    def answer(self, body: bytes, content_type: str, accept: str) -> Reply:
        """What parse(), predict() and format() of the handler make of a request."""
        handler, model = self.ready()
        try:
            data = handler.parse(body, content_type)
            with self._turn:
                predictions = handler.predict(model, data)
            return Reply(200, *handler.format(predictions, wanted_type(accept, content_type)))
        except handler.Refused as refusal:
            LOG.debug("refused: %s", refusal, exc_info=refusal.__cause__)
            return json_reply(refusal.status, {"error": str(refusal)})


def wanted_type(accept: str, content_type: str) -> str:
    """The Accept header; where it leaves the type open, that of the request comes first."""
    return accept if accept.strip() not in ("", "*/*") else f"{content_type.partition(';')[0]}, */*;q=0.1"


def invoke(model: Model, body: bytes, content_type: str, accept: str) -> Reply:
    """Answers POST /invocations."""
    try:
        return model.answer(body, content_type, accept)
    except Refused as refusal:
        return json_reply(refusal.status, {"error": str(refusal)})
    except Exception:
        LOG.exception("prediction failed")
        return json_reply(500, {"error": "the prediction failed; the reason is in the log of the container"})


# ---------------------------------------------------------------- connections
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# From its first byte to its last a request may take this long; then the answer is 408.  Each open request costs memory,
# and SageMaker ends a real-time call after 60 s, so that nobody waits for a request that takes longer.  A caller may
# take as long to read an answer; then the connection ends.
REQUEST_S = 60.0
# A caller that is refused may go on sending for so long: one who is cut off while sending never sees the answer.
LINGER_S = 2.0
# The first line and the headers of a request may have this many bytes in all.  h11 has the same limit, but only for
# those that arrive in several pieces.
HEAD_BYTES = 16 * 1024
# A body that is too large is still read up to here, so that its caller sees the answer, too.
MIB = 1024 * 1024
DRAIN_BYTES = 64 * MIB
TOO_LONG = f"the first line and the headers have more than {HEAD_BYTES} bytes"


def last_reply(status: int, message: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a refusal after which the connection ends."""
    reply = json_reply(status, {"error": message})
    body = reply.body.encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", JSON.encode()), (b"content-length", length), (b"connection", b"close")]
    return headers, body


class Connection(H11Protocol):
    """One connection of a caller; `serve` passes this class to uvicorn (--http).

    uvicorn by itself waits for ever for a request to arrive and for an answer to be read, and refuses in plain text
    what is not HTTP.  Here each has REQUEST_S, and every refusal is JSON.
    """

    _unfinished = False
    _refused = False
    _ended = False
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A caller has connected; one who then sends nothing is cut off."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # so that pause_writing is called for every byte that cannot be sent
        self._deadline = self.loop.call_later(REQUEST_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """A piece of a request has arrived."""
        if not self._refused:
            super().data_received(data)
            self._watch()

    def eof_received(self) -> bool:
        """The caller sends no more: a request in progress is still answered, one that is not whole is refused."""
        self._ended = True
        if self._unfinished and not self._refused:
            self._refuse(400, "the request ended before it was whole")
        return self._refused or self._in_progress()

    def _in_progress(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        """An answer is sent; a part of the next request may be here already."""
        super().on_response_complete()
        self._watch()
        if self._ended and not self._in_progress():
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._deadline.cancel()
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """A part of an answer cannot be sent, since the caller has not read what came before it."""
        super().pause_writing()
        self._unread = self.loop.call_later(REQUEST_S, self.transport.abort)

    def resume_writing(self) -> None:
        """All that there was to send is sent."""
        super().resume_writing()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()

    def send_400_response(self, msg: str) -> None:
        """uvicorn calls this while it handles h11's error, which knows the status that fits."""
        if getattr(sys.exc_info()[1], "error_status_hint", 400) == 431:
            self._refuse(431, TOO_LONG)
        else:
            self._refuse(400, "the request is not valid HTTP")

    def _watch(self) -> None:
        """Starts the time limit when a request begins to arrive, and ends it when the request is whole."""
        state = self.conn.their_state
        unfinished = state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0] != b"")
        if self._refused or (unfinished and self._unfinished):
            return
        self._deadline.cancel()
        if unfinished:
            late = f"the request did not arrive within {REQUEST_S:g} s"
            self._deadline = self.loop.call_later(REQUEST_S, self._refuse, 408, late)
        self._unfinished = unfinished

    def _refuse(self, status: int, message: str) -> None:
        """Answers and ends the connection."""
        headers, body = last_reply(status, message)
        first = h11.Response(status_code=status, headers=headers, reason=http.HTTPStatus(status).phrase)
        try:
            for event in (first, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:  # another answer has begun, or (HEAD) may have no body: no more can be sent
            self.transport.close()
            return
        self._refused = True
        self.transport.write_eof()
        self._deadline.cancel()
        self._deadline = self.loop.call_later(LINGER_S, self.transport.close)


class WholeRequests:
    """Calls an ASGI application with each request whole, so that a caller who sends slowly holds no thread.

    limit: largest body in bytes, 0 for none.
    """

    def __init__(self, app: Application, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            check_head(scope, self._limit)
            body = await read_body(receive, self._limit)
            if body is not None:
                await self._app(with_length(origin_form(scope), len(body)), whole(body, receive), send)
        except Refused as refused:
            await refuse(send, refused.status, str(refused))
        except asyncio.CancelledError:  # by uvicorn, when the time for what is in flight is over
            await refuse(send, 503, "the server is stopping")


def check_head(scope: Message, limit: int) -> None:
    """Refuses a request for its first line or its headers.  limit: largest body in bytes, 0 for none."""
    lines = [(scope["raw_path"], scope["query_string"]), *scope["headers"]]
    if sum(len(name) + len(value) for name, value in lines) > HEAD_BYTES:
        raise Refused(431, TOO_LONG)
    # Two servers that choose differently between these two would see different requests.
    if {b"content-length", b"transfer-encoding"} <= {name for name, _ in scope["headers"]}:
        raise Refused(400, "a request has either Content-Length or Transfer-Encoding, not both")
    # The body of such a request need not be read for its caller to see the answer.
    asks = any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])
    declared = max((int(value) for name, value in scope["headers"] if name == b"content-length"), default=0)
    if limit and declared > (limit if asks else limit + DRAIN_BYTES):
        raise Refused(413, f"the body is larger than {limit} bytes")


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The body of a request; None when the caller has gone.  limit: bytes, 0 for none."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more and (not limit or size < limit + DRAIN_BYTES):
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        more = message.get("more_body", False)
        if limit and size > limit:
            pieces.clear()
    if limit and size > limit:
        raise Refused(413, f"the body is larger than {limit} bytes")
    return b"".join(pieces)


def origin_form(scope: Message) -> Message:
    """`GET http://host/ping` as `GET /ping`: every server has to take both."""
    scheme, absolute, rest = scope["raw_path"].partition(b"://")
    if not absolute or scheme.lower() not in (b"http", b"https"):
        return scope
    path = b"/" + rest.partition(b"/")[2]
    return {**scope, "raw_path": path, "path": unquote(path.decode("ascii"))}


async def refuse(send: Send, status: int, message: str) -> None:
    """Answers a request that the application does not get to see."""
    headers, body = last_reply(status, message)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def with_length(scope: Message, size: int) -> Message:
    """The request with the length of its body in place of what the caller wrote."""
    framing = (b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name not in framing]
    return {**scope, "headers": [*headers, (b"content-length", str(size).encode())]}


def whole(body: bytes, receive: Receive) -> Receive:
    """What gives the application the body in one piece, and after it whatever else happens."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def next_message() -> Message:
        return next(messages, None) or await receive()

    return next_message


# ---------------------------------------------------------------- routes
# Threads are made as they are needed.  A request for the model holds one while it waits for its turn; all others have
# threads of their own, so that /ping is answered however many wait.
MODEL_THREADS = 128
OTHER_THREADS = 8


def create_app() -> WholeRequests:
    """The application of one worker process, its model loading.  uvicorn calls this."""
    start_log()
    settings = read_settings()
    model = Model(settings)
    model.start()
    app = Flask(__name__, static_folder=None)

    @app.get("/ping")
    def ping() -> Response:
        return response(model.ping())

    @app.post("/invocations")
    def invocations() -> Response:
        body = request.get_data()
        headers = request.headers
        return response(invoke(model, body, headers.get("Content-Type", ""), headers.get("Accept", "")))

    @app.get("/execution-parameters")
    def parameters() -> Response:
        return response(execution_parameters(settings))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        refusal = response(json_reply(error.code or 500, {"error": error.name}))
        refusal.headers.extend((name, value) for name, value in error.get_headers() if name == "Allow")
        return refusal

    model_threads = WSGIMiddleware(app, workers=MODEL_THREADS)
    other_threads = WSGIMiddleware(app, workers=OTHER_THREADS)

    async def asgi(scope: Message, receive: Receive, send: Send) -> None:
        asks_model = (scope.get("method"), scope.get("path")) == ("POST", "/invocations")
        await (model_threads if asks_model else other_threads)(scope, receive, send)
        if scope["type"] == "lifespan":  # this call lasts as long as the worker serves
            model.stop()

    return WholeRequests(asgi, settings.max_payload_mb * MIB)


def response(reply: Reply) -> Response:
    """A reply in Flask's words."""
    return Response(reply.body, reply.status, content_type=reply.content_type)
