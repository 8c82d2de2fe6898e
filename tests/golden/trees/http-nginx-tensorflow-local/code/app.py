# mlcc: written once from mlcc.yaml; yours to edit, mlcc apply leaves it alone
"""The HTTP contract of the model server: what SageMaker calls, and what a caller gets back.

GET  /ping                  200 once the model has loaded, else 503
POST /invocations           rows in (JSON or CSV), one prediction for each row out (JSON or CSV)
GET  /execution-parameters  how a SageMaker batch transform job should call this container

Every error is JSON with one sentence; tracebacks go to the log only.  What the model is and how it is asked stands in
handler.py.
"""

from __future__ import annotations

import atexit
import csv
import importlib
import io
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from flask import Flask, Response, request
from numpy.typing import NDArray
from werkzeug.exceptions import HTTPException

LOG = logging.getLogger("mlcc")
JSON, CSV = "application/json", "text/csv"
MIB = 1024 * 1024

# A request that arrives while the model loads waits this long; SageMaker itself gives up after 60 s.
LOAD_WAIT_S = 50.0
# A body that is too large is still read up to here: a caller who is cut off while sending never sees the answer.
DRAIN_BYTES = 64 * MIB


class Refused(Exception):
    """A request that is not answered with predictions: the HTTP status and a sentence for the caller."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Reply:
    """What goes back to the caller."""

    status: int
    body: str
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


def whole_number(name: str, default: int, minimum: int = 1) -> int:
    """The environment variable `name` as a whole number of at least `minimum`, or `default` when it is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or int(text) < minimum:
        raise SystemExit(f"{name} must be a whole number of at least {minimum}")
    return int(text)


def read_settings() -> Settings:
    """The settings of this process; the SAGEMAKER_ variables are those of a batch transform job."""
    workers, threads = whole_number("MLCC_WORKERS", 1), whole_number("MLCC_THREADS", 1)
    payload = whole_number("MLCC_MAX_PAYLOAD_MB", 6, minimum=0)
    single = os.environ.get("SAGEMAKER_BATCH_STRATEGY", "").upper() == "SINGLE_RECORD"
    return Settings(
        model_dir=Path(os.environ.get("MLCC_MODEL_DIR") or "/opt/ml/model"),
        loading=Path(os.environ["MLCC_LOADING_FILE"]) if "MLCC_LOADING_FILE" in os.environ else None,
        workers=workers,
        threads=threads,
        max_payload_mb=whole_number("SAGEMAKER_MAX_PAYLOAD_IN_MB", payload, minimum=0),
        max_transforms=whole_number("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", workers * threads),
        batch_strategy="SINGLE_RECORD" if single else "MULTI_RECORD",
    )


def execution_parameters(settings: Settings) -> Reply:
    """What a batch transform job uses where its definition says nothing."""
    return json_reply(
        200,
        {
            "MaxConcurrentTransforms": settings.max_transforms,
            "BatchStrategy": settings.batch_strategy,
            "MaxPayloadInMB": settings.max_payload_mb,
        },
    )


def start_log() -> None:
    """One line for each event, on stderr."""
    form = "%(asctime)s %(levelname)s [%(process)d] %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=form)
    LOG.setLevel(logging.INFO)


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
        """Called when the worker process ends."""
        if self._settings.loading is not None:
            self._settings.loading.unlink(missing_ok=True)
        LOG.info("worker stopped")

    def ping(self) -> Reply:
        """Whether the container can predict."""
        status = self._status
        if status != "failed" and self._settings.loading is not None:
            status = "loading" if self._settings.loading.exists() else "ok"
        return json_reply(200 if status == "ok" else 503, {"status": status})

    def predict(self, rows: NDArray[np.float64]) -> list[Any]:
        """One prediction for each row; rows: float64, shape (rows, ...)."""
        if not self._finished.wait(LOAD_WAIT_S):
            raise Refused(503, "the model is still loading")
        if self._handler is None:
            raise Refused(503, "the model failed to load; the reason is in the log of the container")
        check_shape(rows, self._handler.row_shape(self._model))
        with self._turn:
            predictions = plain(self._handler.predict(self._model, rows))
        if not isinstance(predictions, list) or len(predictions) != len(rows):
            raise TypeError(f"predict() must return one prediction for each of the {len(rows)} rows")
        return predictions


def check_shape(rows: NDArray[np.float64], expected: tuple[int | None, ...] | None) -> None:
    """Refuses rows that the model has no use for; expected: shape of one row, None where any size goes."""
    actual = rows.shape[1:]
    if expected is None:
        return
    if len(actual) != len(expected) or any(e not in (None, a) for a, e in zip(actual, expected, strict=True)):
        raise Refused(400, f"each row must have {in_words(expected)}, not {in_words(actual)}")


def in_words(shape: tuple[int | None, ...]) -> str:
    """The shape of a row for a caller: `4 values`, `28 x 28 x 1 values`."""
    return " x ".join("any" if size is None else str(size) for size in shape) + " values"


# ---------------------------------------------------------------- requests
class Body:
    """The body of a request, taken in piece by piece.  limit: bytes, 0 for none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> bool:
        """Takes one piece; False when reading on is of no use."""
        self._size += len(piece)
        if not self._too_large():
            self._pieces.append(piece)
        return not self._too_large() or self._size < self._limit + DRAIN_BYTES

    def _too_large(self) -> bool:
        return bool(self._limit) and self._size > self._limit

    def content(self) -> bytes:
        """The whole body, when it is not too large."""
        if self._too_large():
            raise Refused(413, f"the body is larger than {self._limit} bytes")
        return b"".join(self._pieces)


def parse_json(body: bytes) -> NDArray[np.float64]:
    """Rows of `{"instances": rows}`, `{"inputs": rows}` or a bare list of rows."""
    try:
        document = json.loads(body, parse_constant=not_finite)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON in UTF-8") from error
    if isinstance(document, dict):
        if len(document) != 1 or not document.keys() <= {"instances", "inputs"}:
            raise Refused(400, 'the JSON object must have the one key "instances" (or "inputs")')
        (document,) = document.values()
    return as_rows(document)


def not_finite(literal: str) -> None:
    """Called for the words NaN, Infinity and -Infinity, which Python reads and JSON does not have."""
    raise Refused(400, f"{literal} is not JSON; every value must be a finite number")


def parse_csv(body: bytes) -> NDArray[np.float64]:
    """Rows of comma-separated numbers; a first row without any number is taken for a header."""
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        rows = [[number_or_text(cell) for cell in cells] for cells in reader if cells]
    except (ValueError, csv.Error) as error:
        raise Refused(400, "the body is not CSV in UTF-8") from error
    if rows and all(isinstance(cell, str) for cell in rows[0]):
        rows = rows[1:]
    return as_rows(rows)


def number_or_text(cell: str) -> float | str:
    """A cell of a CSV file."""
    try:
        return float(cell)
    except ValueError:
        return cell


def as_rows(document: Any) -> NDArray[np.float64]:
    """A list of rows as an array of float64, shape (rows, ...); refuses all that is not rows of finite numbers."""
    if not isinstance(document, list) or not document:
        raise Refused(400, "there must be at least one row")
    if not all(isinstance(row, list) and row for row in document):
        raise Refused(400, "each row must be a list of numbers")
    # As objects first: numpy would quietly take "1" and true for numbers, and refuses ragged rows in its own words.
    cells = np.asarray(document, dtype=object)
    kinds = set(map(type, cells.flat))
    if list in kinds:
        raise Refused(400, "all rows must have the same number of values")
    if not kinds or not kinds <= {int, float}:
        raise Refused(400, "every value must be a number")
    try:
        rows = cells.astype(np.float64)
    except OverflowError as error:
        raise Refused(400, "every value must be a finite number") from error
    if not np.isfinite(rows).all():
        raise Refused(400, "every value must be a finite number")
    return rows


# ---------------------------------------------------------------- replies
def plain(value: Any) -> Any:
    """numpy's (and a framework's) arrays and numbers as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def format_json(predictions: list[Any]) -> str:
    """`{"predictions": [...]}`."""
    return json.dumps({"predictions": predictions}, allow_nan=False)


def format_csv(predictions: list[Any]) -> str:
    """A line for each prediction; a prediction of several values has as many columns."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerows(value if isinstance(value, list) else [value] for value in predictions)
    return lines.getvalue()


PARSERS: dict[str, Callable[[bytes], NDArray[np.float64]]] = {JSON: parse_json, CSV: parse_csv}
FORMATTERS: dict[str, Callable[[list[Any]], str]] = {JSON: format_json, CSV: format_csv}


def input_type(content_type: str) -> str:
    """The media type of the body, without parameters such as the charset."""
    name = content_type.partition(";")[0].strip().lower()
    if name not in PARSERS:
        raise Refused(415, f"the Content-Type must be one of {', '.join(PARSERS)}")
    return name


def output_type(accept: str, same: str) -> str:
    """The media type of the answer: what the Accept header likes best; `same` as the input where it does not say."""
    offers = sorted(FORMATTERS, key=lambda offer: offer != same)
    best = max(offers, key=lambda offer: quality(accept or "*/*", offer))
    if quality(accept or "*/*", best) <= 0:
        raise Refused(406, f"the Accept header must allow one of {', '.join(FORMATTERS)}")
    return best


def quality(accept: str, offer: str) -> float:
    """How much an Accept header likes a media type, 0 (not at all) to 1; its closest entry decides."""
    weights: dict[str, float] = {}
    for entry in accept.split(","):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights[name] = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                weights[name] = weight(parameter[2:])
    family = offer.partition("/")[0] + "/*"
    return next((weights[name] for name in (offer, family, "*/*") if name in weights), 0.0)


def weight(text: str) -> float:
    """The number of a `q=` parameter; what is not a number counts as 0."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def invoke(model: Model, body: Body, content_type: str, accept: str) -> Reply:
    """Answers POST /invocations."""
    try:
        content = body.content()
        source = input_type(content_type)
        target = output_type(accept, source)
        predictions = model.predict(PARSERS[source](content))
        return Reply(200, FORMATTERS[target](predictions), target)
    except Refused as refusal:
        return json_reply(refusal.status, {"error": str(refusal)})
    except Exception:
        LOG.exception("prediction failed")
        return json_reply(500, {"error": "the prediction failed; the reason is in the log of the container"})


# ---------------------------------------------------------------- routes
def create_app() -> Flask:
    """The application of one worker process, its model loading.  gunicorn calls this."""
    start_log()
    settings = read_settings()
    model = Model(settings)
    model.start()
    atexit.register(model.stop)
    app = Flask(__name__, static_folder=None)

    @app.get("/ping")
    def ping() -> Response:
        return response(model.ping())

    @app.post("/invocations")
    def invocations() -> Response:
        body = Body(settings.max_payload_mb * MIB)
        while piece := request.stream.read(64 * 1024):
            if not body.add(piece):
                break
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

    return app


def response(reply: Reply) -> Response:
    """A reply in Flask's words."""
    return Response(reply.body, reply.status, content_type=reply.content_type)
