"""A container that never becomes healthy, over HTTP and as a process: its last lines say why."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.io.aws.connection import Connection
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.launchers import Command, Processes
from mlcc.servers.devserver.things import Account
from mlcc.servers.devserver.timeline import Timeline
from mlcc.servers.devserver.web import DevServer
from tests.aws.account import World, loaded, rendered
from tests.aws.model_server import serving

NEVER_HEALTHY = """
import sys, time
print("loading the model", flush=True)
print("no such file: weights", file=sys.stderr, flush=True)
time.sleep(600)
"""


PROJECT = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
endpoint: {startup_timeout_s: 60}
"""


class Routed:
    """SageMaker and its logs over HTTP; the rest of AWS is a table."""

    region = "us-east-1"

    def __init__(self, url: str) -> None:
        self._http, self._table = Connection(self.region, stand_in=url), World()

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        chosen: Any = self._table if service in ("sts", "ecr", "s3") else self._http
        return dict(chosen.call(service, operation, parameters))


class Started:
    """A server over HTTP whose containers are processes, and whose clock moves when somebody sleeps."""

    def __init__(self, server: DevServer, launch: Processes) -> None:
        self.server, self.launch, self.aws = server, launch, Routed(server.url)

    def sleep(self, seconds: float) -> None:
        """What was started has printed its lines before the clock goes on."""
        self.server.advance(seconds)
        output = self.server.dispatcher.account.output
        end = time.monotonic() + 20
        while sum(len(one.events) for group in output.groups() for one in output.streams(group)) < 2 * len(
            self.launch.made
        ):
            assert time.monotonic() < end
            time.sleep(0.01)

    def context(self, folder: Path, **arguments: Any) -> Context:
        now = lambda: self.server.dispatcher.account.timeline.now  # noqa: E731
        return Context(loaded(folder, None), {}, Silent(), self.sleep, now, arguments, now, lambda _: self.aws)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[str], Started]]:
    """Starts the server with a program as the container of every image."""
    made: list[tuple[Processes, Any]] = []

    def start(program: str) -> Started:
        command = Command([sys.executable, "-S", "-c", program], str(tmp_path), {})
        launch = Processes(lambda image, folder: command, str, str(tmp_path / "log"), time.sleep)
        account = Account("us-east-1", "123456789012", Timeline(1_700_000_000.0), launch)
        manager = serving(DevServer(Dispatcher(account), lambda: 0.0))
        made.append((launch, manager))
        return Started(manager.__enter__(), launch)

    yield start
    for launch, manager in made:
        manager.__exit__(None, None, None)
        launch.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("container output")]


def test_why_a_container_that_prints_never_became_healthy(started: Callable[[str], Started]) -> None:
    """Its process was ended with the creation that failed, and its last lines are there."""
    server, project = started(NEVER_HEALTHY), rendered(PROJECT)
    with pytest.raises(UserError):
        verbs.deploy(server.context(project))
    (process,) = server.launch.made
    assert process.ending is not None, "the failure has ended it"
    process.ending.join()
    status = verbs.status(server.context(project, why=True))
    failed = [part for part in status.document["components"] if part["status"] == "Failed"]
    assert [part["log"] for part in failed] == [["loading the model", "no such file: weights"]]
    assert "    no such file: weights" in status.lines
    assert verbs.logs(server.context(project)).document["lines"] == ["loading the model", "no such file: weights"]
