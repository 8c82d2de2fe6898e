"""Ends what a killed server has started.  Law: only what carries a dead server's token is ended here.

A small process in a session of its own sees the end of a pipe that only the server has open.  Where that one is killed,
too, the next server with the same folder of state ends what it finds there.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from mlcc.core.records import NamedTuple
from mlcc.io import programs
from mlcc.lifecycle.targets import local_process
from mlcc.lifecycle.targets.local_process import Identity

FILE, LABEL = "started", "mlcc.dev-aws"
STOP_S, ENGINE_S = 30.0, 120.0
_TOKEN = re.compile(rb"[0-9a-f]{32}")


class Engine(NamedTuple):
    """The program of a container engine, empty for none, and the environment that it is called with."""

    program: str
    environ: Mapping[str, str]


def end(token: str, engine: Engine, sleep: Callable[[float], None]) -> bool:
    """Ends every process and container with a token, as SageMaker ends them; whether there was one."""
    found = bool(local_process.family(token))
    local_process.stop(Identity(0, 0, token), sleep, STOP_S)
    if engine.program:
        listed = [engine.program, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={token}"]
        names = (
            programs.run(listed, environ=engine.environ, timeout_s=ENGINE_S).stdout.decode("ascii", "replace").split()
        )
        if names:
            found = True
            programs.run([engine.program, "rm", "--force", *names], environ=engine.environ, timeout_s=ENGINE_S)
    return found


class Keeper:
    """Of one server: its token, and who ends what carries it."""

    def __init__(self, folder: str, engine: Engine, sleep: Callable[[float], None]) -> None:
        """folder: of the server's state."""
        self.token = secrets.token_hex(16)
        self._folder, self._engine, self._sleep = folder, engine, sleep
        self._state = self._pipe = self._pid = -1

    def take_over(self) -> bool:
        """Ends what an earlier server with this folder has left, and writes this one's token there; whether there was
        something.  Does neither while another server has the folder: the kernel frees the lock with its process."""
        self._state = os.open(os.path.join(self._folder, FILE), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        before = os.pread(self._state, 64, 0)
        found = _TOKEN.fullmatch(before) is not None and end(before.decode(), self._engine, self._sleep)
        os.ftruncate(self._state, 0)
        os.pwrite(self._state, self.token.encode(), 0)
        return found

    def watch(self) -> None:
        """Starts the process that sees this one's end; called again, does nothing."""
        if self._pid != -1:
            return
        reading, self._pipe = os.pipe()
        argv = [sys.executable, "-I", "-m", "mlcc.servers.devserver.keeper"]
        with open(reading, "rb") as stdin, open(os.devnull, "wb") as log:
            self._pid = programs.background(argv, environ=self._engine.environ, cwd="/", log=log, stdin=stdin)
        given = json.dumps([self.token, self._engine.program, dict(self._engine.environ)]).encode()
        while given:
            given = given[os.write(self._pipe, given) :]

    def close(self) -> None:
        """The server has ended what it had started; what has left its groups and sessions is ended here."""
        if self._pid != -1:
            os.close(self._pipe)
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
        if self._state != -1:
            os.close(self._state)
        self._state = self._pipe = self._pid = -1


def main() -> None:
    """Reads the token, waits until the server has ended, and ends what is left of it."""
    token, *engine = json.loads(sys.stdin.buffer.read())
    end(token, Engine(*engine), time.sleep)


if __name__ == "__main__":
    main()
