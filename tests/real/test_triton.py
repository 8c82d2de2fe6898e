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
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.real.rig import DIRECT, JSON, WINE, Project, Rig, Server, free_port, must, run

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


# ---------------------------------------------------------------- several models
TENSORS = "inputs: [{{name: X, data_type: TYPE_FP32, dims: [4]}}{0}], outputs: [{{name: Y, data_type: TYPE_FP32, dims: [{1}]}}]"
SEVERAL = f"""
triton:
  response_cache_mb: 8
  models:
    - name: scale
      max_batch_size: 8
      {TENSORS.format("", 4).replace(", outputs", chr(10) + "      outputs")}
      response_cache: {{enable: true}}
      version_policy: {{all: {{}}}}
    - name: total
      max_batch_size: 8
      inputs: [{{name: X, data_type: TYPE_FP32, dims: [4]}}, {{name: BIAS, data_type: TYPE_FP32, dims: [1], optional: true}}]
      outputs: [{{name: Y, data_type: TYPE_FP32, dims: [1]}}]
      instance_group: [{{name: two, count: 2, kind: KIND_CPU}}]
      dynamic_batching: {{priority_levels: 2, default_priority_level: 2, priority_queue_policy: {{"1": {{max_queue_size: 4}}}}}}
      optimization: {{input_pinned_memory: {{enable: false}}}}
      model_warmup: [{{name: zeros, batch_size: 1, inputs: {{X: {{data_type: TYPE_FP32, dims: [4], zero_data: true}}}}}}]
    - name: mine
      config_file: configs/mine.pbtxt
    - name: both
      platform: ensemble
      max_batch_size: 8
      inputs: [{{name: IN, data_type: TYPE_FP32, dims: [4]}}]
      outputs: [{{name: OUT, data_type: TYPE_FP32, dims: [1]}}]
      ensemble_scheduling:
        step:
          - {{model_name: scale, input_map: {{X: IN}}, output_map: {{Y: scaled}}}}
          - {{model_name: total, input_map: {{X: scaled}}, output_map: {{Y: OUT}}}}
  default_model: both
"""
OWN = """backend: "python"
max_batch_size: 8
input { name: "X" data_type: TYPE_FP32 dims: 4 }
output { name: "Y" data_type: TYPE_FP32 dims: 1 }
sequence_batching {
  max_sequence_idle_microseconds: 5000000
  control_input { name: "START" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1] } }
}
"""
CODE = {
    "scale": 'return {"Y": inputs["X"] / 10}',
    "total": 'return {"Y": inputs["X"].sum(axis=1, keepdims=True) + inputs.get("BIAS", 0)}',
    "mine": 'return {"Y": inputs["X"].max(axis=1, keepdims=True)}',
}
ROW = [1.0, 2.0, 3.0, 4.0]


@pytest.fixture(scope="module")
def several(rig: Rig, project: Project, triton: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three Python models, one with a config.pbtxt of its own, and an ensemble of two of them."""
    environ = {**rig.environ, "PATH": f"{triton / 'bin'}:{rig.environ['PATH']}"}
    path = tmp_path_factory.mktemp("projects") / "several"
    (path / "configs").mkdir(parents=True)
    (path / "configs/mine.pbtxt").write_text(OWN)
    more = SEVERAL + "build: {requirements: [numpy==1.26.4]}\n"
    made = Rig(rig.mlcc, environ).project(path, "triton-python", engine="none", more=more)
    for name, line in CODE.items():
        file = path / f"model_repository/{name}/1/model.py"
        text = file.read_text()
        assert "yours to write" in text
        file.write_text(text.replace('raise ValueError("predict() in model.py is yours to write")', line))
    made.do("build")
    return made


def tensor(name: str, row: list[float]) -> dict[str, Any]:
    return {"name": name, "shape": [1, len(row)], "datatype": "FP32", "data": row}


def asked(port: int, path: str, document: Any = None) -> Any:
    """What Triton's own interface answers."""
    data = json.dumps(document).encode() if document is not None else None
    with DIRECT.open(urllib.request.Request(f"http://127.0.0.1:{port}/v2/{path}", data), timeout=20) as response:
        return json.loads(response.read())


def test_every_model_is_loaded_and_the_default_is_asked(several: Project) -> None:
    own = free_port()
    variables = several_variables(several) | {
        "SAGEMAKER_TRITON_ADDITIONAL_ARGS": f"--allow-http=true --http-address=127.0.0.1 --http-port={own}"
    }
    with serving(several, **variables) as (server, process, log):
        server.ready(lambda: process.poll() is None, LIMIT_S)
        index = asked(own, "repository/index", {})
        assert {m["name"]: m["state"] for m in index} == dict.fromkeys(("both", "mine", "scale", "total"), "READY")
        answer = server.invoke({"inputs": [tensor("IN", ROW)]}).json()
        assert (answer["model_name"], answer["outputs"][0]["data"]) == ("both", [1.0])
        plain = asked(own, "models/total/infer", {"inputs": [tensor("X", ROW)]})
        biased = asked(own, "models/total/infer", {"inputs": [tensor("X", ROW), tensor("BIAS", [5.0])]})
        assert [a["outputs"][0]["data"] for a in (plain, biased)] == [[10.0], [15.0]], (
            "an optional input may be missing"
        )
        sequence = {"inputs": [tensor("X", ROW)], "parameters": {"sequence_id": 7, "sequence_start": True}}
        assert asked(own, "models/mine/infer", sequence)["outputs"][0]["data"] == [4.0]
        for _ in range(2):
            server.invoke({"inputs": [tensor("IN", ROW)]})
        statistics = asked(own, "models/scale/stats")["model_stats"][0]["inference_stats"]
        assert (statistics["cache_miss"]["count"], statistics["cache_hit"]["count"]) == (1, 2)
        config = asked(own, "models/total/config")
        assert config["dynamic_batching"]["priority_levels"] == 2
        assert config["optimization"]["input_pinned_memory"] == {"enable": False}
        assert [(g["name"], g["count"]) for g in config["instance_group"]] == [("two", 2)]
        assert "Traceback" not in log.read_text()


def several_variables(project: Project) -> dict[str, str]:
    """What the project's do/config gives the server."""
    config = (project.path / "do/config").read_text()
    assert "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME='both'" in config
    assert "IC_ENV_MLCC_TRITON_CACHE_MB='8'" in config
    return {"SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "both", "MLCC_TRITON_CACHE_MB": "8"}


def test_a_component_may_ask_another_model(several: Project) -> None:
    """Each inference component has an environment of its own, and so a default model of its own."""
    with serving(several, SAGEMAKER_TRITON_DEFAULT_MODEL_NAME="total") as (server, process, _):
        server.ready(lambda: process.poll() is None, LIMIT_S)
        answer = server.invoke({"inputs": [tensor("X", ROW)]}).json()
        assert (answer["model_name"], answer["outputs"][0]["data"]) == ("total", [10.0])


def test_what_validate_refuses_triton_refuses(several: Project) -> None:
    """The tensors of an ensemble and of its models: a type that differs is an error of both."""
    file, config = several.path / "mlcc.yaml", several.path / "model_repository/both/config.pbtxt"
    before, rendered = file.read_text(), config.read_text()
    try:
        file.write_text(before.replace("{name: IN, data_type: TYPE_FP32", "{name: IN, data_type: TYPE_FP16"))
        refused = Rig(Path(several.environ["MLCC"]), several.environ)("validate", "-f", str(file), code=1)
        assert "'IN' is TYPE_FP16 in both and TYPE_FP32 in scale" in " ".join((refused.stdout + refused.stderr).split())
        config.write_text(rendered.replace("TYPE_FP32", "TYPE_FP16", 1))
        with serving(several, SAGEMAKER_TRITON_DEFAULT_MODEL_NAME="both") as (_, process, log):
            assert process.wait(LIMIT_S) != 0
            assert "inconsistent data type" in log.read_text()
    finally:
        file.write_text(before)
        config.write_text(rendered)


def test_a_multi_model_endpoint_loads_what_the_service_says(several: Project) -> None:
    """SageMaker lays each model into /opt/ml/models/HASH/model, and asks the container to load, invoke and unload it."""
    token = f"mlcc{os.getpid()}"
    place = Path(f"/opt/ml/models/{token}/model")
    above = [p for p in (place, *place.parents) if not p.exists()]
    shutil.copytree(several.path / "model_repository", place)
    target = {"X_Amzn_SageMaker_Target_Model": "several.tar.gz", "Content_Type": JSON}
    try:
        with serving(several, SAGEMAKER_MULTI_MODEL="true") as (server, process, _):
            server.ready(lambda: process.poll() is None, LIMIT_S)
            assert server.ping().status == 200, "before any model is loaded"
            loading = {"model_name": token, "url": str(place)}
            assert server.ask("POST", "/models", json.dumps(loading), **target).status == 200
            assert server.ask("POST", "/models", json.dumps(loading), **target).status == 409
            body = json.dumps({"inputs": [tensor("IN", ROW)]})
            answer = server.ask("POST", f"/models/{token}/invoke", body, **target)
            assert answer.json()["outputs"][0]["data"] == [1.0], "of several in one archive the ensemble is meant"
            assert server.ask("DELETE", f"/models/{token}", **target).status == 200
            assert server.ask("POST", f"/models/{token}/invoke", body, **target).status == 404
    finally:
        shutil.rmtree(above[-1])


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
