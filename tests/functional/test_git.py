"""Git on a checkout that comes from a stranger: nothing that its configuration names is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlcc.io import git as gits
from tests.helpers import GIT, SMALLEST, Caller, File, build_tree, commit, git, git_repo

HERE = Path()


@pytest.fixture
def program() -> str:
    """A program of the checkout; whoever runs it leaves a file behind."""
    build_tree(HERE, {"evil": File(f"#!/bin/sh\ntouch {Path.cwd()}/ran\nexit 1\n", 0o755)})
    return str(Path.cwd() / "evil")


@pytest.fixture
def first(program: str) -> str:
    """A repository with two commits; the first one's name."""
    git_repo("repo", {"mlcc.yaml": SMALLEST, ".gitattributes": "* diff=evil filter=evil merge=evil\n"})
    name = git("repo", "rev-parse", "HEAD")
    build_tree("repo", {"mlcc.yaml": SMALLEST + "ttl: 2d\n"})
    commit("repo", "second")
    return name


def ran() -> bool:
    return Path("ran").exists()


KEYS = [
    "core.alternateRefsCommand", "core.askPass", "core.editor", "core.fsmonitor", "core.gitProxy", "core.pager", "core.sshCommand",
    "credential.helper", "diff.evil.command", "diff.evil.textconv", "diff.external", "filter.evil.clean", "filter.evil.process",
    "filter.evil.smudge", "gpg.program", "merge.evil.driver", "pager.diff-tree", "pager.ls-tree", "remote.origin.uploadpack",
    "uploadpack.packObjectsHook", "alias.diff-tree", "trailer.x.command", "sequence.editor", "interactive.diffFilter",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_program_of_the_configuration_is_not_run(mlcc: Caller, program: str, first: str, key: str) -> None:
    git("repo", "config", key, f"!{program}" if key.startswith("alias.") else program)
    os.chdir("repo")
    assert "1 project: nothing wrong" in mlcc("validate", "--changed-since", first, code=0).stderr
    os.chdir("..")
    assert not ran()


@pytest.mark.parametrize(
    "hook", ["post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout", "pre-auto-gc"]
)
def test_a_hook_is_not_run(mlcc: Caller, program: str, first: str, hook: str) -> None:
    Path("repo/.git/hooks").mkdir(exist_ok=True)
    Path(f"repo/.git/hooks/{hook}").symlink_to(program)
    build_tree("repo/hooks", {hook: File(Path(program).read_text(), 0o755)})
    git("repo", "config", "core.hooksPath", "hooks")
    os.chdir("repo")
    mlcc("validate", "--changed-since", first, code=0)
    os.chdir("..")
    assert not ran()


@pytest.mark.parametrize(
    "url", ["{here}/repo/.git", "file://{here}/repo/.git", "ext::{program}", "ssh://x@localhost/x", "evil::x"]
)
def test_an_object_that_is_absent_is_not_fetched(mlcc: Caller, program: str, first: str, url: str) -> None:
    """A promisor remote: Git would fetch it through whatever the remote names."""
    tree = git("repo", "rev-parse", f"{first}^{{tree}}")
    Path(f"repo/.git/objects/{tree[:2]}/{tree[2:]}").unlink()
    for key, value in {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.partialclonefilter": "blob:none", "remote.origin.uploadpack": f"{program};git-upload-pack",
        "remote.origin.url": url.format(here=Path.cwd(), program=program), "protocol.allow": "always", "protocol.ext.allow": "always",
        "core.sshCommand": program,
    }.items():  # fmt: skip
        git("repo", "config", key, value)
    os.chdir("repo")
    assert "MLCC211" in mlcc("validate", "--changed-since", first, code=1).stderr
    os.chdir("..")
    assert not ran()


def test_a_replaced_commit_does_not_hide_a_change(mlcc: Caller, first: str) -> None:
    git("repo", "replace", first, "HEAD")
    os.chdir("repo")
    assert "1 project: nothing wrong" in mlcc("validate", "--changed-since", first, code=0).stderr


def test_the_caller_s_own_variables_of_git_do_not_reach_it() -> None:
    given = {
        "PATH": "/bin", "GIT_DIR": "/x", "GIT_EXTERNAL_DIFF": "x", "GIT_SSH_COMMAND": "x", "GIT_TRACE": "1", "SSH_ASKPASS": "x",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "GIT_INDEX_FILE": "x",
    }  # fmt: skip
    kept = {n: v for n, v in gits.surroundings(given).items() if n not in gits.OFF}
    assert kept == {n: given[n] for n in ("PATH", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0")}


# ---------------------------------------------------------------- a merge that Git left unfinished
@pytest.mark.parametrize("key", ["core.fsmonitor", "diff.evil.textconv", "filter.evil.smudge", "merge.evil.driver"])
def test_no_program_is_run_for_a_project_in_conflict(mlcc: Caller, program: str, key: str) -> None:
    build_tree("repo", {"mlcc.yaml": SMALLEST, ".gitattributes": "* diff=evil filter=evil merge=evil\n"})
    git("repo", "init", "-q", "-b", "main")
    os.chdir("repo")
    mlcc("apply", "-q", code=0)
    commit(".", "first")
    git(".", "checkout", "-q", "-b", "theirs")
    for branch, ttl in (("theirs", "2d"), ("main", "3d")):
        git(".", "checkout", "-q", branch)
        build_tree(".", {"mlcc.yaml": SMALLEST + f"ttl: {ttl}\n"})
        mlcc("apply", "-q", code=0)
        commit(".", branch)
    subprocess.run([*GIT, "merge", "-q", "theirs"], capture_output=True)
    build_tree(".", {"mlcc.yaml": SMALLEST + "ttl: 4d\n"})
    git(".", "config", key, f"!{program}" if key.startswith("alias.") else program)
    mlcc("apply", "-q", code=0)
    os.chdir("..")
    assert not ran()


def test_what_is_unmerged_is_read_from_the_index() -> None:
    git_repo("repo", {"a": "one\n", "sub/b": "one\n"})
    git("repo", "checkout", "-q", "-b", "theirs")
    build_tree("repo", {"a": "two\n", "sub/b": "two\n"})
    commit("repo", "theirs")
    git("repo", "checkout", "-q", "-")
    build_tree("repo", {"a": "three\n", "sub/b": "three\n"})
    commit("repo", "ours")
    subprocess.run([*GIT, "merge", "-q", "theirs"], cwd="repo", capture_output=True)
    assert gits.unmerged("repo/sub", dict(os.environ)) == {"b": {1: b"one\n", 2: b"three\n", 3: b"two\n"}}
    assert set(gits.unmerged("repo", dict(os.environ))) == {"a", "sub/b"}
    assert gits.unmerged(".", dict(os.environ)) == {}
    assert gits.unmerged("repo", {"PATH": "/nowhere"}) == {}


def test_what_was_added_is_read_from_the_commits_of_the_merge() -> None:
    environ = dict(os.environ)
    git_repo("repo", {"a": "one\n", "sub/b": "one\n", "sub/same\rname": "x\n"})
    assert gits.merge_commits("repo", environ, ["a"]) == {}, "nothing is merged"
    git("repo", "checkout", "-q", "-b", "theirs")
    build_tree("repo", {"a": "two\n", "sub/b": "two\n", "sub/new": "two\n"})
    commit("repo", "theirs")
    git("repo", "checkout", "-q", "-")
    build_tree("repo", {"a": "three\n", "sub/b": "three\n"})
    commit("repo", "ours")
    subprocess.run([*GIT, "merge", "-q", "theirs"], cwd="repo", capture_output=True)
    git("repo", "add", "-A")
    assert gits.unmerged("repo", environ) == {}
    asked = ["b", "new", "absent", "same\rname", "with\nan end", "../a"]
    assert gits.merge_commits("repo/sub", environ, asked) == {
        "b": {1: b"one\n", 2: b"three\n", 3: b"two\n"},
        "new": {3: b"two\n"},
        "same\rname": {1: b"x\n", 2: b"x\n", 3: b"x\n"},
        "../a": {1: b"one\n", 2: b"three\n", 3: b"two\n"},
    }
    assert gits.merge_commits("repo", environ, []) == {}
    assert gits.merge_commits(".", environ, ["a"]) == {}
    assert gits.merge_commits("repo", {"PATH": "/nowhere"}, ["a"]) == {}


def test_commits_without_a_common_one_have_no_ancestor() -> None:
    git_repo("repo", {"a": "one\n"})
    git("repo", "checkout", "-q", "--orphan", "theirs")
    build_tree("repo", {"a": "two\n"})
    commit("repo", "theirs")
    git("repo", "checkout", "-q", "main")
    subprocess.run([*GIT, "merge", "-q", "--allow-unrelated-histories", "theirs"], cwd="repo", capture_output=True)
    git("repo", "add", "-A")
    assert gits.merge_commits("repo", dict(os.environ), ["a"]) == {"a": {2: b"one\n", 3: b"two\n"}}


def test_what_is_unmerged_is_read_within_caps() -> None:
    """Of a large object only its size is asked."""
    git_repo("repo", {"small": "one\n", "large": "one\n"})
    git("repo", "checkout", "-q", "-b", "theirs")
    build_tree("repo", {"small": "two\n", "large": "two\n" * (3 << 20)})
    commit("repo", "theirs")
    git("repo", "checkout", "-q", "-")
    build_tree("repo", {"small": "three\n", "large": "three\n"})
    commit("repo", "ours")
    subprocess.run([*GIT, "merge", "-q", "theirs"], cwd="repo", capture_output=True)
    found = gits.unmerged("repo", dict(os.environ))
    assert found["small"] == {1: b"one\n", 2: b"three\n", 3: b"two\n"}
    assert found["large"] == {1: b"one\n", 2: b"three\n"}
