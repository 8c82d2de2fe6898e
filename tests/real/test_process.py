"""The http architecture as processes of this machine, without a container engine: every format on every backend.

Each project goes the user's way (init, apply, do/build, do/deploy, do/test, do/clean), with real packages, a model that
do/build trains, and a real server.  The first project of a backend and framework installs; the others of the pair get
its virtual environment as hard links, since what they install is the same.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlcc.registries.loader import load
from tests.documents import FIRST, LAST, run_page
from tests.helpers import ROOT
from tests.real.rig import (
    CSV,
    IRIS,
    JSON,
    WINE,
    Project,
    Rig,
    Server,
    assert_predicts,
    assert_refuses,
    free_port,
    listeners,
    must,
    run,
)

pytestmark = pytest.mark.real

BACKENDS = ("flask", "fastapi", "nginx")
FRAMEWORKS = load().frameworks
FORMATS = {
    "sklearn": (("joblib", "pkl"), IRIS),
    "xgboost": (("json", "model", "ubj"), WINE),
    "tensorflow": (("keras", "h5", "savedmodel"), IRIS),
}
LARGE = {"tensorflow": (pytest.mark.real_large,)}
# A model that was fitted with named columns, one of them of texts; its path is the argument.
NAMED = """
import sys
import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

rows = pd.DataFrame({"city": ["Bonn", "Rome"] * 20, "rooms": [1.0, 4.0, 2.0, 5.0] * 10})
columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
model = make_pipeline(columns, LogisticRegression()).fit(rows, ["cold", "warm"] * 20)
joblib.dump(model, sys.argv[1])
"""
LOOPBACK = "0100007F"


class Workshop:
    """Makes projects, and keeps one virtual environment for each list of requirements."""

    def __init__(self, rig: Rig, root: Path) -> None:
        """root: where the projects are made."""
        self.rig, self.root = rig, root
        self.environments: dict[str, Path] = {}

    def build(self, name: str, backend: str, form: str, version: str = "", handler: str = "") -> Project:
        """A built project.  handler: lines for the end of code/handler.py."""
        options = ["--model-format", form, *(["--framework-version", version] if version else [])]
        project = self.rig.project(self.root / name, f"http-{backend}", *options, engine="none")
        if handler:
            with (project.path / "code/handler.py").open("a") as stream:
                stream.write("\n\n" + handler)
        needs = (project.path / "code/requirements.txt").read_text()
        known = self.environments.get(needs)
        if known is None:
            project.do("build")
            [made] = (project.path / ".mlcc/run").glob("venv-*")
            self.environments[needs] = self.root / "environments" / f"{len(self.environments)}" / made.name
            _link(made, self.environments[needs])
        else:
            _link(known, project.path / ".mlcc/run" / known.name)
            project.do("build")
        return project


def _link(source: Path, target: Path) -> None:
    """A copy of a virtual environment that shares its files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)


@pytest.fixture(scope="module")
def workshop(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(rig, tmp_path_factory.mktemp("process"))


@contextmanager
def deployed(project: Project, *options: str) -> Iterator[Server]:
    """do/deploy on a port of its own; do/clean in the end, whose proofs must hold."""
    document = project.json("deploy", "--port", str(free_port()), *options)
    server = Server(document["url"])
    try:
        yield server
    finally:
        cleaned = project.json("clean")
    assert all(cleaned["proofs"].values()), cleaned
    assert len(cleaned["proofs"]) == 4
    assert server.refuses()
    assert not (project.path / ".mlcc/run").exists()


# ---------------------------------------------------------------- every format on every backend
@pytest.mark.parametrize(
    ("backend", "framework", "form"),
    [
        pytest.param(backend, framework, form, marks=LARGE.get(framework, ()))
        for framework, (forms, _) in FORMATS.items()
        for backend in BACKENDS
        for form in forms
    ],
)
def test_every_format_on_every_backend(workshop: Workshop, backend: str, framework: str, form: str) -> None:
    project = workshop.build(f"{backend}-{form}", backend, form)
    sample = FORMATS[framework][1]
    made = [p.name for p in (project.path / "sample_model/model").iterdir()]
    expected = {"savedmodel": "saved_model"}.get(form, f"model.{form}")
    assert made == [expected], "do/build trains the sample in the format of mlcc.yaml"
    with deployed(project) as server:
        assert listeners(server.address[1]) == {LOOPBACK}
        tested = project.json("test")
        assert [c["name"] for c in tested["checks"] if c["ok"]] == ["ping", "invocation", "bad input", "unknown type"]
        assert_predicts(server, sample)
        assert_refuses(server, sample)
        project.contract(server.url)


# ---------------------------------------------------------------- every version
def versions(framework: str) -> list[str]:
    """The versions that have a row, newest first."""
    return list(FRAMEWORKS[framework].versions)


def between() -> Iterator[object]:
    """Each version that is neither the newest nor the oldest."""
    for framework in FORMATS:
        for version in versions(framework)[1:-1]:
            yield pytest.param(framework, version, marks=LARGE.get(framework, ()), id=f"{framework}-{version}")


def proved(workshop: Workshop, framework: str, version: str, backend: str, form: str) -> None:
    """A project with the pins of a row is built, trained, served, and asked; its Python is the row's."""
    row = FRAMEWORKS[framework].versions[version]
    project = workshop.build(f"{version.replace('.', '-')}-{backend}-{form}", backend, form, version)
    needs = (project.path / "code/requirements.txt").read_text()
    assert set(row.requirements) <= set(needs.split("\n"))
    [venv] = (project.path / ".mlcc/run").glob("venv-*")
    asked = run(venv / "bin/python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    assert asked.stdout.strip() == row.python
    installed = run(venv / "bin/python", "-m", "pip", "freeze", "--all").stdout.lower().replace("_", "-").split()
    wanted = {line.lower() for line in needs.splitlines() if "==" in line} | set(row.sample_requirements)
    brought = {line for line in installed if line.replace(".", "-") not in {w.replace(".", "-") for w in wanted}}
    assert not {line for line in brought if not line.startswith(("pip==", "setuptools==", "wheel=="))}, brought
    with deployed(project) as server:
        assert_predicts(server, FORMATS[framework][1])
        assert_refuses(server, FORMATS[framework][1])
        project.contract(server.url)
    if framework == "sklearn":
        serves_named_columns(workshop, project)


def serves_named_columns(workshop: Workshop, project: Project) -> None:
    """A model that was fitted with a DataFrame is asked with one; the order of the columns is its own matter."""
    project.do("build")
    [venv] = (project.path / ".mlcc/run").glob("venv-*")
    [model] = (project.path / "sample_model/model").iterdir()
    must(run(venv / "bin/python", "-c", NAMED, model), "fitting with named columns")
    with deployed(project) as server:
        named = server.invoke({"instances": [{"rooms": 5, "city": "Rome"}, {"rooms": 1, "city": "Bonn"}]})
        assert named.json() == {"predictions": ["warm", "cold"]}
        assert server.invoke("city,rooms\nBonn,2\n", CSV, Accept=JSON).json() == {"predictions": ["cold"]}
        assert server.invoke({"instances": [{"rooms": 5}]}).status == 400


@pytest.mark.parametrize(
    ("framework", "form", "backend"),
    [
        pytest.param(framework, form, backend, marks=LARGE.get(framework, ()))
        for framework, (forms, _) in FORMATS.items()
        for form, backend in zip(forms, BACKENDS, strict=False)
    ],
)
def test_the_oldest_version(workshop: Workshop, framework: str, form: str, backend: str) -> None:
    """Each format of it; the newest is what the test before this one serves on each backend."""
    proved(workshop, framework, versions(framework)[-1], backend, form)


@pytest.mark.parametrize("framework", ["sklearn"])
def test_named_columns_of_the_newest_version(workshop: Workshop, framework: str) -> None:
    proved(workshop, framework, versions(framework)[0], "fastapi", "joblib")


@pytest.mark.real_versions
@pytest.mark.parametrize(("framework", "version"), list(between()))
def test_every_version_between(rig: Rig, tmp_path: Path, framework: str, version: str) -> None:
    """With each format; what it installs goes again before the next one."""
    alone = Workshop(rig, tmp_path)
    try:
        for form in FORMATS[framework][0]:
            proved(alone, framework, version, "fastapi", form)
    finally:
        shutil.rmtree(tmp_path)


# ---------------------------------------------------------------- load, and what goes wrong
@pytest.fixture(scope="module", params=BACKENDS)
def project(request: pytest.FixtureRequest, workshop: Workshop) -> Project:
    """One project of each backend."""
    return workshop.build(f"trouble-{request.param}", request.param, "joblib")


@contextmanager
def serving(project: Project, wait: bool = True, **variables: str) -> Iterator[tuple[Server, subprocess.Popen[bytes]]]:
    """code/serve as the image's ENTRYPOINT starts it, with variables of ours."""
    [venv] = (project.path / ".mlcc/run").glob("venv-*")
    port = free_port()
    environ = {
        "PATH": f"{venv}/bin:{os.environ['PATH']}",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "MLCC_BIND_HOST": "127.0.0.1",
        "MLCC_MODEL_DIR": str(project.path / "sample_model/model"),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "MLCC_REAL_RUN": os.environ.get("MLCC_REAL_RUN", ""),
        **variables,
    }
    with (project.path / "test.log").open("wb") as log:
        process = subprocess.Popen(
            [venv / "bin/python", project.path / "code/serve", "serve"], env=environ, stdout=log, stderr=log, cwd="/"
        )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        if wait:
            server.ready(lambda: process.poll() is None)
        yield server, process
    finally:
        process.terminate()
        try:
            process.wait(35)
        finally:
            process.kill()
            process.wait()


def log_of(project: Project) -> str:
    """What the last server printed."""
    return (project.path / "test.log").read_text()


def test_two_thousand_requests_at_sixteen_connections(project: Project) -> None:
    body = json.dumps({"instances": IRIS[0]})

    def client(_: int) -> list[str]:
        connection = http.client.HTTPConnection(*server.address, timeout=60)
        problems = []
        for _ in range(125):
            connection.request("POST", "/invocations", body, {"Content-Type": JSON})
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200 or json.loads(text) != {"predictions": IRIS[1]}:
                problems.append(f"{reply.status} {text[:200]!r}")
        connection.close()
        return problems

    with serving(project, MLCC_WORKERS="2") as (server, _), ThreadPoolExecutor(16) as pool:
        problems = [p for found in pool.map(client, range(16)) for p in found]
    assert not problems, f"{len(problems)} of 2,000 requests failed: {problems[:3]}"


def children(pid: int) -> dict[int, str]:
    """The processes that a process has started: their command lines by pid."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
    return found


@pytest.mark.parametrize("silent", [False, True], ids=["at work", "silent"])
def test_a_killed_worker_is_replaced(project: Project, silent: bool) -> None:
    """At once, also one that had given no sign of life before it was killed, as one that waits for memory does."""

    def workers() -> set[int]:
        return {pid for pid, line in children(process.pid).items() if "uvicorn" in line}

    with serving(project, MLCC_WORKERS="2") as (server, process):
        first = workers()
        assert len(first) == 2, log_of(project)
        if silent:
            os.kill(max(first), signal.SIGSTOP)
            time.sleep(1)
        os.kill(max(first), signal.SIGKILL)
        deadline = time.monotonic() + 20
        while len(workers() - {max(first)}) < 2:
            assert time.monotonic() < deadline, f"it is not replaced:\n{log_of(project)}"
            time.sleep(0.1)
        for _ in range(8):
            assert_predicts(server, IRIS)
        assert process.poll() is None
        process.terminate()
        assert process.wait(35) == 0
    assert server.refuses()


@pytest.mark.parametrize(
    "variables",
    [
        {"MLCC_WORKERS": "many"},
        {"MLCC_WORKERS": "0"},
        {"SAGEMAKER_BIND_TO_PORT": "70000"},
        {"MLCC_MAX_PAYLOAD_MB": "-1"},
        {"MLCC_THREADS": "1; rm -rf /"},
    ],
    ids=lambda v: "=".join(next(iter(v.items()))),
)
def test_a_wrong_setting_ends_the_server_with_a_line(project: Project, variables: dict[str, str]) -> None:
    with serving(project, wait=False, **variables) as (_, process):
        assert process.wait(30) not in (0, None)
    log = log_of(project)
    assert next(iter(variables)) in log
    assert len(log.splitlines()) == 1, log


def test_a_port_that_is_taken_ends_the_server(project: Project) -> None:
    with serving(project) as (server, _):
        taken = str(server.address[1])
        with serving(project, wait=False, SAGEMAKER_BIND_TO_PORT=taken) as (_, process):
            assert process.wait(30) != 0
        assert_predicts(server, IRIS)


def test_workers_share_one_port_and_drain(project: Project) -> None:
    with serving(project, MLCC_WORKERS="2") as (server, process):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log_of(project)
        assert server.refuses()
    assert "Traceback" not in log_of(project)


FAULTS = {
    "raises": ("def predict(model, rows):\n    raise ValueError('inner detail')\n", 500),
    "no such name": ("def format(predictions, accept):\n    return write(predictions), JSON\n", 500),
    "no body": ("def format(predictions, accept):\n    return None\n", 500),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_handler_is_the_servers(workshop: Workshop, project: Project, fault: str) -> None:
    """500 with a sentence; the reason is in the log and nowhere else."""
    backend = project.path.name.removeprefix("trouble-")
    text, status = FAULTS[fault]
    broken = workshop.build(f"{fault.replace(' ', '-')}-{backend}", backend, "joblib", handler=text)
    with serving(broken) as (server, _):
        answer = server.invoke({"instances": IRIS[0]})
    assert answer.status == status, answer
    assert answer.json()["error"]
    assert "inner detail" not in answer.body
    assert ("inner detail" in log_of(broken)) == (fault == "raises")


# ---------------------------------------------------------------- the pages
@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_what_the_pages_show_is_what_happens(rig: Rig, page: str, tmp_path: Path) -> None:
    """Every command of a page, with real servers (the other tests run the steps dry).

    The path to an endpoint on AWS is left out: tests/real/test_lifecycle.py runs it.
    """
    environ = {**rig.environ, "MLCC_ENGINE": "none", "PATH": f"{rig.mlcc.parent}:{rig.environ['PATH']}"}
    folder = tmp_path / "page"
    folder.mkdir()
    others, on_aws = ("make ", "pip ", "POST "), False

    def here(text: str) -> str:
        nonlocal on_aws
        left_out = on_aws or text == FIRST or text.startswith(others)
        on_aws = (on_aws or text == FIRST) and text != LAST
        return "" if left_out else text

    problems = run_page(ROOT / page, folder, environ, here)
    assert not problems, "\n".join(problems)
