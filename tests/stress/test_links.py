"""G9 (docs/guarantees.md): the steps of do/ follow no link of the project, whenever it appears.

Each file and folder that a step reads or writes is swapped for a link to a folder of a stranger's, which holds the same
files, each with a canary in it: before the step begins, and again and again while it works.  No step prints a canary,
and nothing outside is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import build
from tests.helpers import File, build_tree
from tests.stress.faults import copied, figure, mlcc, run, tree

CANARY = "kanarienvogel"
CONFIG = """version: 1
project: {name: iris}
deployment: {config: http-flask, target: local}
registries: [./own]
"""
TENSORS = "[{name: x, data_type: TYPE_FP32, dims: [4]}]"
TRITON = f"""version: 1
project: {{name: iris}}
deployment: {{config: triton-onnxruntime, target: local}}
triton: {{models: [{{name: net, file: ./models/net.onnx, inputs: {TENSORS}, outputs: {TENSORS}}}]}}
"""
RULES = "version: 1\nkind: policies\nsource: me\nrows: {none: {path: env.A, forbidden: [x]}}\n"
# Stands for the server of the project; it ends by itself.
SERVER = """#!/usr/bin/env python3
import http.server, os, sys, threading
threading.Timer(4, os._exit, [0]).start()
for place in {v for k, v in os.environ.items() if k != "PATH" and v.startswith(os.getcwd() + "/") and os.path.isdir(v)}:
    for folder, _, names in os.walk(place, followlinks=True):
        for name in names:
            print(name, open(os.path.join(folder, name), errors="replace").read())
print("serving", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    do_POST = do_GET
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
PLACES = (
    ".mlcc", ".mlcc/run", ".mlcc/run/server.log", ".mlcc/run/server.json", ".mlcc/run/build.json", ".mlcc/run/VENV",
    ".mlcc/run/VENV/bin", ".mlcc/run/VENV/.complete", "code", "code/serve", "code/requirements.txt", "do", "do/config", "mlcc.lock",
    "sample_model", "sample_model/train.py", "sample_model/model", "own", "own/policies", "own/policies/a.yaml",
)  # fmt: skip
# Of these the small figures take some: what most steps use.
FEW = ("/run", "server.log", "/bin", "code/serve", "do/config", "sample_model/model", "own")
STEPS = {
    "build": ["build"], "clean": ["clean"], "config": ["config"], "deploy": ["deploy", "--timeout", "3"], "export": ["export"],
    "logs": ["logs"], "manifest": ["manifest"], "run": ["run"], "status": ["status"], "test": ["test"], "validate": ["validate"],
}  # fmt: skip


def prepared(place: Path, config: str, files: dict[str, str | File]) -> tuple[Path, list[str]]:
    """A stage with a project that is rendered, built and running, as far as its files say, and a copy of it outside."""
    project = build_tree(place / "stage/project", {"mlcc.yaml": config, "own/policies/a.yaml": RULES, **files})
    assert run(mlcc("apply", "-q"), project).code == 0
    name = build.venv_name(load_project(str(project)))
    record = {"kind": "process", "pid": 0, "start": 0, "token": "0" * 32, "port": 9, "url": "http://127.0.0.1:9"}
    build_tree(
        project,
        {
            "code/serve": File(SERVER, 0o755),
            "sample_model/model/model.joblib": "m",
            ".mlcc/run/build.json": json.dumps({"kind": "venv", "reference": ""}),
            ".mlcc/run/server.json": json.dumps(record),
            ".mlcc/run/server.log": "started\n",
            f".mlcc/run/{name}/.complete": "{}",
            f".mlcc/run/{name}/bin/python": File(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', 0o755),
        },
    )
    outside = place / "stage/outside"
    shutil.copytree(project, outside)
    for path in outside.rglob("*"):
        if path.is_file():
            program = path.name in ("serve", "python", "train.py")
            path.write_text(f"#!/bin/sh\necho {CANARY}; touch {outside}/ran\n" if program else f"{CANARY}: [{CANARY}\n")
    return place / "stage", [p.replace("VENV", name) for p in PLACES]


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project of mlcc's own server."""
    return prepared(tmp_path_factory.mktemp("links"), CONFIG, {})


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model server that is installed, and a pip that does not wait for a network."""
    build_tree(tmp_path / "bin", {"tritonserver": File("#!/bin/sh\n", 0o755)})
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    for name in ("RETRIES", "DEFAULT_TIMEOUT"):
        monkeypatch.setenv(f"PIP_{name}", "0")


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A project with a repository of models, one of which lies elsewhere in it."""
    stage, _ = prepared(tmp_path_factory.mktemp("triton"), TRITON, {"models/net.onnx": "net"})
    return stage, [
        "model_repository",
        "model_repository/net",
        "model_repository/net/config.pbtxt",
        "models",
        "models/net.onnx",
        ".mlcc/run",
    ]


def linked(stage: Path, place: str) -> None:
    """Puts a link to the stranger's in the place of a file or folder."""
    path = stage / "project" / place
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    path.symlink_to(stage / "outside" / place)


def speaking(*argv: str) -> Callable[[], int]:
    """A run of mlcc whose programs print where it prints."""

    def action() -> int:
        os.dup2(sys.stdout.fileno(), 1)
        os.dup2(sys.stdout.fileno(), 2)
        return mlcc(*argv)()

    return action


def check(stage: Path, step: str, before: dict[str, tuple[bytes, int]], what: str) -> int:
    """Runs a step; returns its exit code."""
    outcome = run(speaking("do", *STEPS[step]), stage / "project")
    assert "Traceback" not in outcome.output_text, f"{what}: {outcome.output_text}"
    assert outcome.code in (0, 1, 3), f"{what}: {outcome.code} {outcome.output_text}"
    assert CANARY not in outcome.output_text, f"{what}: {outcome.output_text}"
    assert tree(stage / "outside") == before, f"{what}: {outcome.output_text}"
    return outcome.code


@pytest.mark.parametrize("step", STEPS)
def test_a_link_that_is_there_before(flask: tuple[Path, list[str]], step: str) -> None:
    whole, places = flask
    for place in places if figure(1, 0) else [p for p in places if p.endswith(FEW)]:
        if step == "build" and place.endswith("/bin") and not figure(1, 0):
            continue  # making an environment takes seconds
        stage = copied(whole, whole.parent / "hurt")
        before = tree(stage / "outside")
        linked(stage, place)
        check(stage, step, before, f"do/{step} with {place}")


def test_a_script_that_trains_is_no_link(flask: tuple[Path, list[str]]) -> None:
    stage = copied(flask[0], flask[0].parent / "hurt")
    (stage / "project/sample_model/model/model.joblib").unlink()
    before = tree(stage / "outside")
    linked(stage, "sample_model/train.py")
    assert check(stage, "build", before, "do/build with sample_model/train.py") == 1


@pytest.mark.parametrize("step", ["deploy", "run", "clean", "validate", "manifest"])
def test_a_link_in_a_repository_of_models(triton: tuple[Path, list[str]], step: str) -> None:
    whole, places = triton
    for place in places:
        stage = copied(whole, whole.parent / "hurt")
        before = tree(stage / "outside")
        linked(stage, place)
        check(stage, step, before, f"do/{step} with {place}")


def swap(stage: Path, place: str) -> None:
    """For ever: the link of a stranger's comes and goes."""
    path, link = stage / "project" / place, stage / "link"
    aside = stage / "aside"
    while True:
        try:
            if not link.is_symlink():
                link.symlink_to(stage / "outside" / place)
            path.rename(aside)
            link.rename(path)
            path.unlink()
            aside.rename(path)
        except OSError:
            if aside.exists() and not os.path.lexists(path):
                aside.rename(path)


@contextmanager
def swapping(stage: Path, place: str) -> Iterator[None]:
    """A process of its own swaps meanwhile."""
    pid = os.fork()
    if pid == 0:
        try:
            swap(stage, place)
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


# A program that a step starts (the server, pip) opens its own paths: what they do in a race is not mlcc's.
OWN = ("clean", "config", "export", "logs", "manifest", "status", "test", "validate", "deploy")
RACED = (".mlcc", ".mlcc/run", ".mlcc/run/server.log", "do", "do/config", "mlcc.lock", "own/policies", "sample_model")


@pytest.mark.parametrize("step", OWN if figure(1, 0) else ("clean", "logs"))
def test_a_link_that_comes_meanwhile(flask: tuple[Path, list[str]], step: str) -> None:
    whole, codes = flask[0], list[int]()
    for place in RACED if figure(1, 0) else (".mlcc/run",):
        if (step, place) == ("deploy", "sample_model"):
            continue  # the server itself opens the model
        stage = copied(whole, whole.parent / "raced")
        before = tree(stage / "outside")
        with swapping(stage, place):
            for _ in range(figure(20, 5)):
                codes.append(check(stage, step, before, f"do/{step} while {place} is swapped"))
    print(
        f"\ndo/{step}: {len(codes)} runs, {codes.count(0)} done, {len(codes) - codes.count(0)} refused, nothing outside touched"
    )
