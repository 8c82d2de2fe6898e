"""G15 (docs/guarantees.md): the written shell is clean; sourcing do/config sets the project's own variables only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT, Caller, build_tree
from tests.stress.faults import FULL

TREES = sorted(p for p in (ROOT / "tests/golden/trees").iterdir() if p.is_dir())
# What would change the shell that sources the file, or programs that it starts.
DANGEROUS = (
    "PATH", "IFS", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "ENV", "PS4", "PS1", "PROMPT_COMMAND", "SHELLOPTS",
    "BASHOPTS", "HOME", "CDPATH", "GLOBIGNORE", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME", "TMPDIR", "SHELL", "OLDPWD", "PWD",
    "GIT_SSH_COMMAND", "GIT_CONFIG", "EDITOR", "PERL5OPT", "NODE_OPTIONS", "MAKEFLAGS", "HISTFILE", "POSIXLY_CORRECT",
)  # fmt: skip


def scripts(tree: Path) -> list[Path]:
    """Files of a tree that a shell runs or sources."""
    found = [p for p in sorted(tree.rglob("*")) if p.is_file() and p.read_bytes()[:9] == b"#!/bin/sh"]
    return [*found, *sorted(tree.glob("do/config")), *sorted(tree.glob("do/*/*.conf"))]


@pytest.mark.parametrize("tree", TREES, ids=[t.name for t in TREES])
def test_scripts_are_shell(tree: Path) -> None:
    found = scripts(tree)
    assert len(found) > 5
    for path in found:
        for shell in ("bash", "sh"):
            subprocess.run([shell, "-n", str(path)], check=True, capture_output=True)
        assert "eval" not in path.read_text().split(), path
    if FULL:
        # SC2034: variables of a file that is sourced are used elsewhere; SC2016: a $ in a value is meant to be one
        done = subprocess.run(
            ["shellcheck", "-S", "style", "-s", "sh", "-e", "SC2034,SC2016", *map(str, found)], capture_output=True, text=True, check=False
        )  # fmt: skip
        assert done.stdout == ""


@pytest.mark.parametrize("name", DANGEROUS)
def test_sourcing_leaves_the_shell_alone(mlcc: Caller, name: str) -> None:
    text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: http-flask}}\nenv: {{{name}: changed}}\n"
    build_tree(Path(), {"mlcc.yaml": text})
    if mlcc("apply", "-q").code:
        assert not Path("do").exists()
        return
    script = f'before="${{{name}-unset}}"; . do/config; [ "${{{name}-unset}}" = "$before" ] && printf same; env | grep -c =changed$'
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert done.stdout.startswith("same1"), done
    assert done.stderr == ""


def test_sourcing_runs_nothing(mlcc: Caller) -> None:
    """With an empty PATH and a trace, all there is are assignments."""
    values = "".join(
        f"  V{n}: '{v}'\n" for n, v in enumerate(["$(touch owned)", "`touch owned`", ";touch owned", "$((1+1))"])
    )
    build_tree(
        Path(),
        {"mlcc.yaml": f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: http-flask}}\nenv:\n{values}"},
    )
    mlcc("apply", "-q", code=0)
    done = subprocess.run(
        [str(shutil.which("bash")), "--norc", "-xc", ". do/config"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/nonexistent"},
    )
    traced = [line.lstrip("+ ") for line in done.stderr.splitlines()]
    assert traced[0] == ". do/config"
    assert all(line.startswith("export ") or line.partition("=")[0].isupper() for line in traced[1:]), traced
    assert not Path("owned").exists()
