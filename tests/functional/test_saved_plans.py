"""Saved plans: what was reviewed is carried out, for all projects or for none."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import SMALLEST, Caller, build_tree, read_tree

HERE = Path()
FILES = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "a/mlcc.yaml": SMALLEST.replace("iris", "a"),
    "b/deep/mlcc.yaml": "extends: ../../base.yaml\n" + SMALLEST.replace("iris", "b"),
    "c/mlcc.yaml": SMALLEST.replace("iris", "c"),
    "base.yaml": "ttl: 1d\n",
}


@pytest.fixture
def saved(mlcc: Caller) -> dict[str, Any]:
    """A plan of three projects, of which one is unchanged."""
    build_tree(HERE, FILES)
    mlcc("apply", "c", "-q", code=0)
    mlcc("plan", "--all", "--out", "plan.json", code=0)
    found: dict[str, Any] = json.loads((HERE / "plan.json").read_text())
    return found


def test_it_says_whether_there_is_work_and_what_it_read(saved: dict[str, Any]) -> None:
    assert validator.validate_document(node_of(saved, Mark("plan.json")), "output-plan") == []
    assert saved["totals"] == {"projects": 3, "unchanged": 1, "changed": 2, "refused": 0}
    inputs = {one["file"]: one["inputs"] for one in saved["projects"]}
    assert {"b/deep/mlcc.yaml", "base.yaml"} <= {*inputs["b/deep/mlcc.yaml"]}
    assert "base.yaml" not in inputs["a/mlcc.yaml"]


@pytest.mark.parametrize("where", [".", "b"])
def test_it_is_carried_out_from_anywhere(saved: dict[str, Any], mlcc: Caller, where: str) -> None:
    plan = os.path.relpath("plan.json", where)
    os.chdir(where)
    result = mlcc("apply", "--plan", plan, code=0)
    assert result.stdout.splitlines()[-1] == "3 projects: 1 unchanged, 2 changed"
    assert "MLCC221" in mlcc("apply", "--plan", plan, code=1).stderr
    mlcc("apply", "--all", "--check", code=0)


def edit(path: str, change: Callable[[str], str]) -> Callable[[], None]:
    def run() -> None:
        (HERE / path).write_text(change((HERE / path).read_text()))

    return run


STALE = [
    ("mlcc.yaml", edit("a/mlcc.yaml", lambda text: text + "ttl: 9d\n"), "a/mlcc.yaml has changed", "a/mlcc.yaml"),
    ("a comment", edit("a/mlcc.yaml", lambda text: text + "# x\n"), "a/mlcc.yaml has changed", "a/mlcc.yaml"),
    ("the base", edit("base.yaml", lambda text: "ttl: 2d\n"), "b/deep/mlcc.yaml has changed", "base.yaml"),
    ("an unchanged project", edit("c/mlcc.yaml", lambda text: text + "ttl: 9d\n"), "c/mlcc.yaml has changed", "c/mlcc.yaml"),
    ("the lock", edit("c/mlcc.lock", lambda text: text + "# x\n"), "c/mlcc.yaml has changed", "c/mlcc.lock"),
    ("a rendered file", edit("c/do/config", lambda text: text + "# x\n"), "c/mlcc.yaml has changed", "files that mlcc"),
    ("a new file", lambda: build_tree(HERE, {"a/Dockerfile": "x"}), "a/mlcc.yaml has changed", "a/Dockerfile"),
    ("a manifest", lambda: build_tree(HERE, {"a/package.json": "{}"}), "a/mlcc.yaml has changed", "a/package.json"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "project", "why"), STALE, ids=[what for what, *_ in STALE])
def test_it_is_refused_as_a_whole_when_an_input_differs(
    saved: dict[str, Any], mlcc: Caller, what: str, change: Callable[[], None], project: str, why: str
) -> None:
    change()
    before = read_tree(HERE)
    result = mlcc("apply", "--plan", "plan.json", code=1)
    assert f"plan.json: error MLCC221: {project} since it was planned: " in result.stderr
    assert why in result.stderr
    assert result.stderr.count("MLCC221") == 1, "the others are as they were planned"
    assert read_tree(HERE) == before


def test_options_are_inputs_too(saved: dict[str, Any], mlcc: Caller) -> None:
    assert mlcc("apply", "--plan", "plan.json", "--set", "ttl=3d", code=1).stderr.count("MLCC221") == 3
    mlcc("plan", "--all", "--out", "plan.json", "--set", "ttl=3d", code=0)
    mlcc("apply", "--plan", "plan.json", code=1)
    mlcc("apply", "--plan", "plan.json", "--set", "ttl=3d", code=0)


def test_another_mlcc_is_another_input(saved: dict[str, Any], mlcc: Caller) -> None:
    (HERE / "plan.json").write_text(json.dumps({**saved, "mlcc": "0.0.1"}))
    assert "mlcc itself (0.0.1, now " in mlcc("apply", "--plan", "plan.json", code=1).stderr


def test_one_project(mlcc: Caller) -> None:
    build_tree(HERE, FILES)
    os.chdir("a")
    mlcc("plan", "--out", "plan.json", code=0)
    assert "done: 23 created" in mlcc("apply", "--plan", "plan.json", code=0).stdout
    (HERE / "plan.json").unlink()
    mlcc("plan", "-C", "out", "--out", "plan.json", code=0)
    assert "done: 23 created" in mlcc("apply", "-C", "out", "--plan", "plan.json", code=0).stdout


EVIL = ["/etc/mlcc.yaml", "../x/mlcc.yaml", "a/../../mlcc.yaml", "./mlcc.yaml", "a//mlcc.yaml", "a/other.yaml", ""]


@pytest.mark.parametrize("name", EVIL)
def test_a_plan_of_somebody_else_names_no_file_outside(saved: dict[str, Any], mlcc: Caller, name: str) -> None:
    forged = {**saved, "projects": [{**one, "file": name} for one in saved["projects"]]}
    (HERE / "plan.json").write_text(json.dumps(forged))
    assert "MLCC221: not a plan" in mlcc("apply", "--plan", "plan.json", code=1).stderr


def test_a_forged_plan_writes_nothing_else_than_mlcc_renders(saved: dict[str, Any], mlcc: Caller) -> None:
    (saved["projects"][0]["changes"][0])["digest"] = "sha256:" + "0" * 64
    (HERE / "plan.json").write_text(json.dumps(saved))
    before = read_tree(HERE)
    mlcc("apply", "--plan", "plan.json", code=1)
    assert read_tree(HERE) == before


def test_a_link_in_the_place_of_the_plan_is_not_followed(mlcc: Caller) -> None:
    build_tree(HERE, {**FILES, "victim": "mine"})
    (HERE / "plan.json").symlink_to("victim")
    assert "MLCC001" in mlcc("plan", "--all", "--out", "plan.json", code=1).stderr
    assert (HERE / "victim").read_text() == "mine"


def test_saving_is_said_and_json_stands_alone(mlcc: Caller) -> None:
    build_tree(HERE, FILES)
    result = mlcc("plan", "--all", "--out", "plan.json", "-o", "json", code=0)
    assert json.loads(result.stdout)["totals"]["projects"] == 3
    assert "the plan is saved as plan.json" in result.stderr
    again = mlcc("plan", "--all", "--out", "plan.json", "-q", code=0)
    assert again.stderr == ""


def test_a_plan_that_cannot_be_carried_out_is_saved_and_refused(mlcc: Caller) -> None:
    build_tree(HERE, {**FILES, "a/Dockerfile": "mine\n"})
    mlcc("plan", "--all", "--out", "plan.json", code=1)
    assert json.loads((HERE / "plan.json").read_text())["totals"]["refused"] == 1
    before = read_tree(HERE / "a")
    result = mlcc("apply", "--plan", "plan.json", code=1)
    assert "a/Dockerfile: error MLCC201" in result.stderr
    assert read_tree(HERE / "a") == before
