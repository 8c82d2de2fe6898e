"""The workspace of a repository: who is a member, what it names, and what a project is made of beside its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.load import input_paths, workspace
from mlcc.load.inputs import gather
from mlcc.load.request import Request
from tests.helpers import SMALLEST, build_tree

GIT = {".git/HEAD": "ref: refs/heads/main\n"}


@pytest.mark.parametrize(
    ("pattern", "folder", "named"),
    [
        ("services/*", "services/a", True), ("services/*", "services", False), ("services/*", "services/a/b", False),
        ("services/*", "other/a", False), ("./services/*/", "services/a", True), (".", ".", True), (".", "a", False),
        ("*", "a", True), ("*", ".", False), ("**", ".", True), ("**", "a/b/c", True), ("a/**", "a", True),
        ("a/**", "a/b/c", True), ("a/**", "b/a", False), ("**/x", "x", True), ("**/x", "a/b/x", True),
        ("**/x", "a/x/b", False), ("a/**/b/**/c", "a/1/b/2/3/c", True), ("a/**/b/**/c", "a/1/2/3/c", False),
        ("svc-*-v?", "svc-a-v?", True), ("svc-*-v?", "svc-a-v1", False), ("services/*", "../services/a", False),
        ("**/" * 40 + "x", "a/" * 60 + "y", False),
    ],
)  # fmt: skip
def test_patterns_of_members(pattern, folder, named):
    assert workspace.names(pattern, folder) is named


def read(root: Path, text: str) -> workspace.Workspace:
    build_tree(root, {**GIT, workspace.NAME: text, "a/mlcc.yaml": SMALLEST, "a/b/mlcc.yaml": SMALLEST})
    found = workspace.workspace_of(str(root / "a"))
    assert found is not None
    return found


def test_without_members_every_project_is_one(tmp_path: Path):
    found = read(tmp_path, "version: 1\n")
    assert found.ok
    assert found.is_member(str(tmp_path / "a/b"))


def test_members_and_places(tmp_path: Path):
    found = read(tmp_path, "version: 1\nmembers: [a]\nbase: base.yaml\npolicies: [p]\n")
    assert [found.is_member(str(tmp_path / folder)) for folder in ("a", "a/b", ".")] == [True, False, False]
    assert (found.base, [text for text, _ in found.texts("policies")], found.texts("registries")) == (
        "base.yaml", ["p"], (),
    )  # fmt: skip
    warning = workspace.stranger(found, found.node.mark)
    assert warning.code == "MLCC410"
    assert ":2" in warning.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [", "MLCC005"), ("version: 2\n", "MLCC024"), ("version: 1\nextends: x\n", "MLCC020"), ("- a\n", "MLCC022"),
        ("version: 1\nbase: ../x\n", "MLCC409"), ("version: 1\nbase: /etc/passwd\n", "MLCC409"),
        ("version: 1\npolicies: [a/../../x]\n", "MLCC409"), ("version: 1\nmembers: [../*]\n", "MLCC409"),
        ("version: 1\nregistries: ['']\n", "MLCC026"), ("version: 1\nbase: &a x\nmembers: [*a]\n" + "#" * 300_000, "MLCC002"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file(tmp_path: Path, text: str, code: str):
    found = read(tmp_path, text)
    assert not found.ok
    assert code in [f.code for f in found.findings] or "MLCC001" in [f.code for f in found.findings]
    assert all(f.file.endswith(workspace.NAME) for f in found.findings)


def test_it_lies_at_the_root_of_the_repository_and_nowhere_else(tmp_path: Path):
    build_tree(tmp_path, {workspace.NAME: "version: 1\n", "repo/.git/HEAD": "x", "repo/a/mlcc.yaml": SMALLEST})
    assert workspace.workspace_of(str(tmp_path / "repo/a")) is None
    build_tree(tmp_path, {f"repo/a/{workspace.NAME}": "version: 1\n"})
    assert workspace.workspace_of(str(tmp_path / "repo/a")) is None


def test_a_checkout_without_its_repository_has_the_same_one(tmp_path: Path):
    """A container that is built of the files has no .git, and renders the same all the same."""
    build_tree(tmp_path, {workspace.NAME: "version: 1\n", "a/mlcc.yaml": SMALLEST})
    found = workspace.workspace_of(str(tmp_path / "a"))
    assert found is not None
    assert found.root == str(tmp_path)


def test_it_is_no_link(tmp_path: Path):
    build_tree(tmp_path, {**GIT, "real.yaml": "version: 1\n", "a/mlcc.yaml": SMALLEST})
    (tmp_path / workspace.NAME).symlink_to("real.yaml")
    found = workspace.workspace_of(str(tmp_path / "a"))
    assert found is not None
    assert [f.code for f in found.findings] == ["MLCC001"]


# ---------------------------------------------------------------- what a project is made of
@pytest.mark.parametrize(
    ("shared", "project", "expected"),
    [
        ("", "", []),
        ("", "extends: ../base.yaml\n", ["base.yaml"]),
        ("version: 1\nbase: b/base.yaml\npolicies: [p]\nregistries: [./r]\n", "",
         [workspace.NAME, "b/base.yaml", "p", "r"]),
        ("version: 1\nbase: b/base.yaml\n", "extends: ../base.yaml\n", ["base.yaml", workspace.NAME]),
        ("version: 1\nmembers: [x]\nbase: b/base.yaml\n", "", [workspace.NAME]),
    ],
)  # fmt: skip
def test_inputs_beyond_the_project_s_folder(tmp_path: Path, shared: str, project: str, expected: list[str]):
    files = {**GIT, "a/mlcc.yaml": SMALLEST + project, "base.yaml": "ttl: 1d\n"}
    build_tree(tmp_path, {**files, **({workspace.NAME: shared} if shared else {})})
    inputs = gather(str(tmp_path / "a/mlcc.yaml"), Request())
    assert list(input_paths.outside(inputs, str(tmp_path))) == expected


@pytest.mark.parametrize(
    ("changed", "concerned"),
    [
        ({"a/code/x.py"}, True), ({"ab/x"}, False), ({"base.yaml"}, True), ({"p/org.yaml"}, True), ({"p"}, True),
        ({"pp/org.yaml"}, False), ({workspace.NAME}, True), (set(), False), ({"README"}, False),
    ],
)  # fmt: skip
def test_which_changes_concern_a_project(changed, concerned):
    assert input_paths.concerned("a", ("base.yaml", "p"), changed) is concerned


def test_a_project_at_the_root_is_concerned_by_everything(tmp_path: Path):
    assert input_paths.folder_of(str(tmp_path / "mlcc.yaml"), str(tmp_path)) == "."
    assert input_paths.concerned(".", (), {"anything"})
