"""Our SageMaker server over HTTP, and what it starts in place of containers."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcc.registries.loader import load
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.launchers import Command, Processes
from mlcc.servers.devserver.rules import Durations
from mlcc.servers.devserver.things import Account
from mlcc.servers.devserver.timeline import Timeline
from mlcc.servers.devserver.web import DevServer
from tests.aws.model_server import ModelServer, serving
from tests.helpers import build_tree

# A model's server: doubles what it gets; with BROKEN in its environment it never becomes healthy.
SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(503 if "BROKEN" in os.environ else 200, b"")
    def do_POST(self):
        if self.path == "/adapters":
            return self.answer(200 if self.body()["src"] else 400, b"")
        number = self.body()
        adapter = self.headers.get("X-Amzn-SageMaker-Adapter-Identifier", "")
        self.answer(400 if number < 0 else 200, json.dumps([number * 2, adapter]).encode())
    def do_DELETE(self):
        self.answer(200, b"")
    def body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DevServer]:
    """A server whose clock runs a thousand times as fast, and an environment that leads the SDK to it."""
    build_tree(tmp_path, {"server.py": SERVER})
    command = Command([sys.executable, str(tmp_path / "server.py")], str(tmp_path), {})
    known = lambda image, folder: command if "mlcc/double" in image else None  # noqa: E731
    launch = Processes(known, str, str(tmp_path / "log"), time.sleep)
    durations = Durations(ping=1.0, watch=50.0, pace=50.0)
    account = Account(
        "us-east-1", "123456789012", Timeline(time.time()), launch, durations=durations, instance=load().instance
    )
    account.knows = lambda image: "no-such" not in image
    found = DevServer(Dispatcher(account), time.monotonic, 1000.0)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)
    yield found
    found.shutdown()
    thread.join()
    found.server_close()
    launch.close()


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A model's server in this process."""
    with serving(ModelServer()) as found:
        yield found
