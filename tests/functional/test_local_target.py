"""The target `local` as a process: a real server that is started, asked, and taken away by the do/ shims.

The server is the user's own code/serve (seeded once, then theirs): a small one from the standard library, so that no
package is installed.  The servers that mlcc renders are run by `make test-real`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlcc.lifecycle.targets import local_process
from tests.helpers import Result, build_tree, fork_server, run_mlcc

CONFIG = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, target: local}\nenv: {GREETING: it's}\n"
SERVER = """#!/usr/bin/env python3
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = os.environ.get("SERVER_MODE", "good")


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body=b"{}"):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if MODE == "failed":
            return self.answer(503, b'{"status": "failed"}')
        self.answer(503 if MODE == "never-ready" else 200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "json" not in self.headers["Content-Type"]:
            return self.answer(415, b'{"error": "json only"}')
        try:
            rows = json.loads(body)["instances"]
        except ValueError:
            text = b'Traceback (most recent call last)' if MODE == "trace" else b'{"error": "not JSON"}'
            return self.answer(400, text)
        count = len(rows) + (1 if MODE == "wrong-count" else 0)
        good = json.dumps({"predictions": [0] * count, "greeting": os.environ["GREETING"]}).encode()
        self.answer(200, {"empty": b"", "not-json": b"<html>"}.get(MODE, good))


if MODE == "crash":
    print("the model is not there", file=sys.stderr, flush=True)
    sys.exit(7)
print("serving on", os.environ["SAGEMAKER_BIND_TO_PORT"], flush=True)
server = ThreadingHTTPServer((os.environ["MLCC_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
server.serve_forever()
"""


LIKE_A_LIBRARY = "raise SystemExit('the wrong one')\n"
STARTED: list[subprocess.Popen[bytes]] = []


def rendered(root: Path, config: str) -> Path:
    """A project in a folder, with the small server in place of the rendered one."""
    build_tree(root, {"mlcc.yaml": config})
    environ = {"HOME": str(root), "MLCC_PLUGINS": "none", "MLCC_ENGINE": "none", "PATH": os.environ["PATH"]}
    assert run_mlcc("apply", "-q", cwd=root, env=environ).code == 0
    (root / "code/serve").write_text(SERVER)
    (root / "code/requirements.txt").write_text("")
    build_tree(root, {"sample_model/model/model.joblib": "an artifact that is there is not trained again"})
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose virtual environment is made; tests copy nothing and clean up after themselves."""
    root = rendered(tmp_path_factory.mktemp("local"), CONFIG)
    build_tree(root, {"logging.py": LIKE_A_LIBRARY, "pip.py": LIKE_A_LIBRARY})
    return root


def step(root: Path, name: str, *arguments: str, **variables: str) -> Result:
    """Runs a step from another directory, as its shim would."""
    return run_mlcc("do", "-C", str(root), name, *arguments, cwd="/", env=variables, timeout=120)


def shim(root: Path, name: str, *arguments: str, **variables: str) -> Result:
    """Runs a do/ shim from another directory, as a user would."""
    environ = {
        **os.environ,
        "MLCC": fork_server().program,
        "MLCC_PLUGINS": "none",
        "MLCC_ENGINE": "none",
        **variables,
    }
    done = subprocess.run([root / "do" / name, *arguments], cwd="/", env=environ, capture_output=True, timeout=120)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def build(project: Path) -> None:
    """Builds; the virtual environment, the same for every project here, is made once for all workers and then linked."""
    whole = next(folder for folder in project.parents if re.fullmatch("pytest-[0-9]+", folder.name))
    kept, run = whole / "environment", project / ".mlcc/run"
    if kept.exists() and not run.exists():
        run.mkdir()
        [made] = kept.iterdir()
        shutil.copytree(made, run / made.name, symlinks=True, copy_function=os.link)
    assert step(project, "build").code == 0
    if not kept.exists():
        [made] = run.glob("venv-*")
        own = whole / f"environment-{os.getpid()}"
        shutil.copytree(made, own / made.name, symlinks=True, copy_function=os.link)
        with contextlib.suppress(OSError):  # another worker was faster
            own.rename(kept)


@pytest.fixture
def project(built: Path) -> Any:
    """The built project, with nothing running before and after."""
    build(built)
    yield built
    cleaned = step(built, "clean")
    while STARTED:
        # a test that failed leaves nothing to those after it
        left = STARTED.pop()
        left.kill()
        left.wait(30)
        for stream in (left.stdout, left.stderr):
            if stream is not None:
                stream.close()  # a server that it left behind may hold the other end: nobody reads to the end
    assert cleaned.code == 0, cleaned.stderr


def deploy(project: Path, mode: str, *arguments: str, **variables: str) -> Result:
    """Deploys with the server in one of its modes (its own environment is not passed on: the project's is)."""
    text = (project / "code/serve").read_text()
    lines = [f'MODE = "{mode}"' if line.startswith("MODE = ") else line for line in text.splitlines()]
    (project / "code/serve").write_text("\n".join(lines) + "\n")
    return step(project, "deploy", *arguments, **variables)


def test_deploy_status_test_logs_clean(project: Path) -> None:
    assert shim(project, "deploy").code == 0
    status = json.loads(shim(project, "status", "--json").stdout)
    assert (status["target"], status["status"]) == ("local", "InService")
    assert status["url"].startswith("http://127.0.0.1:")
    tested = shim(project, "test", "--json")
    checks = json.loads(tested.stdout)["checks"]
    assert tested.code == 0, tested
    assert [c["name"] for c in checks] == ["ping", "invocation", "bad input", "unknown type"]
    assert all(c["ok"] for c in checks)
    assert "it's" in checks[1]["detail"]
    assert "serving on" in shim(project, "logs").stdout
    record = json.loads((project / ".mlcc/run/server.json").read_text())
    cleaned = shim(project, "clean")
    assert cleaned.code == 0
    assert cleaned.stdout.count("ok  ") == 4
    assert not (project / ".mlcc/run").exists()
    assert local_process.family(record["token"]) == []
    assert not local_process.listens(record["port"])
    assert shim(project, "status", "--json").stdout.count("Stopped") == 1


def plan(project: Path) -> list[str]:
    """The paths of the fields in which the running server differs from the project."""
    document = json.loads(step(project, "deploy", "--plan", "--json").stdout)
    return sorted({one["path"].rpartition(": ")[2] for one in document["values"]})


def test_the_plan_is_empty_until_something_changes(project: Path) -> None:
    assert deploy(project, "good").code == 0
    assert plan(project) == []
    with (project / "code/handler.py").open("a") as stream:
        stream.write("# edited\n")
    assert len(plan(project)) == 1, "the code that runs is not the code that lies there"
    assert deploy(project, "good").code == 0
    assert plan(project) == []
    (project / "code/__pycache__").mkdir(exist_ok=True)
    (project / "code/__pycache__/x.pyc").write_bytes(b"x")
    assert plan(project) == []


def test_options_that_have_no_effect_here_are_refused(project: Path) -> None:
    for words in (
        ("test", "--component", "x"),
        ("invoke", "--adapter", "x"),
        ("invoke", "--stream"),
        ("deploy", "--replace"),
    ):
        refused = step(project, *words)
        assert (refused.code, "MLCC311" in refused.stderr) == (2, True), words
        assert "is not there on the target local" in refused.stderr
    wrong = step(project, "deploy", "--component", "nobody")
    assert wrong.code == 1
    assert "no inference component of the project is called 'nobody'" in wrong.stderr


@pytest.mark.parametrize(
    ("mode", "failing"),
    [("empty", "invocation"), ("not-json", "invocation"), ("wrong-count", "invocation"), ("trace", "bad input")],
)
def test_a_wrong_reply_fails(project: Path, mode: str, failing: str) -> None:
    assert deploy(project, mode).code == 0
    tested = step(project, "test", "--json")
    assert tested.code == 1
    assert [c["name"] for c in json.loads(tested.stdout)["checks"] if not c["ok"]] == [failing]


def test_a_server_that_dies_is_reported_with_its_last_words(project: Path) -> None:
    failed = deploy(project, "crash")
    assert failed.code == 1
    assert "the model is not there" in failed.stderr
    assert "MLCC308" in failed.stderr
    assert json.loads(step(project, "status", "--json").stdout)["status"] in ("Stopped", "Failed")
    assert "the model is not there" in str(json.loads(step(project, "status", "--why", "--json").stdout)["log"])


def test_a_server_that_is_never_ready_is_taken_away(project: Path) -> None:
    failed = deploy(project, "never-ready", "--timeout", "2")
    assert failed.code == 1
    assert "503" in failed.stderr
    record = json.loads((project / ".mlcc/run/server.json").read_text())
    assert local_process.family(record["token"]) == []


def test_nothing_runs(project: Path) -> None:
    for name in ("test", "logs"):
        missing = step(project, name)
        assert missing.code == 3
        assert "do/deploy" in missing.stderr


def test_no_aws_and_no_boto3(project: Path) -> None:
    """The steps of this target start without importing the SDK, and the server gets none of the caller's secrets."""
    assert deploy(project, "good").code == 0
    record = json.loads((project / ".mlcc/run/server.json").read_text())
    environ = Path(f"/proc/{record['pid']}/environ").read_bytes()
    assert b"MLCC_RUN_TOKEN" in environ
    assert b"AWS_" not in environ
    code = "import sys, mlcc.cli.commands.do, mlcc.lifecycle.targets.local; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("claim", ["pid 1", "a stranger", "a reused pid", "garbage", "a link"])
def test_a_planted_pid_file_kills_nobody(project: Path, claim: str) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        start = local_process.start_time(stranger.pid)
        planted = {
            "pid 1": {"kind": "process", "pid": 1, "start": local_process.start_time(1), "token": "x" * 32, "port": 1},
            "a stranger": {"kind": "process", "pid": stranger.pid, "start": start, "token": "x" * 32, "port": 1},
            "a reused pid": {"kind": "process", "pid": stranger.pid, "start": 1, "token": "", "port": 1},
            "garbage": ["not", "a", "record"],
            "a link": None,
        }[claim]
        target = project / ".mlcc/run/server.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        if planted is None:
            target.symlink_to("/etc/hostname")
        else:
            target.write_text(json.dumps(planted))
        cleaned = step(project, "clean")
        time.sleep(0.1)
        assert stranger.poll() is None
        if claim == "a link":
            assert cleaned.code == 1
            target.unlink()
    finally:
        stranger.kill()
        stranger.wait()


def test_build_needs_the_script_that_trains(project: Path) -> None:
    artifact, script = project / "sample_model/model/model.joblib", project / "sample_model/train.py"
    kept, text = artifact.read_bytes(), script.read_text()
    artifact.unlink()
    script.unlink()
    try:
        missing = step(project, "build")
        assert missing.code == 3
        assert "--restore sample_model/train.py" in missing.stderr
    finally:
        artifact.write_bytes(kept)
        script.write_text(text)


def test_build_trains_when_the_artifact_is_absent(project: Path) -> None:
    artifact, script = project / "sample_model/model/model.joblib", project / "sample_model/train.py"
    kept, text = artifact.read_bytes(), script.read_text()
    artifact.unlink()
    script.write_text("import sys, pathlib\npathlib.Path(sys.argv[2], 'model.joblib').write_text('trained')\n")
    try:
        assert step(project, "build").code == 0
        assert artifact.read_text() == "trained"
        script.write_text("")
        artifact.unlink()
        failed = step(project, "build")
        assert failed.code == 1
        assert "without writing" in failed.stderr
    finally:
        artifact.write_bytes(kept)
        script.write_text(text)


def test_deploy_before_build_names_the_step(built: Path) -> None:
    step(built, "clean")
    missing = step(built, "deploy")
    assert missing.code == 3
    assert "do/build" in missing.stderr


@pytest.mark.parametrize("name", ["build", "deploy", "run", "status", "test", "logs", "clean"])
def test_dry_run_prints_calls_and_touches_nothing(built: Path, name: str) -> None:
    step(built, "clean")
    dry = step(built, name, "--dry-run")
    document = json.loads(dry.stdout)
    assert dry.code == 0
    assert {"calls", "assumed", "schema_version"} <= set(document)
    assert all(c["service"] == "engine" for c in document["calls"])
    assert not (built / ".mlcc/run").exists()


# ---------------------------------------------------------------- two terminals, interrupts, what others ended
def start(root: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A do/ shim that goes on."""
    environ = {**os.environ, "MLCC": os.path.join(os.path.dirname(sys.executable), "mlcc"), "MLCC_ENGINE": "none"}
    made = subprocess.Popen(
        [root / "do" / name, *arguments], cwd="/", env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    STARTED.append(made)
    return made


def until(condition: Any, limit_s: float = 20.0) -> None:
    waited = 0.0
    while not condition():
        assert waited < limit_s
        time.sleep(0.05)
        waited += 0.05


def serving(root: Path) -> list[int]:
    """Processes that serve this project, whoever started them and whatever was written down."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"code/serve" in words and os.readlink(f"/proc/{pid}/cwd") == str(root):
                found.append(int(pid))
        except OSError:
            continue
    return found


def test_two_deploys_at_once_leave_one_server_and_clean_none(project: Path) -> None:
    deploy(project, "good")
    output_text = b""
    for _ in range(8):  # on a busy machine one may be through before the other begins
        both = [start(project, "deploy") for _ in range(2)]
        assert [p.wait(60) for p in both] == [0, 0]
        assert len(serving(project)) == 1
        output_text = b"".join(p.communicate()[1] for p in both)
        if b"waiting for it" in output_text:
            break
    assert b"waiting for it" in output_text
    assert step(project, "clean").code == 0
    assert serving(project) == []


def test_clean_and_status_know_the_server_in_the_foreground(project: Path) -> None:
    deploy(project, "good")
    step(project, "clean")
    build(project)
    running = start(project, "run")
    until(lambda: serving(project))
    status = json.loads(step(project, "status", "--json").stdout)
    assert status["foreground"][0].startswith("http://127.0.0.1:")
    cleaned = step(project, "clean")
    assert cleaned.code == 0, cleaned.stderr
    assert serving(project) == []
    _, output_text = running.communicate(timeout=30)
    assert running.returncode == 1
    assert b"MLCC308" in output_text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_deploy_leaves_no_server(project: Path, number: signal.Signals, code: int) -> None:
    deploy(project, "never-ready", "--timeout", "0.1")
    going = start(project, "deploy")
    until(lambda: serving(project))
    going.send_signal(number)
    _, output_text = going.communicate(timeout=60)
    assert going.returncode == code
    assert b"the server that was starting is stopped" in output_text
    assert serving(project) == []
    assert json.loads(step(project, "status", "--json").stdout)["status"] == "Stopped"


def test_a_deploy_that_was_killed_is_found_by_clean(project: Path) -> None:
    deploy(project, "never-ready", "--timeout", "0.1")
    going = start(project, "deploy")
    until(lambda: serving(project))
    going.kill()
    going.communicate()
    assert serving(project)
    assert json.loads(step(project, "status", "--json").stdout)["status"] == "Creating"
    assert step(project, "clean").code == 0
    assert serving(project) == []


def test_a_model_that_cannot_be_loaded_ends_the_wait(project: Path) -> None:
    began = time.monotonic()
    failed = deploy(project, "failed")
    assert failed.code == 1
    assert "the model could not be loaded" in failed.stderr
    assert time.monotonic() - began < 60, "the limit is 120 s"
    assert json.loads(step(project, "status", "--json").stdout)["status"] == "Failed"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_run_ends_as_it_was_asked_to(project: Path, number: signal.Signals, code: int) -> None:
    deploy(project, "good")
    running = start(project, "run")
    until(lambda: len(serving(project)) == 2)
    running.send_signal(number)
    running.communicate(timeout=60)
    assert running.returncode == code
    assert len(serving(project)) == 1


def test_run_says_that_its_server_ended(project: Path) -> None:
    deploy(project, "good")
    step(project, "clean")
    build(project)
    running = start(project, "run")
    until(lambda: serving(project))
    os.kill(serving(project)[0], signal.SIGKILL)
    _, output_text = running.communicate(timeout=60)
    assert running.returncode == 1
    assert b"somebody ended it" in output_text


def test_clean_names_the_model_that_it_keeps(project: Path) -> None:
    document = json.loads(step(project, "clean", "--json").stdout)
    assert document["kept"] == ["sample_model/model/model.joblib"]


def test_dry_run_tells_the_port_that_was_asked_for(project: Path) -> None:
    assert json.loads(step(project, "deploy", "--dry-run", "--port", "9").stdout)["assumed"] == {"port": 9}


def test_a_file_that_is_called_like_a_library_does_not_stand_in_for_it(project: Path) -> None:
    """The virtual environment was made beside such files, and pip ran there; so does every step of these tests."""
    assert {(project / name).read_text() for name in ("logging.py", "pip.py")} == {LIKE_A_LIBRARY}
    assert [*project.glob(".mlcc/run/venv-*/lib/python*/site-packages/pip")]
