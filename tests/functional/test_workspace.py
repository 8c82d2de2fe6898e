"""mlcc.workspace.yaml: one base, one set of policies and registries for every project of a repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, Caller, assert_no_traceback, build_tree, commit, git, git_repo

WORKSPACE = "version: 1\nmembers: [services/*]\nbase: shared/base.yaml\npolicies: [shared/policies]\nregistries: [shared/rows]\n"
RULES = "version: 1\nkind: policies\nrows:\n  regions: {path: deployment.region, allowed: [us-*]}\n"
ROWS = """\
version: 1
kind: prices
title: ours
source: ours
date: "2026-01-01"
currency: USD
region: us-east-1
rows: {ml.m5.xlarge: 99}
"""


def named(name: str, more: str = "") -> str:
    return SMALLEST.replace("iris", name) + more


@pytest.fixture
def repo() -> Path:
    files = {
        "mlcc.workspace.yaml": WORKSPACE,
        "shared/base.yaml": "deployment: {region: us-east-1}\ntags: {team: vision}\n",
        "shared/policies/org.yaml": RULES,
        "shared/rows/.keep": "",
        "services/a/mlcc.yaml": named("a"),
        "services/b/mlcc.yaml": named("b", "extends: own.yaml\n"),
        "services/b/own.yaml": "deployment: {region: us-west-2}\n",
        "other/mlcc.yaml": named("other"),
    }
    return git_repo(Path(), files)


def codes(mlcc: Caller, *arguments: str, code: int) -> list[tuple[str, str]]:
    result = mlcc("validate", "--json", *arguments, code=code)
    assert_no_traceback(result)
    return [(f["code"], f["file"]) for f in json.loads(result.stdout)["findings"]]


def value(mlcc: Caller, path: str, key: str) -> tuple[object, str, str]:
    found = json.loads(mlcc("explain", "-f", path, key, "--json", code=0).stdout)["values"][0]
    return found["value"], found["source"], found["origin"]


def test_its_base_holds_where_a_project_has_none(mlcc: Caller, repo: Path):
    assert value(mlcc, "services/a/mlcc.yaml", "deployment.region") == ("us-east-1", "workspace", "shared/base.yaml:1")
    assert value(mlcc, "services/b/mlcc.yaml", "deployment.region")[:2] == ("us-west-2", "base")
    shown = mlcc("explain", "-f", "services/a/mlcc.yaml", "deployment.region", code=0).stdout
    assert "mlcc.workspace.yaml: the file named by base" in shown


def test_its_policies_hold_for_every_member(mlcc: Caller, repo: Path):
    assert codes(mlcc, "--all", code=0) == []
    Path("services/a/mlcc.yaml").write_text(named("a").replace("fastapi", "fastapi, region: eu-north-1"))
    Path("other/mlcc.yaml").write_text(named("other").replace("fastapi", "fastapi, region: eu-north-1"))
    assert codes(mlcc, "--all", code=1) == [("MLCC190", "services/a/mlcc.yaml")]
    assert codes(mlcc, "-f", "other/mlcc.yaml", code=0) == [("MLCC410", "other/mlcc.yaml")]


def test_its_registries_hold_and_the_project_s_own_stand_over_them(mlcc: Caller, repo: Path):
    build_tree(Path(), {"shared/rows/prices.yaml": ROWS})
    assert json.loads(mlcc("plan", "services/a", "--json", code=0).stdout)["costs"][0]["hour"] == 99
    Path("services/a/rows").mkdir()
    Path("services/a/mlcc.yaml").write_text(named("a", "registries: [./rows]\n"))
    mlcc("apply", "services/a", code=0)
    lock = Path("services/a/mlcc.lock").read_text()
    assert lock.index("builtin:") < lock.index("workspace:shared/rows") < lock.index('"./rows"')


def test_apply_locked_sees_what_it_shares(mlcc: Caller, repo: Path):
    mlcc("apply", "--all", code=0)
    assert not Path("other/mlcc.lock").exists()
    assert "workspace:shared/policies" in Path("services/a/mlcc.lock").read_text()
    mlcc("apply", "--all", "--locked", code=0)
    Path("shared/policies/org.yaml").write_text(RULES.replace("us-*", "us-*, eu-*"))
    mlcc("apply", "--all", "--locked", code=1)
    mlcc("apply", "--all", code=0)
    Path("shared/base.yaml").write_text("deployment: {region: us-east-2}\n")
    mlcc("apply", "services/a", "--locked", code=1)
    mlcc("apply", "services/b", "--locked", code=0)


def test_a_step_of_a_rendered_project_reads_them_too(mlcc: Caller, repo: Path, monkeypatch: pytest.MonkeyPatch):
    mlcc("apply", "services/a", code=0)
    monkeypatch.chdir("services/a")
    mlcc("do", "deploy", "--target", "local", "--dry-run", code=0)
    Path("../../shared/rows/.keep").unlink()
    Path("../../shared/rows").rmdir()
    assert "MLCC409" in mlcc("do", "deploy", "--target", "local", "--dry-run", code=1).stderr


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mlcc.workspace.yaml": "a: ["}, "MLCC005"),
        ({"mlcc.workspace.yaml": WORKSPACE + "policy: x\n"}, "MLCC020"),
        ({"mlcc.workspace.yaml": WORKSPACE.replace("shared/base", "../base")}, "MLCC409"),
        ({"mlcc.workspace.yaml": WORKSPACE.replace("shared/base", "shared/gone")}, "MLCC409"),
        ({"mlcc.workspace.yaml": WORKSPACE.replace("shared/policies", "shared/gone")}, "MLCC409"),
        ({"mlcc.workspace.yaml": WORKSPACE.replace("shared/base.yaml", "shared")}, "MLCC001"),
        ({"shared/base.yaml": "extends: other.yaml\n"}, "MLCC030"),
        ({"shared/base.yaml": "policies: [x]\n"}, "MLCC030"),
        ({"shared/base.yaml": "environments: {}\n"}, "MLCC030"),
        ({"shared/base.yaml": "deploymnt: {}\n"}, "MLCC020"),
        ({"shared/policies/org.yaml": "version: 1\nkind: policies\n"}, "MLCC0"),
    ],
)
def test_what_is_wrong_with_it_stops_every_member(mlcc: Caller, repo: Path, change: dict[str, str], code: str):
    build_tree(Path(), change)
    found = codes(mlcc, "services/a", code=1)
    assert any(one.startswith(code) for one, _ in found), found
    mlcc("apply", "--all", code=1)
    assert not Path("services/a/mlcc.lock").exists()


@pytest.mark.parametrize("name", ["mlcc.workspace.yaml", "shared/base.yaml", "shared/policies", "shared"])
def test_no_link_is_followed(mlcc: Caller, repo: Path, tmp_path: Path, name: str):
    Path(name).rename(tmp_path / "elsewhere")
    Path(name).symlink_to(tmp_path / "elsewhere")
    assert codes(mlcc, "services/a", code=1)[0][0] in ("MLCC001", "MLCC409")


def test_a_project_s_waiver_does_not_reach_its_rules(mlcc: Caller, repo: Path):
    waiver = '{policy: regions, owner: me, reason: because, expires: "2099-01-31"}'
    text = named("a", "policies: [./policies]\n").replace("fastapi", "fastapi, region: eu-north-1")
    rules = f"version: 1\nkind: policies\nwaivers: [{waiver}]\n"
    build_tree(Path(), {"services/a/mlcc.yaml": text, "services/a/policies/mine.yaml": rules})
    assert [code for code, _ in codes(mlcc, "services/a", code=1)] == ["MLCC190", "MLCC408"]
    Path("shared/policies/org.yaml").write_text(RULES + f"waivers: [{waiver}]\n")
    Path("services/a/policies/mine.yaml").unlink()
    assert [code for code, _ in codes(mlcc, "services/a", code=0)] == ["MLCC400"]


# ---------------------------------------------------------------- which projects
def test_all_is_every_member_and_the_others_are_named(mlcc: Caller, repo: Path):
    result = mlcc("validate", "--all", code=0)
    assert "note: no members of mlcc.workspace.yaml: other/mlcc.yaml" in result.stderr
    assert "2 files: nothing wrong" in result.stderr


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("shared/base.yaml", "ttl: 1d\n", ["services/a"]),
        ("shared/policies/more.yaml", RULES.replace("regions", "more"), ["services/a", "services/b"]),
        ("shared/rows/README", "x", ["services/a", "services/b"]),
        ("mlcc.workspace.yaml", WORKSPACE + "# x\n", ["services/a", "services/b"]),
        ("services/b/own.yaml", "ttl: 1d\n", ["services/b"]),
        ("services/a/pyproject.toml", "[tool.mlcc]\nttl = '1d'\n", ["services/a"]),
        ("services/a/tests/more.py", "x", ["services/a"]),
        ("shared/README", "x", []),
        ("other/mlcc.yaml", named("else"), []),
    ],
)
@pytest.mark.parametrize("committed", [True, False])
def test_every_input_counts_as_a_change(mlcc: Caller, repo: Path, path, text, expected, committed):
    first = git(Path(), "rev-parse", "HEAD")
    build_tree(Path(), {path: text})
    if committed:
        commit(Path(), "second")
    plain = mlcc("plan", "--changed-since", first, "--json", code=0)
    dirty = mlcc("plan", "--changed-since", first, "--dirty", "--json", code=0)

    def projects(stdout: str) -> list[str]:
        document = json.loads(stdout)
        many = [project["file"] for project in document.get("projects", [])]
        return many or sorted({str(len(document["changes"]))} - {"0"})

    want = [f"{folder}/mlcc.yaml" for folder in expected]
    assert len(projects(dirty.stdout)) == len(want)
    assert len(projects(plain.stdout)) == (len(want) if committed else 0)
    if len(want) > 1:
        assert projects(dirty.stdout) == want


def test_uncommitted_is_changed_deleted_staged_or_new_but_not_ignored(mlcc: Caller, repo: Path):
    def checked() -> str:
        return mlcc("validate", "--changed-since", "HEAD", "--dirty", code=0).stderr

    assert "no project changed since HEAD" in checked()
    build_tree(Path(), {"services/a/new.py": "x"})
    assert "services/a/mlcc.yaml: nothing wrong" in checked()
    build_tree(Path(), {"services/a/.gitignore": "*.py\n"})
    commit(Path(), "ignored")
    assert "no project changed since HEAD" in checked()
    Path("services/b/own.yaml").unlink()
    Path("services/b/mlcc.yaml").write_text(named("b"))
    git(Path(), "add", "-A")
    assert "services/b/mlcc.yaml: nothing wrong" in checked()


def test_dirty_runs_no_filter_of_the_repository_s(mlcc: Caller, repo: Path):
    evil = f"#!/bin/sh\ntouch {Path.cwd()}/owned\ncat\n"
    build_tree(Path(), {"evil.sh": evil, ".gitattributes": "* filter=evil\n"})
    Path("evil.sh").chmod(0o755)
    commit(Path(), "second")
    for key in ("filter.evil.clean", "filter.evil.smudge", "core.fsmonitor", "core.pager"):
        git(Path(), "config", key, str(Path.cwd() / "evil.sh"))
    Path("services/a/x").write_text("y")
    mlcc("validate", "--changed-since", "HEAD", "--dirty", code=0)
    assert not Path("owned").exists()


def test_names_of_folders_are_no_patterns_for_git(mlcc: Caller, repo: Path):
    build_tree(Path(), {"services/:(top)x/mlcc.yaml": named("x"), "services/[a-z]/mlcc.yaml": named("y")})
    commit(Path(), "odd names")
    Path("services/a/x").write_text("y")
    result = mlcc("validate", "--changed-since", "HEAD", "--dirty", code=0)
    assert "services/a/mlcc.yaml: nothing wrong" in result.stderr


def test_dirty_needs_a_commit_to_add_to(mlcc: Caller, repo: Path):
    mlcc("validate", "--dirty", code=2)
    mlcc("validate", "--all", "--dirty", code=2)


@pytest.mark.parametrize("command", ["validate", "plan", "diff", "apply", "fmt"])
def test_no_project_at_all_fails_unless_it_may(mlcc: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command):
    git_repo(tmp_path / "empty", {"README": "x"})
    monkeypatch.chdir(tmp_path / "empty")
    for selected in (["--all"], ["--changed-since", "HEAD"]):
        result = mlcc(command, *selected, code=1)
        assert "MLCC411" in result.stdout + result.stderr
        mlcc(command, *selected, "--allow-none", code=0)


def test_members_that_name_nothing_fail(mlcc: Caller, repo: Path):
    Path("mlcc.workspace.yaml").write_text(WORKSPACE.replace("services", "servcies"))
    result = mlcc("validate", "--all", code=1)
    assert "MLCC411" in result.stdout + result.stderr
