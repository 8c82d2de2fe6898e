"""The Makefile of docs/repository.md: it renders and builds what changed, and nothing the second time."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.documents import blocks
from tests.helpers import ROOT, SMALLEST, File, build_tree, fork_server, git

[(_, LINES)] = blocks(ROOT / "docs/repository.md", "make")
# Says what was called; a build only says it.
MLCC = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
[ "$1" = do ] || exec "$REAL" "$@"
"""


class Repository:
    """Two projects and the Makefile; `calls` is what its last run called."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log = folder / "repo", folder / "calls"
        files = {f"services/{name}/mlcc.yaml": SMALLEST.replace("iris", name) for name in ("a", "b")}
        base = {"mlcc.base.yaml": "ttl: 9h\n", "Makefile": LINES, ".hidden/x/mlcc.yaml": "nope\n"}
        build_tree(self.root, {**files, **base})
        git(self.root, "init", "-q")
        tools = build_tree(folder / "tools", {"mlcc": File(MLCC, 0o755)})
        path = f"{tools}:{os.environ['PATH']}"
        self.environ = {**os.environ, "PATH": path, "CALLS": str(self.log), "REAL": fork_server().program}

    def make(self) -> list[str]:
        self.log.write_text("")
        argv = ["make", "--no-print-directory"]
        done = subprocess.run(argv, cwd=self.root, env=self.environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        self.printed = done.stdout
        return [re.sub(r" -C \S*/services/", " -C ", call) for call in self.log.read_text().splitlines()]

    def write(self, path: str, text: str) -> None:
        time.sleep(0.02)  # a newer time, where a file system's clock ticks
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    first = made.make()
    assert sorted(first) == [
        "apply -q -f services/a/mlcc.yaml", "apply -q -f services/b/mlcc.yaml", "do -C a build", "do -C b build",
    ]  # fmt: skip
    return made


def test_the_second_time_it_does_nothing(repository: Repository) -> None:
    before = {p: p.stat().st_mtime_ns for p in repository.root.rglob("*")}
    assert (repository.make(), repository.printed) == ([], "")
    assert {p: p.stat().st_mtime_ns for p in repository.root.rglob("*")} == before


def test_a_value_renders_and_builds_its_project_alone(repository: Repository) -> None:
    repository.write("services/a/mlcc.yaml", SMALLEST.replace("iris", "a") + "ttl: 3h\n")
    assert repository.make() == ["apply -q -f services/a/mlcc.yaml", "do -C a build"]
    assert repository.make() == []


def test_a_comment_builds_nothing(repository: Repository) -> None:
    repository.write("services/a/mlcc.yaml", "# a comment\n" + SMALLEST.replace("iris", "a"))
    assert repository.make() == ["apply -q -f services/a/mlcc.yaml"]
    assert repository.make() == []


@pytest.mark.parametrize("path", ["services/b/code/handler.py", "services/b/code/new/own.py", "services/b/Dockerfile"])
def test_code_builds_its_project_and_renders_nothing(repository: Repository, path: str) -> None:
    repository.write(path, "# mine\n")
    assert repository.make() == ["do -C b build"]
    assert repository.make() == []


def test_what_all_share_renders_all_and_builds_where_it_matters(repository: Repository) -> None:
    extending = SMALLEST.replace("iris", "a") + "extends: ../../mlcc.base.yaml\n"
    repository.write("services/a/mlcc.yaml", extending)
    repository.make()
    repository.write("mlcc.base.yaml", "ttl: 7h\n")
    assert sorted(repository.make()) == [
        "apply -q -f services/a/mlcc.yaml", "apply -q -f services/b/mlcc.yaml", "do -C a build",
    ]  # fmt: skip
    assert repository.make() == []


def test_a_mistake_stops_it_and_is_not_forgotten(repository: Repository) -> None:
    repository.write("services/a/mlcc.yaml", "nope: 1\n")
    for _ in range(2):
        with pytest.raises(AssertionError, match="MLCC020"):
            repository.make()


def test_what_clean_takes_away_is_built_anew(repository: Repository) -> None:
    for file in (repository.root / "services/a/.mlcc/run").iterdir():
        file.unlink()
    assert repository.make() == ["do -C a build"]
    assert repository.make() == []
    repository.write("services/a/mlcc.yaml", SMALLEST.replace("iris", "a") + "ttl: 3h\n")
    assert repository.make() == ["apply -q -f services/a/mlcc.yaml", "do -C a build"]
