"""diff between revisions: what they resolve to, read with Git's plumbing; formatting is no difference."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import SMALLEST, Caller, build_tree, commit, git, git_repo, read_tree, state_of

HERE = Path()
FILES = {
    "a/mlcc.yaml": SMALLEST.replace("iris", "a") + "environments: {prod: {deployment: {instance_count: 2}}}\n",
    "b/deep/mlcc.yaml": "extends: ../../base/base.yaml\n" + SMALLEST.replace("iris", "b"),
    "base/base.yaml": "ttl: 1d\n",
    "c/mlcc.yaml": SMALLEST.replace("iris", "c"),
}


@pytest.fixture
def repo() -> str:
    """A repository of three projects; the name of its first commit."""
    git_repo(HERE, FILES)
    return git(HERE, "rev-parse", "HEAD")


def changed(mlcc: Caller, *arguments: str) -> dict[str, Any]:
    """The projects that differ, by file, from a document of the right shape."""
    found = json.loads(mlcc("diff", *arguments, "-o", "json", code=0).stdout)
    assert validator.validate_document(node_of(found, Mark("stdout")), "output-plan") == []
    return {one["file"]: one for one in found["projects"] if one["status"] == "changed"}


NOISE = [
    ("a comment", lambda text: "# hello\n" + text),
    ("quotes", lambda text: text.replace("name: a", 'name: "a"')),
    ("a block", lambda text: text.replace("project: {name: a}", "project:\n    name: a")),
    ("the order of keys", lambda text: "".join(sorted(text.splitlines(keepends=True)))),
    ("line ends", lambda text: text.replace("\n", "\r\n")),
]


@pytest.mark.parametrize(("what", "rewritten"), NOISE, ids=[what for what, _ in NOISE])
def test_formatting_is_no_difference(repo: str, mlcc: Caller, what: str, rewritten: Any) -> None:
    text = rewritten(FILES["a/mlcc.yaml"])
    assert text != FILES["a/mlcc.yaml"]
    build_tree(HERE, {"a/mlcc.yaml": text})
    commit(HERE, "second")
    assert changed(mlcc, "--all", f"{repo}..HEAD") == {}
    assert changed(mlcc, "--all", "--against", repo) == {}
    assert mlcc("diff", "--all", f"{repo}..HEAD", code=0).stdout == "3 projects: 3 unchanged\n"


def test_values_costs_and_files_of_every_environment(repo: str, mlcc: Caller) -> None:
    build_tree(HERE, {"a/mlcc.yaml": FILES["a/mlcc.yaml"].replace("instance_count: 2", "instance_count: 3")})
    commit(HERE, "second")
    found = changed(mlcc, "--all", f"{repo}..HEAD")
    assert [*found] == ["a/mlcc.yaml"]
    (row,) = found["a/mlcc.yaml"]["values"]
    assert (row["path"], row["before"], row["after"]) == ("environments.prod.deployment.instance_count", 2, 3)
    costs = {row["environment"]: row for row in found["a/mlcc.yaml"]["costs"]}
    assert (costs["prod"]["before"]["count"], costs["prod"]["count"]) == (2, 3)
    assert [c["path"] for c in found["a/mlcc.yaml"]["changes"]] == ["do/env/prod.conf"]
    text = mlcc("diff", "--all", f"{repo}..HEAD", code=0).stdout
    assert "-export INSTANCE_COUNT='2'\n+export INSTANCE_COUNT='3'\n" in text
    assert "+++ b/a/do/env/prod.conf" in text
    back = changed(mlcc, "--all", f"HEAD..{repo}")["a/mlcc.yaml"]["values"][0]
    assert (back["before"], back["after"]) == (3, 2)


def test_a_file_that_others_extend_changes_them(repo: str, mlcc: Caller) -> None:
    build_tree(HERE, {"base/base.yaml": "ttl: 2d\n"})
    commit(HERE, "second")
    found = changed(mlcc, "--all", f"{repo}..HEAD")
    assert [*found] == ["b/deep/mlcc.yaml"]
    assert found["b/deep/mlcc.yaml"]["values"][0]["source"] == "base"


def test_projects_come_and_go(repo: str, mlcc: Caller) -> None:
    (HERE / "c/mlcc.yaml").unlink()
    build_tree(HERE, {"new/mlcc.yaml": SMALLEST.replace("iris", "new")})
    commit(HERE, "second")
    for arguments in (["--all", f"{repo}..HEAD"], ["--all", "--against", repo]):
        found = changed(mlcc, *arguments)
        assert [*found] == ["c/mlcc.yaml", "new/mlcc.yaml"]
        assert {c["action"] for c in found["c/mlcc.yaml"]["changes"]} == {"delete"}
        assert {c["action"] for c in found["new/mlcc.yaml"]["changes"]} == {"create"}
        assert all(row["before"] is None for row in found["new/mlcc.yaml"]["values"])


def test_against_is_about_the_files_here(repo: str, mlcc: Caller) -> None:
    build_tree(HERE, {"c/mlcc.yaml": FILES["c/mlcc.yaml"] + "ttl: 2d\n"})
    assert [*changed(mlcc, "--all", "--against", "HEAD")] == ["c/mlcc.yaml"]
    assert changed(mlcc, "--all", f"{repo}..HEAD") == {}


def test_one_project_is_found_from_its_folder(repo: str, mlcc: Caller) -> None:
    build_tree(HERE, {"c/mlcc.yaml": FILES["c/mlcc.yaml"] + "ttl: 2d\n"})
    os.chdir("c")
    assert "  ttl: 8h -> 2d  [file]\n" in mlcc("diff", "--against", "HEAD", code=0).stdout
    assert "no value differs" in mlcc("diff", f"{repo}..HEAD", code=0).stdout
    os.chdir("..")
    assert "ttl" in mlcc("diff", "--against", "HEAD", "c", code=0).stdout


def test_three_dots_begin_where_the_two_parted(repo: str, mlcc: Caller) -> None:
    git(HERE, "checkout", "-q", "-b", "feature")
    build_tree(HERE, {"a/mlcc.yaml": FILES["a/mlcc.yaml"] + "ttl: 2d\n"})
    commit(HERE, "of the feature")
    git(HERE, "checkout", "-q", "main")
    build_tree(HERE, {"c/mlcc.yaml": FILES["c/mlcc.yaml"] + "ttl: 2d\n"})
    commit(HERE, "of main")
    assert [*changed(mlcc, "--all", "main...feature")] == ["a/mlcc.yaml"]
    assert [*changed(mlcc, "--all", "main..feature")] == ["a/mlcc.yaml", "c/mlcc.yaml"]


def test_a_revision_has_its_own_registries_lock_and_templates(repo: str, mlcc: Caller) -> None:
    rows = "version: 1\nkind: models\nrows: {{mine/*: {{source: test, defaults: {{env: {{A: '{}'}}}}}}}}\n"
    text = (
        "version: 1\nproject: {name: d}\ndeployment: {config: transformers-vllm}\nregistries: [./rows]\n"
        "model: {name: mine/x, chat_template_file: code/chat.jinja}\n"
    )
    build_tree(HERE, {"d/mlcc.yaml": text, "d/rows/models/m.yaml": rows.format("old"), "d/code/chat.jinja": "x"})
    mlcc("apply", "d", "-q", code=0)
    commit(HERE, "second")
    build_tree(HERE, {"d/rows/models/m.yaml": rows.format("new")})
    commit(HERE, "third")
    assert "MLCC158" not in mlcc("diff", "--all", "HEAD~1..HEAD", code=0).stderr
    found = changed(mlcc, "--all", "HEAD~1..HEAD")
    assert [(row["path"], row["before"], row["after"]) for row in found["d/mlcc.yaml"]["values"]] == [
        ("env.A", "old", "new")
    ]


def test_mistakes_of_a_revision_are_named_with_it(repo: str, mlcc: Caller) -> None:
    build_tree(HERE, {"a/mlcc.yaml": FILES["a/mlcc.yaml"] + "nope: 1\n"})
    commit(HERE, "wrong")
    result = mlcc("diff", "--all", f"{repo}..HEAD", code=1)
    assert "HEAD:a/mlcc.yaml:5:1: error MLCC020 nope:" in result.stderr
    assert result.stdout.splitlines()[-1] == "3 projects: 2 unchanged, 1 refused"


def test_nothing_is_written_and_nothing_is_left(repo: str, mlcc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    build_tree(HERE, {"tmp/.keep": ""})
    monkeypatch.setenv("TMPDIR", str(Path("tmp").resolve()))
    build_tree(HERE, {"a/mlcc.yaml": FILES["a/mlcc.yaml"] + "ttl: 2d\n"})
    before = state_of(HERE)
    mlcc("diff", "--all", "--against", "HEAD", code=0)
    after = state_of(HERE)
    assert {path for path in {*before, *after} if before.get(path) != after.get(path)} <= {"tmp"}
    assert [*read_tree("tmp")] == [".keep"]


def test_git_runs_nothing_of_the_repository_s(repo: str, mlcc: Caller) -> None:
    evil = f"#!/bin/sh\ntouch {Path.cwd()}/owned\n"
    build_tree(HERE, {"evil.sh": evil, ".gitattributes": "* diff=evil filter=evil\n"})
    (HERE / "evil.sh").chmod(0o755)
    build_tree(HERE, {"a/mlcc.yaml": FILES["a/mlcc.yaml"] + "ttl: 2d\n"})
    commit(HERE, "second")
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "filter.evil.smudge"):
        git(HERE, "config", key, str(Path.cwd() / "evil.sh"))
    assert [*changed(mlcc, "--all", f"{repo}..HEAD")] == ["a/mlcc.yaml"]
    assert not (HERE / "owned").exists()


def test_links_of_a_commit_are_not_followed(repo: str, mlcc: Caller) -> None:
    secret = build_tree("..", {"secret.yaml": "ttl: 9d\n"}) / "secret.yaml"
    (HERE / "base/base.yaml").unlink()
    (HERE / "base/base.yaml").symlink_to(secret.resolve())
    commit(HERE, "linked")
    result = mlcc("diff", "--all", f"{repo}..HEAD", code=1)
    assert "HEAD:b/deep/mlcc.yaml" in result.stderr
    assert "9d" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nope..HEAD"], 1, "MLCC211: git knows no commit 'nope'"),
        (["HEAD..nope"], 1, "MLCC211: git knows no commit 'nope'"),
        (["--against", "nope"], 1, "MLCC211"),
        (["--against", "--output=x"], 2, "MLCC901"),
        (["--against", ""], 2, "empty"),
        (["HEAD..HEAD", "--against", "HEAD"], 2, "MLCC901"),
        (["HEAD..HEAD", "--env", "default", "--env", "prod"], 2, "MLCC901"),
        (["HEAD..HEAD", "HEAD..HEAD"], 2, "MLCC901"),
    ],
)
def test_what_is_no_revision(repo: str, mlcc: Caller, arguments: list[str], code: int, words: str) -> None:
    before = read_tree(HERE)
    assert words in mlcc("diff", "-f", "a/mlcc.yaml", *arguments, code=code).stderr
    assert read_tree(HERE) == before


def test_a_project_that_no_revision_has(repo: str, mlcc: Caller) -> None:
    assert "MLCC211: neither revision has the project" in mlcc("diff", "x/mlcc.yaml", "HEAD..HEAD", code=1).stderr


def test_outside_a_repository(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert "MLCC211" in mlcc("diff", "--against", "HEAD", code=1).stderr


def test_environments_of_many_projects(repo: str, mlcc: Caller) -> None:
    result = mlcc("diff", "--all", "--env", "default", "prod", code=1)
    assert "  a/mlcc.yaml: deployment.instance_count: 1 -> 2  [overlay]" in result.stdout
    assert "b/deep/mlcc.yaml:1:1: error MLCC032" in result.stderr
    assert result.stdout.splitlines()[-1] == "3 projects: 1 changed, 2 refused"
