"""`mlcc dev aws`: a project's image, or its process, behind our SageMaker server, from nothing to nothing.

The project's server is a small one of the standard library; those that mlcc renders are tested beside this.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlcc.lifecycle.targets import local_process
from tests.functional.test_local_target import SERVER
from tests.helpers import build_tree
from tests.real.rig import Project, Rig

pytestmark = pytest.mark.real
MORE = """env: {GREETING: good day}
"""
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture(params=["process", "container"])
def project(request: pytest.FixtureRequest, rig: Rig, tmp_path: Path) -> Iterator[tuple[str, Project]]:
    """A project that was built, and how its copies are started."""
    launcher = request.param
    docker = request.getfixturevalue("docker") if launcher == "container" else None
    made = rig.project(tmp_path / "dev-aws", "http-flask", engine="docker" if docker is not None else "none", more=MORE)
    rig("set", "deployment.target", "realtime-inference", cwd=made.path)
    rig("set", "deployment.role_arn", ROLE, cwd=made.path)
    rig("set", "deployment.region", "us-east-1", cwd=made.path)
    rig("apply", "-q", "-f", str(made.path / "mlcc.yaml"))
    (made.path / "code/serve").write_text(SERVER)
    (made.path / "code/requirements.txt").write_text("")
    build_tree(made.path, {"sample_model/model/model.joblib": "not trained again"})
    made.do("build")
    yield launcher, made
    made.do("clean", "--target", "local")


@contextmanager
def started(
    made: Project, launcher: str, state: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[str], Mapping[str, Any]]]:
    """The server, and what it says of itself."""
    argv = ["dev", "aws", "-C", str(made.path), "--port", "0", "--speed", "600", "--launcher", launcher]
    with subprocess.Popen(
        [made.environ["MLCC"], *argv, *options, "--state", str(state), "-o", "json"],
        env=dict(made.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            text = ""
            for line in iter(process.stdout.readline, ""):
                text += line
                if line.startswith("}"):
                    break
            assert text, process.communicate()[1]
            yield process, json.loads(text)
        finally:
            process.terminate()


def left(token: str) -> list[str]:
    """Processes with a folder in their command line or environment."""
    found = []
    for pid in (name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
        try:
            cwd = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            continue
        if cwd.startswith(token):
            found.append(pid)
    return found


def test_from_nothing_to_nothing(project: tuple[str, Project], tmp_path: Path) -> None:
    launcher, made = project
    with started(made, launcher, tmp_path / "state") as (server, said):
        assert said["launcher"] == launcher
        assert said["variables"]["AWS_ENDPOINT_URL"] == said["url"], "nothing reaches AWS"
        user = Project(made.path, {**made.environ, **said["variables"]})
        assert user.json("deploy")["status"] == "InService"
        checks = user.json("test")["checks"]
        assert [(c["name"], c["detail"]) for c in checks[:1]] == [("endpoint health", "InService")]
        (answer,) = (c["detail"] for c in checks if c["name"].endswith("invocation"))
        assert answer == '{"predictions": [0, 0], "greeting": "good day"}'
        assert all(check["ok"] for check in checks), checks
        assert [line for line in user.json("logs")["lines"] if line.startswith("serving on ")], "what it printed"
        user.do("clean")
        assert user.json("status")["status"] == "NotDeployed"
        # what runs when the server is ended, ends with it
        assert user.json("deploy")["status"] == "InService"
        assert launcher == "container" or left(str(made.path)), "a process of the project runs"
        server.send_signal(signal.SIGTERM)
        talk = server.communicate(timeout=60)[1]
        assert server.returncode == 143, talk
        assert "This is not AWS" in talk
    assert left(str(made.path)) == []
    assert (tmp_path / "state/containers.log").exists()
    if launcher == "container":
        own = ("--filter", "label=mlcc.dev-aws", "--filter", f"ancestor={made.image}")
        listed = subprocess.run(["docker", "ps", "--all", "--quiet", *own], capture_output=True, check=True)
        assert listed.stdout == b""


def test_a_server_that_is_killed_takes_what_it_started_with_it(project: tuple[str, Project], tmp_path: Path) -> None:
    launcher, made = project
    with started(made, launcher, tmp_path / "state") as (server, said):
        user = Project(made.path, {**made.environ, **said["variables"]})
        assert user.json("deploy")["status"] == "InService"
        token = (tmp_path / "state/started").read_text()
        assert runs(launcher, token), "a server of the project runs"
        server.kill()
        server.communicate()
    end = time.monotonic() + 60
    while runs(launcher, token):
        assert time.monotonic() < end
        time.sleep(0.2)


def runs(launcher: str, token: str) -> bool:
    """Whether something with a server's token runs."""
    if launcher == "process":
        return bool(local_process.family(token))
    argv = ["docker", "ps", "--all", "--quiet", "--filter", f"label=mlcc.dev-aws={token}"]
    return bool(subprocess.run(argv, capture_output=True, check=True).stdout)
