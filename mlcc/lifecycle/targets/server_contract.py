"""Is this server what SageMaker expects?  Law: an empty or wrong reply fails; a check says what it saw and how long.

The facts (paths, limits) are the architecture's, from the registries; the payload is the project's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.lifecycle.targets import answers

MAX_REPLY_BYTES = 16 * 1024 * 1024
# How pages begin, which proxies answer in place of a server.
PAGE = (b"<!doctype html", b"<html")
# More than is shown: what is a secret is taken out before the text is cut, and one may have 64 KiB.
MAX_SHOWN_BYTES = 512 * 1024


class Reply(NamedTuple):
    """What came back: status (0: nothing did), headers in lower case, body, and seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    problem: str = ""


class Checked(NamedTuple):
    """One check: its name, whether it held, what was seen, milliseconds; status: of the answer, 0 for none."""

    name: str
    ok: bool
    detail: str
    milliseconds: float
    status: int = 0

    @property
    def broke(self) -> bool:
        """Whether the server failed on the request, and its log says why."""
        return not self.ok and self.status >= 500


def send(
    url: str,
    method: str,
    path: str,
    now: Callable[[], float],
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> Reply:
    """One request.  Never raises: a refused or broken connection is a reply with status 0."""
    parts = urlsplit(url)
    started = now()
    try:
        connection = local_connection(parts.hostname or "127.0.0.1", parts.port or 80, timeout_s)
        answer = exchange(connection, method, path, body, headers, cap=MAX_REPLY_BYTES, total_s=timeout_s)
    except TimeoutError:
        return Reply(0, {}, b"", now() - started, f"no answer within {timeout_s:g} s")
    except TROUBLE as problem:
        why = getattr(problem, "strerror", None) or type(problem).__name__
        return Reply(0, {}, b"", now() - started, printable(str(why), 100).lower())
    if len(answer.body) > MAX_REPLY_BYTES:
        return Reply(0, {}, b"", now() - started, f"the answer has more than {MAX_REPLY_BYTES >> 20} MiB")
    return Reply(answer.status, answer.headers, answer.body, now() - started)


def ping(url: str, container: Mapping[str, Any], now: Callable[[], float]) -> Reply:
    """One health check, as the service makes it."""
    return send(url, "GET", str(container["ping"]), now, timeout_s=float(container["ping_timeout_s"]))


class Request(NamedTuple):
    """What is sent: the body and its type, the type wanted back, custom attributes, seconds to wait.

    own_answer: whether the form of the answer is the project's own, and not the architecture's.
    """

    payload: str
    content_type: str = "application/json"
    accept: str = ""
    custom_attributes: str = ""
    timeout_s: float = 60.0
    own_answer: bool = False

    def headers(self) -> dict[str, str]:
        """The request's headers."""
        found = {"Content-Type": self.content_type}
        if self.accept:
            found["Accept"] = self.accept
        if self.custom_attributes:
            found["X-Amzn-SageMaker-Custom-Attributes"] = self.custom_attributes
        return found


Clean = Callable[[str], str]
# Sends a body with headers to the model, and returns what came back.
Invoke = Callable[[bytes, Mapping[str, str]], Reply]


def check(
    url: str,
    container: Mapping[str, Any],
    request: Request,
    now: Callable[[], float],
    clean: Clean = lambda text: text,
) -> Iterator[Checked]:
    """Every check of a server of this machine.  clean: takes secrets out of what is shown."""
    reply = ping(url, container, now)
    yield _checked("ping", reply, reply.status == 200, "200", clean)

    def invoke(body: bytes, headers: Mapping[str, str]) -> Reply:
        return send(url, "POST", str(container["invocations"]), now, body, headers, request.timeout_s)

    yield from check_invocations(invoke, container, request, clean)


def check_invocations(
    invoke: Invoke, container: Mapping[str, Any], request: Request, clean: Clean
) -> Iterator[Checked]:
    """A good request, and the bad ones for which the architecture's container facts name an answer."""
    body = request.payload.encode()
    yield _invocation(invoke(body, request.headers()), request, container, clean)
    rules = container.get("contract", {})
    if "bad_body" in rules:
        reply = invoke(b'{"instances": [[', {"Content-Type": "application/json"})
        ok = reply.status == rules["bad_body"] and b"Traceback" not in reply.body and bool(reply.body)
        yield _checked("bad input", reply, ok, f"{rules['bad_body']} with a message", clean)
    if "unsupported_type" in rules:
        reply = invoke(body, {"Content-Type": "application/x-mlcc-unknown"})
        yield _checked(
            "unknown type", reply, reply.status == rules["unsupported_type"], str(rules["unsupported_type"]), clean
        )


def _checked(name: str, reply: Reply, ok: bool, wanted: str, clean: Clean) -> Checked:
    seen = reply.problem or f"{reply.status} {_short(reply.body, clean)}".strip()
    return Checked(name, ok, seen if ok else f"wanted {wanted}, saw {seen}", reply.seconds * 1000, reply.status)


def _short(body: bytes, clean: Clean) -> str:
    return printable(clean(body[:MAX_SHOWN_BYTES].decode("utf-8", "replace")), 120)


def _invocation(reply: Reply, request: Request, container: Mapping[str, Any], clean: Clean) -> Checked:
    wrong = reply.problem or _wrong(reply, request, container)
    if wrong:
        seen = f"{wrong}; saw {reply.status} {_short(reply.body, clean)}"
        return Checked("invocation", False, seen, reply.seconds * 1000, reply.status)
    return Checked("invocation", True, _short(reply.body, clean), reply.seconds * 1000)


def _wrong(reply: Reply, request: Request, container: Mapping[str, Any]) -> str:
    """What is wrong with an answer to a good request, or an empty text."""
    if reply.status != 200:
        return "wanted 200"
    if not reply.body.strip():
        return "the body is empty"
    if "json" not in reply.headers.get("content-type", ""):
        return "the answer is a web page" if reply.body.lstrip()[:15].lower().startswith(PAGE) else ""
    return answers.problem(reply.body, request.payload, container.get("answers", ()), request.own_answer)
