"""A small Hub of ours over HTTP: models at revisions, their files, gates, redirects, and every way to answer wrongly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

FIRST, SECOND = "a" * 40, "b" * 40
TOKEN = "hf_" + "T0k3n" * 8


@dataclass
class Repository:
    """A model: commits, newest last, each with its files; branches and tags by name."""

    commits: dict[str, dict[str, str | bytes]]
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    kind: str = "text-generation"

    def commit(self, revision: str) -> str | None:
        """The commit that a revision names; `main` is the newest unless a ref says otherwise."""
        newest = next(reversed(self.commits))
        found = self.refs.get(revision, revision if revision in self.commits else "")
        return found or (newest if revision == "main" else None)


@dataclass
class HubServer:
    """A running Hub.  asked: path and Authorization of every request; hooks: what stands in for an answer, by path."""

    models: dict[str, Repository]
    address: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    hooks: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    members: tuple[str, ...] = (TOKEN,)
    store: str = ""

    @property
    def environ(self) -> Mapping[str, str]:
        """Variables that lead to it."""
        return {"HF_ENDPOINT": self.address, "NO_PROXY": "127.0.0.1"}


class Handler(BaseHTTPRequestHandler):
    """Answers as huggingface.co does, as far as mlcc asks."""

    hub: HubServer

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        given = self.headers.get("Authorization", "")
        self.hub.asked.append((path, given))
        hook = self.hub.hooks.get(path)
        if hook is not None:
            hook(self)
            return
        token = given.removeprefix("Bearer ")
        if token and token not in self.hub.members:
            self.refuse(401, message="Invalid credentials in Authorization header")
        elif path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self.describe(name, revision or "main", bool(token))
        elif path.startswith("/lfs/"):
            _, _, name, commit, file = path.split("|")
            self.send(200, _bytes(self.hub.models[name].commits[commit][file]))
        else:
            name, _, rest = path.removeprefix("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            self.resolve(name, revision, file, bool(token))

    def describe(self, name: str, revision: str, member: bool) -> None:
        """The API's description of a model."""
        model = self.hub.models.get(name)
        if model is None or (model.private and not member):
            self.refuse(404 if member else 401, "RepoNotFound", "Repository not found")
            return
        commit = model.commit(revision)
        if commit is None:
            self.refuse(404, "RevisionNotFound", "Invalid rev id")
            return
        siblings = [{"rfilename": file} for file in model.commits[commit]]
        gated = "manual" if model.gated else False
        found = {"id": name, "sha": commit, "gated": gated, "siblings": siblings, "pipeline_tag": model.kind}
        self.send(200, json.dumps(found).encode())

    def resolve(self, name: str, revision: str, file: str, member: bool) -> None:
        """A file of a model; those that end in .jinja lie elsewhere, as large ones do."""
        model = self.hub.models.get(name)
        if model is None or (model.private and not member):
            self.refuse(401, "RepoNotFound")
        elif model.gated and not member:
            self.refuse(401, "GatedRepo", "Access to model is restricted")
        elif (commit := model.commit(revision)) is None:
            self.refuse(404, "RevisionNotFound")
        elif file not in model.commits[commit]:
            self.refuse(404, "EntryNotFound")
        elif file.endswith(".jinja"):
            self.redirect(f"{self.hub.store}/lfs/x|{commit}|{name}|{commit}|{file}")
        else:
            self.send(200, _bytes(model.commits[commit][file]))

    def send(self, status: int, body: bytes, **headers: str) -> None:
        """One whole answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status: int, code: str = "", message: str = "") -> None:
        """An error in the Hub's words."""
        self.send(status, b'{"error": "x"}', X_Error_Code=code, X_Error_Message=message)

    def redirect(self, where: str) -> None:
        """A redirect."""
        self.send(302, b"", Location=where)


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content


@contextmanager
def serving(models: Mapping[str, Repository] = {}) -> Iterator[HubServer]:
    """A Hub on a free port of this machine."""
    hub = HubServer(dict(models))
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# ---------------------------------------------------------------- wrong answers
def saying(status: int, body: bytes, **headers: str) -> Callable[[Handler], None]:
    """An answer of any kind."""
    return lambda handler: handler.send(status, body, **headers)


def dripping(seconds: float) -> Callable[[Handler], None]:
    """An answer that comes byte by byte, each in time, and never ends."""

    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        ends = time.monotonic() + seconds
        try:
            while time.monotonic() < ends:
                handler.wfile.write(b" ")
                time.sleep(0.02)
        except OSError:
            pass

    return drip


def silent(seconds: float) -> Callable[[Handler], None]:
    """No answer for a while."""
    return lambda handler: time.sleep(seconds)


def raw(data: bytes) -> Callable[[Handler], None]:
    """Bytes that need not be HTTP."""
    return lambda handler: (handler.wfile.write(data), setattr(handler, "close_connection", True))[1]  # type: ignore[func-returns-value]


def config(tokens: int = 4096, name: str = "TinyForCausalLM") -> str:
    """A config.json."""
    return json.dumps({"architectures": [name], "max_position_embeddings": tokens})


def tokenizer(template: object = None) -> str:
    """A tokenizer_config.json, with a chat template or without one."""
    return json.dumps({"bos_token": "<s>", **({} if template is None else {"chat_template": template})})
