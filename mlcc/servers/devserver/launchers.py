"""Who starts a model's container.  Law: what is started is ended; an image that nobody knows is not started.

A process stands for a container where there is no engine: `serve` of a built project, with the port in
SAGEMAKER_BIND_TO_PORT, as SageMaker gives it to containers that accept one.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import IO
from urllib.parse import quote

from mlcc.core.errors import MlccError
from mlcc.core.records import NamedTuple
from mlcc.io import programs
from mlcc.io.web import TROUBLE, exchange, local_connection
from mlcc.lifecycle.targets import local_process
from mlcc.servers.devserver.copies import Image, Unavailable, UnknownImage
from mlcc.servers.devserver.keeper import STOP_S, Keeper

HOST = "127.0.0.1"
PING_S, STEP_S, ADAPTER_S = 2.0, 0.05, 60.0
MAX_ANSWER = 64 * 1024
# Of a process's output in the file that all have, and how long its last lines may take.
FILE_BYTES, LAST_LINES_S = 64 << 20, 2.0


class Command(NamedTuple):
    """How an image is started as a process: command, folder, and what its environment holds beside the model's."""

    argv: Sequence[str]
    folder: str
    environ: Mapping[str, str]


class Asked:
    """A server on a port of this machine, which SageMaker's requests reach."""

    def __init__(self, port: int, end: Callable[[], None]) -> None:
        """port: where it listens, on loopback; end: ends it, and waits until it is over."""
        self.port, self._end = port, end
        self.ending: threading.Thread | None = None

    def healthy(self) -> bool:
        """Whether GET /ping answers 200 within two seconds."""
        return self.ending is None and self._status("GET", "/ping", None, PING_S) == 200

    def adapt(self, name: str, source: str) -> bool:
        """POST /adapters."""
        body = json.dumps({"name": name, "src": source}).encode()
        return self._status("POST", "/adapters", body, ADAPTER_S) == 200

    def drop(self, name: str) -> None:
        """DELETE /adapters/NAME; what the container says to it changes nothing."""
        self._status("DELETE", f"/adapters/{quote(name, safe='')}", None, ADAPTER_S)

    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    def _status(self, method: str, path: str, body: bytes | None, seconds: float) -> int:
        headers = {"Content-Type": "application/json"} if body else {}
        try:
            connection = local_connection(HOST, self.port, seconds)
            return exchange(connection, method, path, body, headers, cap=MAX_ANSWER, total_s=seconds).status
        except TROUBLE:
            return 0

    def stop(self) -> None:
        """Ends it, without waiting: a container may take its time."""
        if self.ending is None:
            self.ending = threading.Thread(target=self._end)
            self.ending.start()


class Process(Asked):
    """A server that was started as a process."""

    def __init__(
        self, command: Command, image: Image, log: str, sleep: Callable[[float], None], token: str = ""
    ) -> None:
        """log: the file that gets what it prints, too; token: by which it is found once this process is gone."""
        super().__init__(free_port(), self._ended_by_signals)
        self._sleep = sleep
        # a program of Python's that prints into a pipe would keep its lines until there are many
        environ = {"PYTHONUNBUFFERED": "1", **command.environ, **image.environment}
        environ |= {"SAGEMAKER_BIND_TO_PORT": str(self.port), "MLCC_BIND_HOST": HOST}
        environ |= {local_process.TOKEN: token} if token else {}
        reading, writing = os.pipe()
        with ExitStack() as undone:
            output = undone.enter_context(open(reading, "rb", buffering=0))
            with open(writing, "wb", buffering=0) as stream:
                self._pid = programs.background(list(command.argv), environ=environ, cwd=command.folder, log=stream)
            undone.pop_all()
        self.printing = threading.Thread(
            target=_pass_on, args=(output, log, image.printed), name="container output", daemon=True
        )
        self.printing.start()
        self._over = False
        # between waiting for the process and signalling it: once it was waited for, its number may be another's
        self._lock = threading.Lock()

    def ended(self) -> bool:
        """Whether the process has ended.  As in a container, what it has started ends with it: workers are in groups
        of their own, and in its session."""
        with self._lock:
            if not self._over and os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                for pid in local_process.session(self._pid):
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                self._over = True
            return self._over

    def _ended_by_signals(self) -> None:
        """SIGTERM, and SIGKILL after 30 s, as SageMaker ends a container."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self._lock, suppress(OSError):
                if not self._over:
                    os.killpg(self._pid, number)
            waited = 0.0
            while not self.ended() and waited < STOP_S:
                self._sleep(STEP_S)
                waited += STEP_S


def _pass_on(output: IO[bytes], log: str, printed: Callable[[bytes], None]) -> None:
    """A process's output to who reads it and, up to a bound, to a file; without what the disk does not take."""
    left = FILE_BYTES
    with output:
        while part := output.read(1 << 16):
            printed(part)
            kept = part[:left]
            left -= len(kept)
            if kept:
                with suppress(OSError), open(log, "ab") as file:
                    file.write(kept)
    printed(b"")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def repository_of(image: str) -> str:
    """The repository in an image's address, without the registry's name, tag and digest."""
    return image.partition("/")[2].partition("@")[0].partition(":")[0]


class Processes:
    """Starts images as processes."""

    def __init__(
        self, command: Callable[[str, str], Command | None], unpacked: Callable[[str], str], log: str,
        sleep: Callable[[float], None], keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        """command: of an image's address and the folder of its model's data (empty: its own), None for an image that
        nobody knows; unpacked: makes that folder; keeper: ends what runs where this process cannot."""
        self._command, self._unpacked, self._log, self._sleep = command, unpacked, log, sleep
        self._keeper = keeper
        self.made: list[Process] = []

    def __call__(self, image: Image) -> Process:
        """A started process.  Raises UnknownImage, and Unavailable for its model's data."""
        command = self._command(image.image, self._unpacked(image.model_data) if image.model_data else "")
        if command is None:
            raise UnknownImage(image.image)
        try:
            if self._keeper is not None:
                self._keeper.watch()
            token = self._keeper.token if self._keeper is not None else ""
            self.made.append(Process(command, image, self._log, self._sleep, token))
        except (OSError, MlccError) as problem:
            raise Unavailable(str(problem)) from None
        return self.made[-1]

    def close(self) -> None:
        """Ends what runs, and waits for it."""
        for each in self.made:
            each.stop()
            assert each.ending is not None, "BUG: it was asked to end"
            each.ending.join()
            each.printing.join(LAST_LINES_S)  # what has left the process's group may keep its output open
