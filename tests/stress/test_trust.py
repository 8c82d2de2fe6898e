"""G21, G22, G27 and G41 (docs/guarantees.md): what a run does besides its work.

Reading commands and apply reach no network and start no program; nothing of the project's is imported or run; private
files are private under any umask; nothing is left in the temporary folder, and nothing in the home but mlcc's own.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import build_tree, run_mlcc
from tests.stress import cases
from tests.stress.faults import FULL, copied, mlcc, run, watched

NETWORK = (
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
)
PROGRAMS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn")
CODE = ("compile", "exec", "import")


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An applied project."""
    place = cases.project(tmp_path_factory.mktemp("trust") / "iris")
    assert run(mlcc("apply", "-q"), place).code == 0
    return place


def audit(events: Iterable[str]) -> Any:
    """A watcher that notes Python's own audit events."""

    def watch(notes: list[str]) -> None:
        wanted = frozenset(events)

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in wanted:
                notes.append(f"{event} {arguments!r:.200}")

        sys.addaudithook(hook)

    return watch


@pytest.mark.parametrize("name", [n for n, argv in cases.COMMANDS.items() if argv[0] in cases.QUIET])
def test_no_network_and_no_other_program(applied: Path, tmp_path: Path, name: str) -> None:
    place = copied(applied, tmp_path / "iris")
    outcome, notes = watched(mlcc(*cases.COMMANDS[name]), place, audit([*NETWORK, *PROGRAMS]))
    assert outcome.code in (0, 2), outcome.output_text
    assert notes == []


def test_the_watcher_sees(tmp_path: Path) -> None:
    def action() -> int:
        import socket

        socket.getaddrinfo("127.0.0.1", 80)
        subprocess.run(["true"], check=True)
        return 0

    (tmp_path / "x").mkdir()
    _, notes = watched(action, tmp_path / "x", audit([*NETWORK, *PROGRAMS]))
    assert any(n.startswith("socket.getaddrinfo") for n in notes)
    assert any(n.startswith("subprocess.Popen") for n in notes)


SHADOWS = ("yaml", "ruamel", "click", "json", "jsonschema", "cookiecutter", "jinja2", "rich", "tabulate", "mlcc", "os",
           "sitecustomize", "usercustomize", "binaryornot", "arrow", "boto3", "conftest", "setup", "hooks", "_extensions")  # fmt: skip
HOOKS = {
    "hooks/pre_gen_project.py": "open('owned', 'w')\n",
    "hooks/post_gen_project.sh": "#!/bin/sh\ntouch owned\n",
    "cookiecutters/common/cookiecutter.json": "{}",
    "templates/Dockerfile.j2": "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
    "cookiecutter.json": '{"_extensions": ["evil.E"], "project_name": "{{ 1/0 }}"}',
    ".cookiecutterrc": "default_context: {project_name: evil}\n",
    ".env": "MLCC_REGISTRY_PATH=evil\nPATH=evil\n",
    "setup.cfg": "[options.entry_points]\nmlcc.checks = x = evil:main\n",
    ".git/config": "[core]\n\tfsmonitor = touch owned\n\thooksPath = hooks\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    "evil-1.0.dist-info/entry_points.txt": "[mlcc.checks]\nx = evil:main\n",
    "evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
}


def test_nothing_of_the_project_s_is_run(applied: Path, tmp_path: Path) -> None:
    place = copied(applied, tmp_path / "iris")
    evil = f"open({str(tmp_path / 'owned')!r}, 'a').write(__name__)\n"
    for name in (*SHADOWS, "evil"):
        build_tree(place, {f"{name}.py": evil})
    build_tree(place, {f"{name}/__init__.py": evil for name in ("registries", "plugins")})
    build_tree(place, {k: v.replace("owned", str(tmp_path / "owned")) for k, v in HOOKS.items()})
    names = cases.COMMANDS if FULL else ["plan", "apply", "do build", "do validate", "doctor", "diff"]
    environ = {"MLCC_PLUGINS": "", "MLCC": os.path.join(os.path.dirname(sys.executable), "mlcc")}
    for name in names:
        result = run_mlcc(*cases.COMMANDS[name], cwd=place, env=environ)
        assert "Traceback" not in result.stderr, result.stderr
        assert not (tmp_path / "owned").exists(), f"{name} ran {(tmp_path / 'owned').read_text()}"
    for step in ("export", "build", "validate"):
        subprocess.run(
            [place / "do" / step, "--dry-run"] if step == "build" else [place / "do" / step],
            cwd=place, env={**os.environ, **environ}, capture_output=True, check=True,
        )  # fmt: skip
        assert not (tmp_path / "owned").exists(), f"do/{step} ran {(tmp_path / 'owned').read_text()}"
    # the trap itself works
    subprocess.run([sys.executable, "-c", "import evil"], cwd=place, check=True)
    assert (tmp_path / "owned").read_text() == "evil"


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_what_is_mlcc_s_own_is_private_and_all_that_is_left(
    applied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("MLCC_HOME")
    monkeypatch.setenv("TMPDIR", str(temporary))
    place = tmp_path / "iris"
    for name, argv in cases.COMMANDS.items():
        for folder in (home, temporary):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        copied(applied, place)

        def action(argv: list[str] = argv) -> int:
            os.umask(mask)
            import tempfile

            tempfile.tempdir = None
            from mlcc.cli import start

            return start.run(argv)

        outcome = run(action, place)
        assert outcome.code in (0, 1, 2, 3), f"{name}: {outcome.output_text}"
        assert "Traceback" not in outcome.output_text, f"{name}: {outcome.output_text}"
        assert list(temporary.rglob("*")) == [], f"{name} left something in TMPDIR"
        assert {p.name for p in home.iterdir()} <= {".mlcc"}, f"{name} left something in HOME"
        for path in home.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert not mode & 0o077, f"{name}: {path.relative_to(home)} has mode {mode:04o}"


# Not collected by `make test`, which needs no tool that a bare machine lacks.
if FULL:

    def test_the_kernel_s_word(applied: Path, tmp_path: Path) -> None:
        """The same with the kernel as witness: strace, which `make stress` installs."""
        strace = shutil.which("strace")
        assert strace, "strace is needed: apt-get install strace"
        program = os.path.join(os.path.dirname(sys.executable), "mlcc")
        place = copied(applied, tmp_path / "iris")
        seen = 0
        for name, argv in cases.COMMANDS.items():
            if argv[0] not in cases.QUIET:
                continue
            log = tmp_path / "trace"
            calls = "trace=execve,connect,bind,sendto,sendmsg,socket,openat,mkdirat,mkdir"
            done = subprocess.run(
                [strace, "-f", "-qq", "-o", str(log), "-e", calls, program, *argv],
                cwd=place,
                capture_output=True,
                check=False,
            )
            assert done.returncode in (0, 2), done.stderr
            lines = log.read_text().splitlines()
            assert sum("execve(" in li and "= 0" in li for li in lines) == 1, f"{name} started a program"
            assert not [li for li in lines if re.search(r"AF_INET|AF_NETLINK", li)], f"{name} asked for a network"
            home = os.environ["MLCC_HOME"]
            made = [li for li in lines if home in li and ("O_CREAT" in li or "mkdir" in li)]
            modes = [int(found[1], 8) for li in made if (found := re.search(r"(?:O_CREAT|mkdir).*, (0[0-7]+)\)", li))]
            assert not [m for m in modes if m & 0o077], f"{name}: {made}"
            seen += 1
        print(f"\n{seen} commands under strace: 1 execve each, 0 sockets of a network")
