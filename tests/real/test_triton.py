"""The real Triton server on a rendered and trained repository, started by the project's own serve script.

The server comes out of the package nvidia-pytriton, into an environment of its own; it has the Python backend alone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.rig import WINE, Project, Rig, Server, free_port, must, run

pytestmark = [pytest.mark.real, pytest.mark.real_large]

PACKAGE = "nvidia-pytriton==0.7.0"
LIMIT_S = 60


@pytest.fixture(scope="module")
def triton(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bin/tritonserver and backends/, as the image has them in /opt/tritonserver."""
    root = tmp_path_factory.mktemp("triton")
    must(run(sys.executable, "-m", "venv", root / "venv"), "making an environment")
    pip = [root / "venv/bin/python", "-I", "-m", "pip", "install", "-q", PACKAGE]
    must(run(*pip, env=rig.environ, timeout=900), "installing Triton")
    [found] = (root / "venv/lib").glob("python3*/site-packages/pytriton/tritonserver")
    stubs = found / f"python_backend_stubs/{sys.version_info.major}.{sys.version_info.minor}"
    for stub in stubs.iterdir():
        shutil.copy2(stub, found / "backends/python" / stub.name)
    return found


@pytest.fixture(scope="module")
def project(rig: Rig, triton: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The Python sample, trained by do/build, with Triton on PATH."""
    environ = {**rig.environ, "PATH": f"{triton / 'bin'}:{rig.environ['PATH']}"}
    made = Rig(rig.mlcc, environ).project(tmp_path_factory.mktemp("projects") / "wines", "triton-python", engine="none")
    made.do("build")
    return made


def request(rows: list[list[float]]) -> dict[str, Any]:
    """Rows as the KServe protocol has them."""
    return {"inputs": [{"name": "input__0", "shape": [len(rows), 13], "datatype": "FP32", "data": rows}]}


def judged_by_numpy(project: Project, rows: list[list[float]]) -> list[int]:
    """The nearest centroid of each row, worked out beside the server from the same file."""
    script = (
        "import json, sys, numpy as np\n"
        "a, rows = np.load(sys.argv[1]), np.asarray(json.load(sys.stdin), np.float32).astype(float)\n"
        "far = [[np.sqrt((((r - a['mean']) / a['scale'] - c) ** 2).sum()) for c in a['centroids']] for r in rows]\n"
        "print(json.dumps([int(a['classes'][int(np.argmin(f))]) for f in far]))\n"
    )
    [python] = (project.path / ".mlcc/run").glob("venv-*/bin/python")
    file = project.path / "model_repository/wine/1/centroids.npz"
    done = must(run(python, "-c", script, file, stdin=json.dumps(rows)), "numpy")
    found: list[int] = json.loads(done.stdout)
    return found


def wines(project: Project) -> list[list[float]]:
    """All 178 rows of the data set."""
    [python] = (project.path / ".mlcc/run").glob("venv-*/bin/python")
    script = "import json; from sklearn.datasets import load_wine; print(json.dumps(load_wine().data.tolist()))"
    found: list[list[float]] = json.loads(must(run(python, "-c", script), "the data set").stdout)
    return found


@contextmanager
def serving(project: Project, **variables: str) -> Iterator[tuple[Server, subprocess.Popen[bytes], Path]]:
    """code/serve as SageMaker starts it, in place of the container's first process."""
    port, log = free_port(), project.path / "serve.log"
    [python] = (project.path / ".mlcc/run").glob("venv-*/bin/python")
    environ = {
        **project.environ,
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "MLCC_MODEL_DIR": str(project.path / "model_repository"),
        **variables,
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [python, project.path / "code/serve", "serve"], env=environ, stdout=stream, stderr=stream, cwd="/"
        )
    try:
        yield Server(f"http://127.0.0.1:{port}"), process, log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_it_serves_what_numpy_says(project: Project) -> None:
    rows = wines(project)
    with serving(project) as (server, process, log):
        server.ready(lambda: process.poll() is None, LIMIT_S)
        ping = server.ping()
        assert (ping.status, ping.body) == (200, "")
        sample = server.invoke(request(WINE[0])).json()
        assert sample["model_name"] == "wine"
        assert sample["outputs"] == [{"name": "output__0", "datatype": "INT64", "shape": [2, 1], "data": WINE[1]}]
        answer = server.invoke(request(rows)).json()["outputs"][0]
        assert answer["shape"] == [len(rows), 1] == [178, 1]
        assert answer["data"] == judged_by_numpy(project, rows)
        wrong = server.invoke(request([[float(n) for n in range(13)]]) | {"outputs": [{"name": "nothing"}]})
        assert wrong.status >= 400
        assert wrong.json()["error"]
        assert server.ping().status == 200
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        assert arguments[0].endswith(b"/tritonserver"), "the server is the script's own process"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert time.monotonic() - began < 30
        assert server.refuses()
        assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "wines"}, "Did you mean wine?"),
        ({"SAGEMAKER_TRITON_LOG_VERBOS": "1"}, "Did you mean SAGEMAKER_TRITON_LOG_VERBOSE?"),
        ({"MLCC_MODEL_DIR": "/nowhere"}, "no model"),
    ],
)
def test_what_cannot_serve_is_refused_before_triton_starts(
    project: Project, variables: dict[str, str], message: str
) -> None:
    with serving(project, **variables) as (_, process, log):
        assert process.wait(30) == 1
        assert message in log.read_text()
        assert "tritonserver" not in log.read_text()


def test_a_model_that_does_not_load_ends_the_server(project: Project) -> None:
    config = project.path / "model_repository/wine/config.pbtxt"
    before = config.read_text()
    try:
        config.write_text(before.replace("TYPE_INT64", "INT64"))
        with serving(project) as (_, process, log):
            assert process.wait(LIMIT_S) != 0
            assert "INT64" in log.read_text()
    finally:
        config.write_text(before)


def test_the_users_way(project: Project) -> None:
    deployed = project.json("deploy", "--port", str(free_port()))
    try:
        tested = project.json("test")
        assert [c["name"] for c in tested["checks"] if c["ok"]] == ["ping", "invocation"]
        test = project.path / "tests/test_contract.py"
        done = run(sys.executable, "-B", test, env={**os.environ, "MLCC_TEST_URL": deployed["url"]}, timeout=120)
        assert done.code == 0, done.stderr
        assert "skipped" not in done.stderr
    finally:
        cleaned = project.json("clean")
    assert all(cleaned["proofs"].values()), cleaned
