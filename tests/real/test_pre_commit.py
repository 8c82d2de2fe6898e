"""The real pre-commit: the hooks of this repository on itself, and those that it offers on a repository of projects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import ROOT, SMALLEST, git, git_repo

pytestmark = pytest.mark.real

PROGRAM = Path(sys.prefix) / "bin/pre-commit"
Done = subprocess.CompletedProcess[str]


def test_the_hooks_pass_on_a_clean_checkout(tmp_path: Path) -> None:
    clone, programs = tmp_path / "mlcc", Path(sys.prefix)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    (clone / ".venv").symlink_to(programs)
    environ = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "MYPY_CACHE_DIR": str(tmp_path / "mypy")}
    done = subprocess.run(
        [programs / "bin/pre-commit", "run", "--all-files"], cwd=clone, env=environ, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 4
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert changed.stdout == "?? .venv\n"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pre-commit keeps what it installs: once for these tests."""
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def projects(tmp_path: Path, cache: Path) -> tuple[Path, Callable[..., Done]]:
    """A repository of two projects, of which nothing is rendered, and pre-commit in it with the hooks of this checkout."""
    hooks = git(ROOT, "rev-parse", "HEAD")
    config = f"repos:\n  - repo: {ROOT}\n    rev: {hooks}\n    hooks: [{{id: mlcc-validate}}, {{id: mlcc-apply}}]\n"
    files = {f"{name}/mlcc.yaml": SMALLEST.replace("iris", name) for name in ("a", "b")}
    root = git_repo(tmp_path / "projects", {**files, ".pre-commit-config.yaml": config})
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("ML_", "MLCC", "GIT_"))}
    environ |= {"PRE_COMMIT_HOME": str(cache), "HOME": str(tmp_path), "MLCC_HOME": str(tmp_path / "home")}
    for name in ("NAME", "EMAIL"):
        environ |= {f"GIT_AUTHOR_{name}": "t@example.com", f"GIT_COMMITTER_{name}": "t@example.com"}

    def run(*argv: str) -> Done:
        return subprocess.run(argv, cwd=root, env=environ, capture_output=True, text=True, timeout=600)

    assert run(str(PROGRAM), "install").returncode == 0
    return root, run


def test_a_commit_with_changed_projects_fails_once_and_then_passes(projects: tuple[Path, Callable[..., Done]]) -> None:
    root, run = projects
    (root / "a/mlcc.yaml").write_text(SMALLEST.replace("iris", "a") + "ttl: 3h\n")
    git(root, "add", "-A")
    first = run("git", "commit", "-q", "-m", "a lives shorter")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "a/mlcc.yaml:" in first.stderr + first.stdout
    assert "export TTL='3h'" in (root / "a/do/config").read_text()
    assert (root / "b/mlcc.lock").exists(), "every project of the repository"
    git(root, "add", "-A")
    second = run("git", "commit", "-q", "-m", "a lives shorter")
    assert second.returncode == 0, second.stdout + second.stderr
    assert git(root, "status", "--porcelain") == ""
    # a mistake stops the commit before anything is rendered
    (root / "b/mlcc.yaml").write_text(SMALLEST + "nope: 1\n")
    git(root, "add", "-A")
    third = run("git", "commit", "-q", "-m", "wrong")
    assert third.returncode == 1
    assert "b/mlcc.yaml:4:1: error MLCC020" in third.stdout + third.stderr
    assert git(root, "status", "--porcelain") == "M  b/mlcc.yaml"


def test_the_hooks_are_tried_out_of_the_checkout(projects: tuple[Path, Callable[..., Done]]) -> None:
    root, run = projects
    done = run(str(PROGRAM), "try-repo", str(ROOT), "--ref", git(ROOT, "rev-parse", "HEAD"), "--all-files")
    assert done.returncode == 1, done.stdout + done.stderr
    shown = dict(re.findall(r"^(mlcc .*?)\.\.+(\w+)$", done.stdout, re.MULTILINE))
    wanted = {"mlcc apply": "Failed", "mlcc apply --check": "Passed", "mlcc validate": "Passed"}
    assert {name: shown[name] for name in wanted} == wanted, done.stdout
    assert (root / "b/mlcc.lock").exists()
