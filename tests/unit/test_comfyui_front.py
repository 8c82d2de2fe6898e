"""The front of ComfyUI: what requests become, and what callers get, with a ComfyUI that is a small server."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.helpers import ROOT
from tests.unit.test_serve_script import call, free, module

CODE = ROOT / "cookiecutters/architectures/diffusors/{{cookiecutter.root}}/code"
front = module(CODE / "comfyui", "comfyui_front")
STANDARD: dict[str, Any] = json.loads((CODE / "workflow.json").read_text())


# ---------------------------------------------------------------- workflows
@pytest.mark.parametrize(
    ("request_", "node", "name", "expected"),
    [
        ({"prompt": "a cat"}, "positive", "text", "a cat"), ({"negative_prompt": "dogs"}, "negative", "text", "dogs"),
        ({"seed": 7}, "sampler", "seed", 7), ({"steps": 3}, "sampler", "steps", 3), ({"n": 2}, "latent", "batch_size", 2),
        ({"width": 64}, "latent", "width", 64), ({"size": "512x768"}, "latent", "height", 768),
        ({"checkpoint": "x.safetensors"}, "checkpoint", "ckpt_name", "x.safetensors"),
        ({"inputs": {"sampler.cfg": 3.5}}, "sampler", "cfg", 3.5), ({"seed": 1, "inputs": {"sampler.seed": 2}}, "sampler", "seed", 2),
        ({"model": "x", "response_format": "b64_json"}, "sampler", "steps", 20),
    ],
)  # fmt: skip
def test_requests_set_inputs(request_, node, name, expected):
    before = json.dumps(STANDARD)
    assert front.build(request_, STANDARD)[node]["inputs"][name] == expected
    assert json.dumps(STANDARD) == before, "the standard workflow stays as it is"


def test_a_workflow_of_its_own():
    own = {"a": {"inputs": {"x": 1}}}
    assert front.build({"workflow": own, "inputs": {"a.x": 2}}, STANDARD) == {"a": {"inputs": {"x": 2}}}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ([], "a JSON object is expected"), ("x", "a JSON object"), (None, "a JSON object"), (5, "a JSON object"),
        ({"workflow": []}, "an object of nodes"), ({"workflow": {"a": 1}}, "an object of nodes"), ({"workflow": None}, "nodes"),
        ({"promt": "x"}, "unknown: promt; known: checkpoint"), ({"inputs": [1]}, "inputs: an object like"),
        ({"inputs": {"lost.x": 1}}, "lost.x: the workflow has no node 'lost'"), ({"inputs": {"": 1}}, "no node ''"),
        ({"workflow": {"a": {"inputs": 5}}, "inputs": {"a.x": 1}}, "no node 'a'"),
        ({"workflow": {}, "prompt": "x"}, "no node 'positive'"),
        ({"size": "big"}, "WIDTHxHEIGHT"), ({"size": "1x-2"}, "WIDTHxHEIGHT"), ({"size": 512}, "WIDTHxHEIGHT"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_reported(request_, words):
    with pytest.raises(front.Wrong) as wrong:
        front.build(request_, STANDARD)
    assert words in str(wrong.value)


# ---------------------------------------------------------------- with a ComfyUI
PNG = b"\x89PNG not really"


class Fake(BaseHTTPRequestHandler):
    """ComfyUI's interface: what it does is decided by the sampler's seed."""

    asked: dict[str, int]

    def answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/view":
            query = parse_qs(url.query, keep_blank_values=True)
            assert query == {"filename": ["a b.png"], "subfolder": [""], "type": ["output"]}
            self.answer(200, PNG)
        elif url.path.startswith("/history/"):
            self.answer(200, json.dumps(self.history(url.path.rpartition("/")[2])).encode())
        else:
            self.answer(200, b"{}")

    def history(self, name: str) -> Any:
        self.asked[name] = self.asked.get(name, 0) + 1
        if self.asked[name] < 3 or name == "3":
            return {}
        if name == "4":
            return {name: {"status": {"status_str": "error", "messages": [["execution_error", "out of memory"]]}}}
        image = {"filename": "a b.png", "subfolder": "", "type": "output"}
        if name == "5":
            return {name: {"outputs": {"save": {"images": [{"filename": "x"}]}}}}
        return {name: {"status": {}, "outputs": {"save": {"images": [image, image]}, "text": {"text": ["x"]}}}}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seed = asked["prompt"]["sampler"]["inputs"]["seed"]
        if seed == 2:
            self.answer(400, b'{"error": {"message": "value not in list"}}')
        elif seed == 6:
            self.answer(200, b"not JSON")
        elif seed == 7:
            self.answer(200, b"[]")
        else:
            self.answer(200, json.dumps({"prompt_id": str(seed)}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def running(server: ThreadingHTTPServer) -> str:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def url() -> Iterator[str]:
    """The front before a fake ComfyUI."""
    fake = type("Asked", (Fake,), {"asked": {}})
    comfy = ThreadingHTTPServer(("127.0.0.1", 0), fake)
    running(comfy)
    handler = type("Front", (front.Handler,), {"comfy": front.Comfy(comfy.server_address[1]), "workflow": STANDARD})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    yield running(server)
    for each in (server, comfy):
        each.shutdown()
        each.server_close()


def test_a_good_workflow_gives_images(url):
    status, reported = call(f"{url}/invocations", '{"prompt": "a cat"}')
    assert status == 200
    assert reported["data"] == [{"b64_json": base64.b64encode(PNG).decode(), "node": "save"}] * 2
    assert call(f"{url}/ping") == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"seed": 2}', 400, "ComfyUI refuses it: {\\\"error\\\": {\\\"message\\\": \\\"value not in list"),
        ('{"seed": 4}', 400, "the workflow failed: [[\\\"execution_error\\\", \\\"out of memory\\\"]]"),
        ('{"seed": 5}', 502, "an answer of an unknown form"),
        ('{"seed": 6}', 400, "Expecting value"),
        ('{"seed": 7}', 502, "an answer of an unknown form"),
        ("{", 400, "Expecting"),
        ("", 400, "Expecting value"),
        ("[" * 100000, 400, "recursion"),
        ('{"promt": 1}', 400, "unknown: promt"),
        ("x" * (front.LIMIT_BYTES + 1), 413, "at most 6 MB"),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_goes_wrong_is_reported(url, body, status, words):
    reported = call(f"{url}/invocations", body)
    assert reported[0] == status
    assert words in reported[1]


def test_other_paths_are_not_there(url):
    assert call(f"{url}/prompt")[0] == 404
    assert call(f"{url}/prompt", "{}")[0] == 404


def test_a_body_of_unknown_length_is_not_read(url):
    import http.client

    port = int(url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        # the head alone: the answer comes without waiting for a body, and ends the connection
        connection.putrequest("POST", "/invocations")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        with connection.getresponse() as answer:
            assert answer.status == 411
            answer.read()


def test_a_workflow_that_never_ends_is_given_up(url, monkeypatch):
    monkeypatch.setattr(front, "WAIT_S", 0.3)
    status, reported = call(f"{url}/invocations", '{"seed": 3}')
    assert status == 400
    assert "has not ended after 0.3 s" in reported


def test_without_comfyui_there_is_no_answer_yet():
    handler = type("Front", (front.Handler,), {"comfy": front.Comfy(free()), "workflow": STANDARD})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    url = running(server)
    try:
        assert call(f"{url}/ping")[0] == 503
        status, reported = call(f"{url}/invocations", "{}")
        assert status == 503
        assert "ComfyUI does not answer" in reported
    finally:
        server.shutdown()
        server.server_close()


# ---------------------------------------------------------------- the program
MAIN = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
port = int(sys.argv[sys.argv.index("--port") + 1])
paths = json.load(open(sys.argv[sys.argv.index("--extra-model-paths-config") + 1]))
assert paths["mlcc"]["checkpoints"] == "checkpoints" and "--lowvram" in sys.argv
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            sys.exit(3)
        self.send_response(200); self.end_headers()
    def log_message(self, *a): pass
class Server(HTTPServer):
    def handle_error(self, *a): raise
Server(("127.0.0.1", port), Handler).serve_forever()
"""
Start = Callable[[], "tuple[subprocess.Popen[bytes], int, int]"]


@pytest.fixture
def start(tmp_path) -> Iterator[Start]:
    """The program with a ComfyUI of a few lines."""
    (tmp_path / "main.py").write_text(MAIN)
    made = []

    def start() -> tuple[subprocess.Popen[bytes], int, int]:
        port, inner = free(), free()
        argv = [sys.executable, "-B", str(CODE / "comfyui"), "--host", "127.0.0.1", "--port", str(port)]
        argv += ["--inner-port", str(inner), "--models", str(tmp_path), "--lowvram"]
        env = {**os.environ, "COMFYUI_HOME": str(tmp_path), "TMPDIR": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:9"}
        process = subprocess.Popen(argv, env={**env, "http_proxy": "http://127.0.0.1:9"}, stderr=subprocess.DEVNULL)
        made.append(process)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if call(f"http://127.0.0.1:{port}/ping")[0] == 200:
                    return process, port, inner
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("not ready")

    yield start
    for process in made:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def test_it_ends_when_it_is_asked_to(start, tmp_path):
    process, _, inner = start()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not list(tmp_path.glob("mlcc-model-paths-*"))
    with pytest.raises(OSError, match=r"refused|reset"):
        call(f"http://127.0.0.1:{inner}/")


def test_it_ends_when_comfyui_does(start):
    process, _, inner = start()
    with pytest.raises(OSError, match=r"closed|reset|refused|response"):
        call(f"http://127.0.0.1:{inner}/die")
    assert process.wait(20) == 1
