"""The real vLLM behind our SageMaker server (`mlcc dev aws`): a project's whole life over HTTP, from deploy to clean.

Real are the engine (on the CPU, as a process), its adapters, do/ and the HTTP between them; SageMaker is ours, and S3 is
ministack's.  As tests/engines/test_vllm.py it needs MLCC_ENGINE_PYTHON (`make test-engines`).
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlcc.io.aws.connection import Connection
from tests.engines.test_vllm import PYTHON, ROW, VERSION
from tests.helpers import build_tree
from tests.real.aws_beside import ministack
from tests.real.rig import Project, must, run
from tests.real.test_dev_aws import ROLE, left, started

pytestmark = pytest.mark.real
PROJECT = f"""\
version: 1
project: {{name: chat}}
deployment:
  config: transformers-vllm
  target: realtime-inference
  instance_type: ml.m5.4xlarge
  region: us-east-1
  role_arn: {ROLE}
framework: {{version: "{VERSION}"}}
registries: [./registries]
model: {{name: ./model}}
engine:
  max_model_len: 256
  dtype: bfloat16
  served_model_name: tiny
  lora: {{enabled: true, max_loras: 1, max_lora_rank: 8}}
  extra_args: {{enforce-eager: true}}
env: {{HF_HUB_OFFLINE: "1", VLLM_CPU_KVCACHE_SPACE: "1", VLLM_NO_USAGE_STATS: "1"}}
test:
  payload: '{{"messages": [{{"role": "user", "content": "hello world where is the cat"}}], "max_tokens": 8}}'
inference_components:
  - name: first
    startup_timeout_s: 600
  - name: second
    startup_timeout_s: 600
    env: {{VLLM_MAX_MODEL_LEN: "128"}}
"""
ADAPTERS = """\
adapters:
  - name: legal
    base: first
    artifact_url: s3://adapters/adapter.tar.gz
"""
STARTED_S, ENDED_S = 300, 60


class Story:
    """A project on the server."""

    def __init__(self, made: Project, url: str, log: Path) -> None:
        """log: what the containers print."""
        self.made, self.url, self.log = made, url, log

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Prints what a step took (pytest -rP)."""
        began = time.monotonic()
        yield
        sys.stdout.write(f"{step}: {time.monotonic() - began:.1f} s\n")

    def change(self, key: str, value: str) -> None:
        """Another value in mlcc.yaml, rendered."""
        mlcc = self.made.environ["MLCC"]
        must(run(mlcc, "set", key, value, cwd=self.made.path, env=self.made.environ), f"mlcc set {key}")
        self.apply()

    def apply(self) -> None:
        """What mlcc.yaml says, rendered."""
        must(run(self.made.environ["MLCC"], "apply", "-q", cwd=self.made.path, env=self.made.environ), "mlcc apply")

    def answer(self, part: str, words: int = 6) -> str:
        """The most likely answer of a component or an adapter to a question of so many words."""
        found = self.asked(part, words)
        return str(json.loads(found["body"])["choices"][0]["message"]["content"])

    def asked(self, part: str, words: int = 6, code: int = 0) -> dict[str, Any]:
        """What do/invoke says with --json."""
        content = " ".join(("hello world where is the cat " * words).split()[:words])
        question = {"messages": [{"role": "user", "content": content}], "max_tokens": 8, "temperature": 0}
        payload = self.made.path / "question.json"
        payload.write_text(json.dumps(question))
        found: dict[str, Any] = self.made.json("invoke", "--component", part, "--payload", str(payload), code=code)
        return found

    def failed(self, step: str, *arguments: str) -> str:
        """What a step says that must fail with exit 1."""
        return self.made.do(step, *arguments, code=1).stderr

    def checks(self) -> dict[str, bool]:
        """The checks of do/test, all of which must pass."""
        found = self.made.json("test")["checks"]
        assert all(check["ok"] for check in found), found
        return {check["name"]: check["ok"] for check in found}

    def part(self, name: str) -> dict[str, Any]:
        """What do/status --why says of a component or adapter."""
        parts = self.made.json("status", "--why")["components"]
        return next(part for part in parts if part["name"] == f"chat-{name}")

    def left(self) -> list[str]:
        """What the account still holds."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)
        try:
            connection.request("GET", "/_local/state")
            found = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return [*found["there"], *found["targets"], *found["alarms"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its model and, beside it, the archives of its adapters."""
    assert PYTHON, "MLCC_ENGINE_PYTHON is not set: run make test-engines"
    root = tmp_path_factory.mktemp("sagemaker")
    script = Path(__file__).with_name("tiny.py")
    subprocess.run([PYTHON, str(script), str(root)], check=True, capture_output=True, timeout=600)
    (root / "chat").mkdir()
    (root / "model").rename(root / "chat/model")
    for name in ("adapter", "other", "large"):
        with tarfile.open(root / f"{name}.tar.gz", "w:gz") as archive:
            for file in sorted((root / name).iterdir()):
                archive.add(file, file.name)
    build_tree(root / "chat", {"mlcc.yaml": PROJECT, "registries/frameworks/vllm.yaml": ROW})
    return root


@pytest.fixture(scope="module")
def built(place: Path) -> Project:
    """The project, rendered and built, with nothing of this machine's environment but where programs are."""
    environ = {
        "PATH": f"{os.path.dirname(PYTHON)}:{os.environ['PATH']}",
        "HOME": str(place),
        "MLCC": str(Path(sys.executable).with_name("mlcc")),
        "MLCC_HOME": str(place / "home"),
        "MLCC_PLUGINS": "none",
        "MLCC_ENGINE": "none",
        "COLUMNS": "80",
    }
    made = Project(place / "chat", environ)
    must(run(environ["MLCC"], "apply", "-q", cwd=made.path, env=environ), "mlcc apply")
    assert made.json("build")["built"]["kind"] == "installed"
    return made


def test_the_whole_life(built: Project, place: Path, tmp_path: Path) -> None:
    with ministack(tmp_path) as storage:
        s3 = Connection("us-east-1", stand_in=storage)
        s3.call("s3", "CreateBucket", {"Bucket": "adapters"})
        for archive in place.glob("*.tar.gz"):
            s3.call("s3", "PutObject", {"Bucket": "adapters", "Key": archive.name, "Body": archive.read_bytes()})
        with started(built, "process", place / "state", "--beside", storage) as (server, said):
            user = Project(built.path, {**built.environ, **said["variables"]})
            story = Story(user, said["url"], place / "state/containers.log")
            deployed(story)
            base, adapted = adapters(story)
            an_update_that_fails(story, base)
            an_update_that_succeeds(story, base, adapted)
            a_crash(story, adapted)
            cleaned(story)
            server.send_signal(signal.SIGTERM)
            talk = server.communicate(timeout=60)[1]
            assert server.returncode == 143, talk
    assert left(str(built.path)) == []


def deployed(story: Story) -> None:
    """Two components, each with the setting that is its own."""
    with story.timed("deploy of two components"):
        assert story.made.json("deploy")["status"] == "InService"
    with story.timed("test"):
        assert {name.split()[0] for name in story.checks()} == {"endpoint", "first", "second"}
    assert story.answer("first") == story.answer("second"), "the same weights, and the most likely words"
    assert story.answer("first", words=180)
    refused = story.asked("second", words=180, code=1)
    assert refused["status"] == 400, refused
    streamed = story.made.do("invoke", "--component", "first", "--stream").stdout
    assert '"choices"' in streamed
    assert story.made.json("deploy", "--plan")["changes"] == []


def adapters(story: Story) -> tuple[str, str]:
    """Added, asked, updated, removed; the answers of the base, and of the adapter that was last."""
    base = story.answer("first")
    with open(story.made.path / "mlcc.yaml", "a", encoding="utf-8") as stream:
        stream.write(ADAPTERS)
    story.apply()
    with story.timed("adapter add"):
        assert story.made.json("adapter", "add", "legal")["status"] == "InService"
    assert "legal canary" in story.checks()
    before = story.answer("legal")
    story.change("adapters[legal].artifact_url", "s3://adapters/other.tar.gz")
    with story.timed("adapter update"):
        assert story.made.json("adapter", "update", "legal")["status"] == "InService"
    after = story.answer("legal")
    assert len({base, before, after}) == 3, (base, before, after)
    # the engine takes no adapter of that rank: what served before serves on
    story.change("adapters[legal].artifact_url", "s3://adapters/large.tar.gz")
    assert "MLCC324" in story.failed("adapter", "update", "legal")
    assert story.answer("legal") == after
    story.change("adapters[legal].artifact_url", "s3://adapters/other.tar.gz")
    assert story.answer("first") == story.answer("second") == base
    with story.timed("adapter remove"):
        assert story.made.json("adapter", "remove", "legal")["status"] == "NotDeployed"
    assert "not found" in story.failed("invoke", "--component", "legal")
    assert story.made.json("adapter", "list")["adapters"][0]["status"] == "NotDeployed"
    # the container has dropped it, too: it would refuse a name that it has
    assert story.made.json("adapter", "add", "legal")["status"] == "InService"
    assert story.answer("legal") == after
    return base, after


def an_update_that_fails(story: Story, base: str) -> None:
    """A length that the model does not have: the engine ends while it starts, and is started again until the time is over."""
    story.change("inference_components[first].startup_timeout_s", "120")
    story.change("inference_components[first].env.VLLM_MAX_MODEL_LEN", "4096")
    with story.timed("deploy that fails"):
        said = story.failed("deploy")
    assert "MLCC324" in said, said
    assert "was undone, what ran before serves on" in said
    assert "max_model_len (4096) is greater than the derived max_model_len" in story.log.read_text()
    found = story.part("first")
    assert found["status"] == "InService"
    assert "did not pass the ping health check" in found["reason"]
    assert found["meaning"]
    assert found["hint"]
    assert story.answer("first") == base
    assert story.asked("first", words=300, code=1)["status"] == 400


def an_update_that_succeeds(story: Story, base: str, adapted: str) -> None:
    """A length that the model has; the adapter comes along."""
    story.change("inference_components[first].startup_timeout_s", "600")
    story.change("inference_components[first].env.VLLM_MAX_MODEL_LEN", "384")
    with story.timed("deploy that succeeds"):
        assert story.made.json("deploy")["status"] == "InService"
    assert story.answer("first", words=300)
    assert story.answer("first") == base
    assert story.answer("legal") == adapted
    assert {name.split()[0] for name in story.checks()} == {"endpoint", "first", "second", "legal"}
    assert story.made.json("deploy", "--plan")["changes"] == []


def a_crash(story: Story, adapted: str) -> None:
    """The engine is killed: another one is started, gets the adapter again, and nothing of the killed one is left."""
    before = left(str(story.made.path))
    (killed,) = (pid for pid in before if b"--max-model-len=384" in Path(f"/proc/{pid}/cmdline").read_bytes())
    family = {pid for pid in before if os.getsid(int(pid)) == int(killed)}
    assert len(family) > 1, "the engine runs in processes of its own"
    os.kill(int(killed), signal.SIGKILL)
    with story.timed("start after a crash"):
        end = time.monotonic() + STARTED_S
        while run(story.made.path / "do/invoke", "--component", "legal", cwd="/", env=story.made.environ).code:
            assert time.monotonic() < end, story.log.read_text()[-4000:]
            time.sleep(2)
    assert story.answer("legal") == adapted
    assert not family & {*left(str(story.made.path))}


def cleaned(story: Story) -> None:
    """Nothing is left of the account, and no process while the server still runs."""
    assert left(str(story.made.path)), "the containers run"
    with story.timed("clean"):
        story.made.do("clean")
    assert story.made.json("status")["status"] == "NotDeployed"
    assert story.left() == []
    end = time.monotonic() + ENDED_S
    while left(str(story.made.path)):
        assert time.monotonic() < end, left(str(story.made.path))
        time.sleep(0.5)
