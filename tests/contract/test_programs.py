"""What a test finds on PATH is the suite's and not the machine's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT, File, build_tree, run_mlcc
from tools import bare

BARE = [sys.executable, str(ROOT / "tools/bare.py")]


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which somebody has installed nginx."""
    build_tree(tmp_path / "bin", {"nginx": File("#!/bin/sh\necho planted\n", 0o755)})
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "AWS_PROFILE": "mine", "HTTPS_PROXY": "http://127.0.0.1:9", "CI": "true"}


def test_the_suite_sees_what_is_declared_and_nothing_else() -> None:
    declared = {name.removeprefix(bare.WHEEL) for name in bare.declared()}
    [folder] = os.environ["PATH"].split(os.pathsep)
    assert {p.name for p in Path(folder).iterdir()} == declared
    assert not [name for name in ("nginx", "docker", "apt-get", "curl", "perl") if shutil.which(name)]


def test_a_suite_started_on_a_machine_with_more_does_not_see_it(machine: dict[str, str]) -> None:
    names = Path("conftest.py"), Path("test_planted.py")
    names[0].write_text("from tests.conftest import *\n")
    names[1].write_text(
        "import shutil, subprocess\n"
        "def test_planted():\n"
        "    assert shutil.which('nginx') is None\n"
        "    assert subprocess.run(['sh', '-c', 'command -v nginx || command -v nginx -p']).returncode\n"
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_planted.py"]
    done = subprocess.run(argv, env={**machine, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_the_programs_of_the_virtual_environment_are_its_own() -> None:
    found = subprocess.run(
        ["python3", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == sys.prefix
    assert (
        run_mlcc("--version", program=True).stdout
        == subprocess.run(["mlcc", "--version"], capture_output=True, text=True).stdout
    )


def test_a_bare_command_sees_the_declared_programs_an_empty_home_and_few_variables(machine: dict[str, str]) -> None:
    script = "command -v nginx; command -v git || exit 9; ls -A \"$HOME\"; env | grep -v '^_=' | cut -d= -f1 | sort | tr '\\n' ' '"
    done = subprocess.run([*BARE, "sh", "-c", script], env=machine, capture_output=True, text=True, check=True)
    git, variables = done.stdout.splitlines()
    assert git.endswith("/git")
    assert {"PATH", "HOME", "LANG", "CI", "HTTPS_PROXY"} <= {*variables.split()}
    assert not {v for v in variables.split() if v.startswith(("AWS_", "MLCC", "XDG_", "PYTHON"))}


@pytest.mark.parametrize("code", [0, 7])
def test_a_bare_command_s_exit_code_is_kept(code: int) -> None:
    assert subprocess.run([*BARE, "sh", "-c", f"exit {code}"], check=False).returncode == code


def test_a_declared_program_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(bare.Undeclared, match=r"no-such-program, no-such-wheel"):
        bare.link(tmp_path, ["sh", "no-such-program", "wheel:no-such-wheel"], os.environ["PATH"], tmp_path)


def test_the_suites_on_real_components_say_that_they_use_the_machine_s() -> None:
    for file in ("Makefile", "tests/real/run.sh"):
        assert "--programs machine" in (ROOT / file).read_text()
    assert "tools/bare.py make test" in (ROOT / ".ci/run").read_text()


def test_make_help_lists_every_target_that_is_explained() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    (pattern,) = [found[1] for line in lines if (found := re.search(r"grep -E '([^']+)'", line))]
    explained = [line for line in lines if re.match(r"\S+:.*##", line)]
    assert [line for line in explained if not re.search(pattern, line)] == []
    assert any(line.startswith("test-k8s:") for line in explained)
