"""A process that has imported mlcc, and forks for each run of it: what most tests call instead of the program.

A run is a process of its own, as the program's is: its environment, working directory, streams, exit code and death
are those of a process.  Only what is the same for every run is shared: starting Python, importing modules, reading the registries
and schemas that are packaged and compiling templates, which are nine tenths of a run.  tests/contract/test_hermetic.py
holds its answers to those of the program, and tests about starting, imports or Python's own variables use the program
(`run_mlcc(..., program=True)`).  For what starts `mlcc` itself, as the scripts in do/ and the commands of a page do, there is
a small program that asks for a fork as well (`ForkServer.program`).
"""

from __future__ import annotations

import functools
import gc
import importlib
import io
import marshal
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

# Variables that change how Python itself starts: with one of them there is nothing to share.
OF_PYTHON = ("PYTHON", "LC_", "LANGUAGE", "TZ")
MAX_MESSAGE = 1 << 20


class ForkServer:
    """The client's end."""

    def __init__(self) -> None:
        """Starts the process; it ends when this object's socket does."""
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self.folder = tempfile.mkdtemp(prefix="mlcc-fork-")
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(f"{self.folder}/socket")
            listener.listen(64)
            code = "import sys; from tests.forkserver import serve; serve(*map(int, sys.argv[1:]))"
            with listener:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", code, str(other.fileno()), str(listener.fileno())],
                    pass_fds=[other.fileno(), listener.fileno()],
                    cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                    # not the variables of the test that happens to be the first
                    env={"PATH": os.environ["PATH"]},
                    stdin=subprocess.DEVNULL,
                )
            assert self.socket.recv(16) == b"ready"
        self.program = f"{self.folder}/bin/mlcc"
        os.mkdir(f"{self.folder}/bin")
        with open(self.program, "w", encoding="utf-8") as file:
            file.write(CLIENT.format(python=sys.executable, folder=self.folder, max=MAX_MESSAGE, never=OF_PYTHON))
        os.chmod(self.program, 0o755)

    def start(self, argv: list[str], cwd: str, environ: Mapping[str, str], streams: tuple[int, int, int]) -> Run:
        """Starts a run with three descriptors as its streams; they stay the caller's, who closes them."""
        status, other = os.pipe()
        message = marshal.dumps([argv, cwd, dict(environ)])
        assert len(message) < MAX_MESSAGE
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
            socket.send_fds(self.socket, [message], [*streams, other])
        finally:
            os.close(other)
        return Run(status)

    def close(self) -> None:
        """Ends the process."""
        self.socket.close()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


class Run:
    """One run."""

    def __init__(self, status: int) -> None:
        """status: a pipe for the run's number, and then for its exit status."""
        self.status = status
        self.pid = int(self._line(None))

    def _line(self, timeout: float | None) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("mlcc", timeout or 0)
            part = os.read(self.status, 1)
            if not part:
                raise AssertionError("the fork server has ended")
            line += part
        return line

    def wait(self, timeout: float) -> int:
        """The exit code, as `subprocess` gives it.  Kills the run and raises TimeoutExpired when it takes longer."""
        try:
            return int(self._line(timeout))
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            os.close(self.status)


def usable(environ: Mapping[str, str]) -> bool:
    """False where Python itself would start otherwise than it did here."""
    return not any(n.startswith(OF_PYTHON) and n not in ("PYTHONPATH", "PYTHONSAFEPATH") for n in environ)


# `mlcc` for what starts it by its name.  Where a fork would not do, it becomes the program itself.
CLIENT = """#!{python} -SI
import marshal, os, signal, sys, _socket
real = os.path.join(os.path.dirname(sys.executable), "mlcc")
message = marshal.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)])
connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
try:
    if len(message) > 150_000 or any(n.startswith({never}) for n in os.environ if n not in ("PYTHONPATH", "PYTHONSAFEPATH")):
        raise OSError
    connection.connect("{folder}/socket")
    status, other = os.pipe()
    descriptors = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2, other))
    connection.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
except OSError:
    os.execv(real, [real, *sys.argv[1:]])
os.close(other)
with open(status) as answers:
    pid = int(answers.readline())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, frame: os.kill(pid, number))
    code = int(answers.readline())
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


# ---------------------------------------------------------------- the process
def serve(fd: int, listener_fd: int) -> None:
    """Forks for each message until the other end is closed."""
    warm()
    # no run walks over, and thereby copies, what it shares
    gc.collect()
    gc.freeze()
    channel, listener = socket.socket(fileno=fd), socket.socket(fileno=listener_fd)
    running: dict[int, int] = {}
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    # an interrupt of the terminal is the caller's to handle
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel.send(b"ready")
    while True:
        ready = select.select([channel, listener, wake], [], [])[0]
        if wake in ready:
            os.read(wake, 4096)
            _reap(running)
        if channel in ready:
            message, descriptors, _, _ = socket.recv_fds(channel, MAX_MESSAGE, 4)
            if not message:
                return
            _fork(message, descriptors, running, (channel, listener), (wake, woken))
        if listener in ready:
            connection = listener.accept()[0]
            with connection:
                message, descriptors, _, _ = socket.recv_fds(connection, MAX_MESSAGE, 4)
            if message:
                _fork(message, descriptors, running, (channel, listener), (wake, woken))


def _fork(
    message: bytes,
    descriptors: list[int],
    running: dict[int, int],
    sockets: tuple[socket.socket, ...],
    pipes: tuple[int, ...],
) -> None:
    *streams, status = descriptors
    pid = os.fork()
    if pid == 0:
        for each in sockets:
            each.close()
        _run(marshal.loads(message), streams, (*pipes, status, *running.values()))
    running[pid] = status
    _tell(status, pid)
    for stream in streams:
        os.close(stream)


# Most runs are such commands in such projects.
PLACES = (
    "deployment: {config: http-flask, target: local}",
    "deployment: {config: triton-python}",
    "deployment: {config: transformers-vllm}\nmodel: {name: Qwen/Qwen3-4B}",
    "deployment: {config: http-fastapi, target: local}",
)
RUNS = (["apply", "-q"], ["validate", "-q"], ["diff", "-q"], ["show", "-q"], ["do", "status", "--target", "local"])


@functools.cache
def warm() -> None:
    """Imports what runs import, and reads, checks and compiles what is packaged: all that a run may find done.

    What mlcc keeps in a process is of its own packaged files; it is kept by the first run, in a folder of its own.
    """
    import mlcc
    from mlcc.cli.command_table import COMMANDS
    from mlcc.cli.main import run_command_line
    from mlcc.registries.loader import load

    for module, _ in COMMANDS.values():
        importlib.import_module(module)
    for name in ("mlcc.cli.start", "mlcc.api", "ruamel.yaml", "jsonschema", "rich.console", "tabulate", "boto3"):
        importlib.import_module(name)
    for module in pkgutil.walk_packages(mlcc.__path__, "mlcc."):
        if module.name.startswith(("mlcc.checks.", "mlcc.lifecycle.")):
            importlib.import_module(module.name)
    load()
    here, before = os.getcwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as place, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            os.chdir(place)
            os.environ.update({"MLCC_HOME": f"{place}/home", "MLCC_PLUGINS": "none", "MLCC_NO_CACHE": "1"})
            for place_of in PLACES:
                Path("mlcc.yaml").write_text(f"version: 1\nproject: {{name: warm}}\n{place_of}\n")
                for argv in RUNS:
                    run_command_line(argv)
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ.update(before)


def _reap(running: dict[int, int]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        pipe = running.pop(pid)
        _tell(pipe, os.waitstatus_to_exitcode(status))
        os.close(pipe)


def _tell(pipe: int, number: int) -> None:
    with suppress(BrokenPipeError):  # whoever asked has given up waiting
        os.write(pipe, b"%d\n" % number)


def _run(message: list[Any], streams: list[int], others: tuple[int, ...]) -> None:
    """The run, in the forked process; never returns."""
    argv, cwd, environ = message
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for fd in (*streams, *others):
            os.close(fd)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environ)
        program = os.path.join(os.path.dirname(sys.executable), "mlcc")
        sys.argv = [program, *argv]
        sys.path[:1] = [os.path.dirname(program), *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
            stream.reconfigure(
                errors="backslashreplace" if number == 2 else "strict", line_buffering=number == 2 or stream.isatty()
            )
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        from mlcc.cli.start import main

        main()
    except BaseException as problem:
        if isinstance(problem, SystemExit) and isinstance(problem.code, int):
            os._exit(problem.code)
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
