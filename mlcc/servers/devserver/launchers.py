"""Who starts a model's container.  Law: what is started is ended; an image that nobody knows is not started.

A process stands for a container where there is no engine: `serve` of a built project, with the port in
SAGEMAKER_BIND_TO_PORT, as SageMaker gives it to containers that accept one.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from mlcc.core.records import NamedTuple
from mlcc.io import programs
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.servers.devserver.copies import Image, UnknownImage

HOST = "127.0.0.1"
PING_S, STOP_S, STEP_S = 2.0, 30.0, 0.05
MAX_PING = 64 * 1024


class Command(NamedTuple):
    """How an image is started as a process: command, folder, and what its environment holds beside the model's."""

    argv: Sequence[str]
    folder: str
    environ: Mapping[str, str]


class Process:
    """A server that was started as a process."""

    def __init__(self, command: Command, image: Image, log: str, sleep: Callable[[float], None]) -> None:
        """log: the file that it prints to."""
        self._port, self._sleep = _free_port(), sleep
        environ = {**command.environ, **image.environment}
        environ |= {"SAGEMAKER_BIND_TO_PORT": str(self._port), "MLCC_BIND_HOST": HOST}
        with open(log, "ab") as stream:
            self._pid = programs.background(list(command.argv), environ=environ, cwd=command.folder, log=stream)
        self._status: int | None = None

    def healthy(self) -> bool:
        """Whether GET /ping answers 200 within two seconds."""
        try:
            connection = local_connection(HOST, self._port, PING_S)
            return exchange(connection, "GET", "/ping", cap=MAX_PING, total_s=PING_S).status == 200
        except TROUBLE:
            return False

    def ended(self) -> bool:
        """Whether the process has ended by itself."""
        if self._status is None:
            with suppress(ChildProcessError):
                pid, status = os.waitpid(self._pid, os.WNOHANG)
                self._status = status if pid else None
        return self._status is not None

    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._port}"

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after 30 s, as SageMaker ends a container."""
        waited = 0.0
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGTERM)
            while not self.ended() and waited < STOP_S:
                self._sleep(STEP_S)
                waited += STEP_S
            os.killpg(self._pid, signal.SIGKILL)
        self.ended()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


class Processes:
    """Starts images as processes, by the part of an image's address before `@` and `:`."""

    def __init__(self, commands: Mapping[str, Command], log: str, sleep: Callable[[float], None]) -> None:
        """commands: by the repository in an image's address, without the registry's name."""
        self._commands, self._log, self._sleep = commands, log, sleep

    def __call__(self, image: Image) -> Process:
        """A started process.  Raises UnknownImage."""
        repository = image.image.partition("/")[2].partition("@")[0].partition(":")[0]
        if repository not in self._commands:
            raise UnknownImage(image.image)
        return Process(self._commands[repository], image, self._log, self._sleep)
