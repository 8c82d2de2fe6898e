"""Which projects a command is about: -f, -C, several files, --all, --changed-since."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, build_tree, commit, git, git_repo, read_tree

HERE = Path()


def named(name: str, more: str = "") -> str:
    return SMALLEST.replace("iris", name) + more


@pytest.fixture
def repo():
    """Three projects, one of which extends a shared file, and folders that are never looked into."""
    git_repo(
        HERE,
        {
            "a/mlcc.yaml": named("a"),
            "b/deep/mlcc.yaml": named("b"),
            "c/mlcc.yaml": "extends: ../base/mlcc.base.yaml\n" + named("c"),
            "base/mlcc.base.yaml": "ttl: 1d\n",
            "d/mlcc.yml": named("d"),
            ".venv/x/mlcc.yaml": "never read",
            "node_modules/x/mlcc.yaml": "never read",
            "README": "x",
        },
    )
    return HERE


ALL = ["a/mlcc.yaml", "b/deep/mlcc.yaml", "c/mlcc.yaml", "d/mlcc.yml"]


def meant(result) -> list[str]:
    """The files that validate was about, from its last line, or by breaking each."""
    return result.stderr.strip()


def touched(mlcc, *arguments: str) -> list[str]:
    """Folders in which apply wrote."""
    mlcc("apply", *arguments, code=0)
    return sorted(p.removesuffix("/mlcc.lock") for p in read_tree(HERE) if p.endswith("mlcc.lock"))


def test_all_is_every_project_of_the_repository(repo, mlcc, monkeypatch):
    assert touched(mlcc, "--all") == ["a", "b/deep", "c", "d"]


def test_all_works_from_below_too(repo, mlcc, monkeypatch):
    monkeypatch.chdir("b/deep")
    assert "4 projects: nothing wrong" in mlcc("validate", "--all", code=0).stderr


def test_all_follows_no_linked_folder(repo, mlcc):
    (HERE / "linked").symlink_to("a")
    assert "4 projects" in mlcc("validate", "--all", code=0).stderr


def test_several_files(repo, mlcc):
    assert touched(mlcc, "a/mlcc.yaml", "c/mlcc.yaml") == ["a", "c"]


def test_a_folder_names_the_file_in_it(repo, mlcc):
    assert touched(mlcc, "b/deep") == ["b/deep"]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("a/mlcc.yaml", named("a", "ttl: 2d\n"), ["a"]),
        ("a/code/own.py", "x", ["a"]),
        ("b/deep/er/file", "x", ["b/deep"]),
        ("base/mlcc.base.yaml", "ttl: 2d\n", ["c"]),
        ("README", "y", []),
        ("new/mlcc.yaml", named("new"), ["new"]),
    ],
)
def test_changed_since_is_what_a_commit_touched(repo, mlcc, path, content, expected):
    first = git(HERE, "rev-parse", "HEAD")
    build_tree(HERE, {path: content})
    commit(HERE, "second")
    assert touched(mlcc, "--changed-since", first) == expected


def test_changed_since_the_last_commit_is_nothing(repo, mlcc):
    assert "0 projects: nothing wrong" in mlcc("validate", "--changed-since", "HEAD", code=0).stderr


@pytest.mark.parametrize(("ref", "code"), [("nope", 1), ("--output=x", 2), ("-x", 2), ("", 0)])
def test_a_commit_that_is_none(repo, mlcc, ref, code):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = read_tree(HERE)
    result = mlcc("validate", "--changed-since", ref)
    assert result.code == code
    assert read_tree(HERE) == before


def test_git_runs_nothing_of_the_repository_s(repo, mlcc):
    """Hooks, monitors, text converters, external diffs and pagers that a stranger planted."""
    first = git(HERE, "rev-parse", "HEAD")
    evil = f"#!/bin/sh\ntouch {Path.cwd()}/owned\n"
    build_tree(HERE, {"evil.sh": evil, ".gitattributes": "* diff=evil\n", "a/x": "y"})
    (HERE / "evil.sh").chmod(0o755)
    commit(HERE, "second")
    program = str(Path.cwd() / "evil.sh")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.sshCommand",
    ):
        git(HERE, "config", key, program)
    build_tree(HERE, {".git/hooks/post-index-change": evil})
    (HERE / ".git/hooks/post-index-change").chmod(0o755)
    mlcc("validate", "--changed-since", first, code=0)
    assert not (HERE / "owned").exists()


def test_outside_a_repository_changed_since_is_an_error(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "MLCC211" in mlcc("validate", "--changed-since", "HEAD", code=1).stderr


@pytest.fixture
def too_deep(repo) -> str:
    """A folder that nobody can open by name, root neither: the start of the first part of its path that is too long."""
    here = Path.cwd()
    for _ in range(20):
        os.mkdir("x" * 250)
        os.chdir("x" * 250)
    os.chdir(here)
    yield "x" * 100
    shutil.rmtree("x" * 250)


def test_a_folder_that_cannot_be_read_is_an_error(repo, too_deep, mlcc):
    build_tree(HERE, {"d/mlcc.yml": "version: 2\n"})
    result = mlcc("validate", "--all", "--json", code=1)
    found = [(f["code"], f["severity"], f["file"][:100]) for f in json.loads(result.stdout)["findings"]]
    assert ("MLCC001", "error", too_deep) in found
    assert {file for _, _, file in found} == {too_deep, "d/mlcc.yml"}, "the others are looked at all the same"
    output_text = mlcc("validate", "--all", code=1)
    assert "what is below was not looked at" in output_text.stdout + output_text.stderr
    assert "nothing wrong" not in output_text.stderr


@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_nothing_is_done_for_all_when_some_cannot_be_seen(repo, too_deep, mlcc, command):
    result = mlcc(command, "--all", code=1)
    assert "MLCC001: the name is too long: what is below was not looked at" in result.stderr
    assert not list(HERE.glob("*/mlcc.lock"))


@pytest.mark.parametrize("way", [["--all"], ["a/mlcc.yaml", "c/mlcc.yaml"]])
def test_directory_is_for_one_project(repo, mlcc, way):
    assert "-C is for one project" in mlcc("plan", *way, "-C", "out", code=2).stderr


@pytest.mark.parametrize("command", ["validate", "plan", "diff", "apply"])
def test_every_command_takes_the_same_selection(repo, mlcc, command):
    mlcc(command, "--all", code=0)
    mlcc(command, "a/mlcc.yaml", "d/mlcc.yml", code=0)
    mlcc(command, "-f", "a/mlcc.yaml", code=0)
    mlcc(command, "--changed-since", "HEAD", code=0)


def test_findings_of_every_file_are_shown_at_once(repo, mlcc):
    build_tree(HERE, {"a/mlcc.yaml": "version: 1\n", "d/mlcc.yml": "version: 2\n"})
    found = json.loads(mlcc("validate", "--all", "--json", code=1).stdout)["findings"]
    assert {f["file"] for f in found} == {"a/mlcc.yaml", "d/mlcc.yml"}


def test_several_projects_are_read_before_one_is_written(repo, mlcc):
    build_tree(HERE, {"d/mlcc.yml": "version: 2\n"})
    mlcc("apply", "--all", code=1)
    assert not [p for p in read_tree(HERE) if p.endswith("mlcc.lock")]


def test_mlcc_yaml_goes_before_mlcc_yml(mlcc):
    build_tree(HERE, {"mlcc.yaml": named("first"), "mlcc.yml": named("second"), ".git/HEAD": ""})
    assert "first" in mlcc("explain", "project.name", code=0).stdout
    assert "mlcc.yaml: nothing wrong" not in mlcc("validate", "--all", code=0).stdout
