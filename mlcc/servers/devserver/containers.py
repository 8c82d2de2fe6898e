"""Containers of the engine in place of SageMaker's.  Law: on loopback alone; each carries a label, and none is left.

A container gets `serve`, port 8080 by SAGEMAKER_BIND_TO_PORT, its model's data at /opt/ml/model (read-only), SIGTERM,
and SIGKILL 30 s later, as SageMaker does it.  Where the engine has no network to publish a port from, the container
uses the machine's own, and a port of its own in the same variable.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from mlcc.core.errors import MlccError
from mlcc.core.text import printable
from mlcc.io import programs
from mlcc.io.container_engines import Engine
from mlcc.io.disk.private import private_folder
from mlcc.servers.devserver.copies import Image, Unavailable, UnknownImage
from mlcc.servers.devserver.keeper import LABEL, STOP_S, Keeper
from mlcc.servers.devserver.launchers import HOST, LAST_LINES_S, Asked, free_port

PORT, MODEL = 8080, "/opt/ml/model"
START_S, LOG_LINES, LOG_BYTES = 120.0, 10_000, 4 << 20


class _Passing(io.BytesIO):
    """A file that keeps nothing: it hands on what is written."""

    def __init__(self, printed: Callable[[bytes], None]) -> None:
        super().__init__()
        self._printed = printed

    def write(self, part: Any) -> int:
        """Hands it on."""
        self._printed(bytes(part))
        return len(part)


class Container(Asked):
    """A container that was started."""

    def __init__(
        self,
        engine: Engine,
        environ: Mapping[str, str],
        name: str,
        port: int,
        log: str,
        printed: Callable[[bytes], None],
    ) -> None:
        """log: where the end of its output is kept; printed: gets it as it comes."""
        super().__init__(port, self._ended_by_engine)
        self._engine, self._environ, self._name, self._log = engine, environ, name, log
        self.printing = threading.Thread(target=self._follow, args=(printed,), daemon=True)
        self.printing.start()

    def _follow(self, printed: Callable[[bytes], None]) -> None:
        """Hands on what it prints, until it has ended."""
        follow = [self._engine.program, "logs", "--follow", self._name]
        with suppress(OSError, MlccError):
            for _ in programs.lines(follow, environ=self._environ, log=_Passing(printed)):
                pass
        printed(b"")

    def ended(self) -> bool:
        """Whether it has ended."""
        return not self._engine.runs(self._name, self._environ)

    def _ended_by_engine(self) -> None:
        limit = ("stop", "--time", str(int(STOP_S)), self._name)
        self._engine.ask(*limit, environ=self._environ, timeout_s=STOP_S + START_S)
        printed, _ = self._engine.logs(self._name, self._environ, LOG_LINES, LOG_BYTES)
        with suppress(OSError), open(self._log, "ab") as stream:
            stream.write(printed)
        self._engine.ask("rm", "--force", self._name, environ=self._environ)


class Containers:
    """Starts images as containers."""

    def __init__(
        self,
        engine: Engine,
        environ: Mapping[str, str],
        reference: Callable[[str], str],
        unpacked: Callable[[str], str],
        data: str,
        log: str,
        keeper: Keeper,
    ) -> None:
        """reference: the engine's own name for an image's address, empty for one that it does not have; unpacked:
        makes folders of model data, all below `data`; log: the file for what containers print; keeper: ends what runs
        where this process cannot."""
        self._engine, self._environ, self._reference = engine, environ, reference
        self._unpacked, self._data, self._log = unpacked, data, log
        self._keeper, self._token = keeper, keeper.token
        self._made: list[Container] = []

    def __call__(self, image: Image) -> Container:
        """A started container.  Raises UnknownImage, and Unavailable for its model's data."""
        reference = self._reference(image.image)
        if not reference:
            raise UnknownImage(image.image)
        self._keeper.watch()
        port, name = free_port(), f"mlcc-dev-{self._token[:12]}-{len(self._made)}"
        published = self._engine.publishes(self._environ)
        variables = {**image.environment, "SAGEMAKER_BIND_TO_PORT": str(PORT if published else port)}
        network = ["--publish", f"{HOST}:{port}:{PORT}"] if published else ["--network", "host"]
        if not published:
            variables["MLCC_BIND_HOST"] = HOST
        options = ["--name", name, "--label", f"{LABEL}={self._token}", *network, *self._mounts(image)]
        # values travel in the engine's own environment, not on a command line, but for names that it needs itself
        own = {each: value for each, value in variables.items() if each not in self._environ}
        for each, value in sorted(variables.items()):
            options += ["--env", each if each in own else f"{each}={value}"]
        done = programs.run(
            [self._engine.program, "run", "--detach", *options, reference, "serve"],
            environ={**self._environ, **own},
            timeout_s=START_S,
        )
        if done.code:
            self._engine.ask("rm", "--force", name, environ=self._environ)
            raise Unavailable(printable(done.stderr.decode("utf-8", "replace").strip()[-300:], 0))
        self._made.append(Container(self._engine, self._environ, name, port, self._log, image.printed))
        return self._made[-1]

    def _mounts(self, image: Image) -> list[str]:
        private_folder(self._data)
        # adapters are named by their folders, which are the same inside
        mounts = ["--volume", f"{self._data}:{self._data}:ro"]
        if image.model_data:
            mounts += ["--volume", f"{self._unpacked(image.model_data)}:{MODEL}:ro"]
        return mounts

    def close(self) -> None:
        """Ends what runs, and waits for it."""
        for each in self._made:
            each.stop()
            assert each.ending is not None, "BUG: it was asked to end"
            each.ending.join()
            each.printing.join(LAST_LINES_S)
