"""What tests share: trees of files, Git repositories, and two ways to run mlcc."""

from __future__ import annotations

import atexit
import functools
import os
import pty
import select
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.core.findings import Finding
from mlcc.registries.loader import load
from tests import forkserver

ROOT = Path(__file__).resolve().parent.parent
SMALLEST = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi}\n"
GIT = ("git", "-c", "init.defaultBranch=main", "-c", "user.name=t", "-c", "user.email=t@example.com")


@dataclass(frozen=True)
class Result:
    """How a run of mlcc ended: exit code, standard output, standard error."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class File:
    """A file of a tree with its mode, for the few that need one."""

    content: str | bytes
    mode: int = 0o644


# ---------------------------------------------------------------- trees
def build_tree(path: str | Path, files: Mapping[str, str | bytes | File]) -> Path:
    """Writes files by relative path, folders made where absent, and returns the folder."""
    root = Path(path)
    for name, given in files.items():
        file = given if isinstance(given, File) else File(given)
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        content = file.content
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(file.mode)
    return root


def read_tree(path: str | Path, *, skip: Iterable[str] = (".git", ".gitignore")) -> dict[str, bytes]:
    """Bytes of every plain file below a folder, by relative path; without what is there in a work tree of Git only."""
    root, skipped = Path(path), set(skip)
    found = {}
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root)
        if relative.parts[0] not in skipped and file.is_file() and not file.is_symlink():
            found[relative.as_posix()] = file.read_bytes()
    return found


def state_of(path: str | Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything that a second run must leave alone: mode, modification time and bytes of every file and folder."""
    root = Path(path)
    found = {}
    for file in sorted([root, *root.rglob("*")]):
        status = file.lstat()
        data = file.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[file.relative_to(root).as_posix()] = (status.st_mode, status.st_mtime_ns, data)
    return found


def git(path: str | Path, *arguments: str) -> str:
    """Runs Git in a folder and returns what it printed."""
    done = subprocess.run([*GIT, *arguments], cwd=path, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def git_repo(path: str | Path, files: Mapping[str, str | bytes | File] | None = None) -> Path:
    """A repository with one commit of the given files."""
    root = build_tree(path, files or {"README": "a repository\n"})
    git(root, "init", "-q")
    commit(root, "first")
    return root


def commit(path: str | Path, message: str) -> str:
    """Commits all that changed and returns the commit's name."""
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", message)
    return git(path, "rev-parse", "HEAD")


# ---------------------------------------------------------------- documents
def needed(config: str) -> str:
    """What the smallest mlcc.yaml of a deployment config must say besides its name: the model, where it has no sample."""
    known = load()
    row = known.deployment_configs[config]
    if row.engine or any((found := known.framework(f)) is not None and found.engine for f in row.frameworks):
        engine = known.engines[row.engine or next(known.framework(f).engine for f in row.frameworks)]  # type: ignore[union-attr]
        name = "TinyLlama/TinyLlama-1.1B-Chat-v1.0" if "model.name" in engine.model_variables else "s3://bucket/models/"
        return f"model: {{name: '{name}'}}\n"
    backend = known.triton_backends.get(row.backend) if row.architecture == "triton" else None
    if backend is None or backend.sample is not None:
        return ""
    tensor = "[{name: x, data_type: TYPE_FP32, dims: [4]}]"
    return f"triton: {{models: [{{name: net, file: ./models/net, inputs: {tensor}, outputs: {tensor}}}]}}\n"


def read_yaml(path: Path) -> Any:
    """A large YAML file as another parser than mlcc's reads it, in a tenth of the time that its Python parser takes."""
    return yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


# ---------------------------------------------------------------- running mlcc
def run_mlcc(
    *argv: str,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    tty: bool = False,
    stdin: str | None = None,
    timeout: float = 60,
    program: bool = False,
    clean: bool = False,
) -> Result:
    """Runs mlcc in a process of its own.

    env: over the test's own, or all there is (`clean`); tty: standard output and error are one terminal; program: the installed program itself,
    where a fork of a process that has imported mlcc would not do.
    """
    environ = {**({} if clean else os.environ), **(env or {})}
    where = os.path.abspath(cwd or ".")
    with tempfile.TemporaryFile() as given, ExitStack() as stack:
        given.write((stdin or "").encode())
        given.seek(0)
        master, streams = _streams(stack, tty)
        start = _start_program if program or not forkserver.usable(environ) else _start_fork
        wait = start(list(argv), where, environ, (given.fileno(), *streams))
        for stream in set(streams):
            os.close(stream)
        texts = _read_all(master, timeout)
        code = wait(timeout)
    return Result(code, texts[0].decode(), texts[1].decode() if len(texts) > 1 else "")


def _streams(stack: ExitStack, tty: bool) -> tuple[list[int], tuple[int, int]]:
    """Ends to read from, and what a run gets as standard output and error; the former are closed by the stack."""
    if tty:
        master, slave = pty.openpty()
        stack.callback(os.close, master)
        return [master], (slave, slave)
    pipes = [os.pipe(), os.pipe()]
    for reader, _ in pipes:
        stack.callback(os.close, reader)
    return [reader for reader, _ in pipes], (pipes[0][1], pipes[1][1])


def _read_all(readers: list[int], timeout: float) -> list[bytes]:
    chunks: dict[int, list[bytes]] = {reader: [] for reader in readers}
    open_ones = set(readers)
    deadline = time.monotonic() + timeout
    while open_ones:
        ready = select.select(list(open_ones), [], [], max(0, deadline - time.monotonic()))[0]
        if not ready:
            return [b"".join(chunks[r]) for r in readers]  # the wait that follows says so
        for reader in ready:
            try:
                chunk = os.read(reader, 65536)
            except OSError:  # the last writer closed the terminal
                chunk = b""
            if chunk:
                chunks[reader].append(chunk)
            else:
                open_ones.remove(reader)
    return [b"".join(chunks[r]) for r in readers]


Wait = Callable[[float], int]


def _start_program(argv: list[str], cwd: str, environ: Mapping[str, str], streams: tuple[int, int, int]) -> Wait:
    program = os.path.join(os.path.dirname(sys.executable), "mlcc")
    process = subprocess.Popen(
        [program, *argv], cwd=cwd, env=environ, stdin=streams[0], stdout=streams[1], stderr=streams[2]
    )

    def wait(timeout: float) -> int:
        try:
            return process.wait(timeout)
        finally:
            process.kill()
            process.wait()

    return wait


def _start_fork(argv: list[str], cwd: str, environ: Mapping[str, str], streams: tuple[int, int, int]) -> Wait:
    return fork_server().start(argv, cwd, environ, streams).wait


@functools.cache
def fork_server() -> forkserver.ForkServer:
    """The process that runs of mlcc are forked from, one for each process of the suite."""
    made = forkserver.ForkServer()
    atexit.register(made.close)
    return made


@dataclass
class Caller:
    """Calls mlcc in this process, in the current directory (the `mlcc` fixture makes one)."""

    capsys: pytest.CaptureFixture[str]
    seen: list[Result] = field(default_factory=list)

    def __call__(self, *argv: str, code: int | None = None) -> Result:
        """Runs a command line; `code` is the exit code that it must have."""
        from mlcc.cli.main import run_command_line

        self.capsys.readouterr()
        ended = run_command_line(list(argv))
        out, err = self.capsys.readouterr()
        result = Result(ended, out, err)
        self.seen.append(result)
        if code is not None:
            assert ended == code, f"mlcc {' '.join(argv)} ended with {ended}\n{out}\n{err}"
        return result


@functools.cache
def _applied(text: str) -> Path:
    place = Path(tempfile.mkdtemp(prefix="mlcc-applied-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(place), "MLCC_PLUGINS": "none", "MLCC_ENGINE": "none"}
    project = build_tree(place / "project", {"mlcc.yaml": text})
    done = run_mlcc("apply", "-q", cwd=project, env=environ, clean=True)
    assert done.code == 0, done
    return project


def applied(folder: str | Path, text: str = SMALLEST) -> Path:
    """A folder with an mlcc.yaml and what an apply of it leaves, for tests of what comes after.

    Each text is applied once in a process of the suite; every folder gets files of its own, with their modes.
    """
    shutil.copytree(_applied(text), folder, symlinks=True, dirs_exist_ok=True)
    return Path(folder)


# ---------------------------------------------------------------- assertions
class Installed:
    """mlcc in a project, with distributions on its module path."""

    def __init__(self, folder: Path, *sites: Path) -> None:
        """folder: the project; sites: where distributions are installed."""
        self.folder = folder
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent / "home"),
            "PYTHONPATH": os.pathsep.join(map(str, sites)),
            "MLCC": fork_server().program,
            "MLCC_ENGINE": "none",
        }

    def __call__(self, *arguments: str, code: int = 0, **variables: str) -> Result:
        """Runs `mlcc ARGUMENTS`, or a script of the project's do/, in a process of its own."""
        environ = {**self.environ, **variables}
        if arguments and arguments[0].startswith("do/"):
            done = subprocess.run(
                arguments, cwd=self.folder, env=environ, capture_output=True, stdin=subprocess.DEVNULL
            )
            result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        else:
            result = run_mlcc(*arguments, cwd=self.folder, env=environ, clean=True)
        assert result.code == code, result
        assert "Traceback" not in result.stderr
        return result


def codes(findings: Iterable[Finding]) -> list[str]:
    """Codes of findings, in order."""
    return [f.code for f in findings]


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding there is."""
    found = list(findings)
    assert len(found) == 1, f"expected one finding, got {found}"
    return found[0]


def assert_no_traceback(result: Result) -> None:
    """What every command promises, whatever it is given."""
    assert "Traceback" not in result.stdout + result.stderr
    assert "bug in mlcc" not in result.stderr, result.stderr
    assert result.code != 70


def assert_same(before: Any, after: Any) -> None:
    """Two trees are equal; the message names what differs."""
    different = [k for k in sorted({*before, *after}) if before.get(k) != after.get(k)]
    assert not different, f"changed: {different}"
