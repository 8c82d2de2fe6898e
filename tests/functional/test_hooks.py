"""The hooks that this repository offers to others (tests/real/test_pre_commit.py runs them by the real pre-commit)."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from tests.helpers import ROOT, SMALLEST, Caller, build_tree, git_repo, state_of

HERE = Path()
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def run(mlcc: Caller, hook: str) -> int:
    """A hook as pre-commit starts it: in the root of the repository, without file names."""
    program, *words = shlex.split(HOOKS[hook]["entry"])
    assert program == "mlcc"
    return mlcc(*words).code


def test_the_manifest_is_one_of_pre_commit_s() -> None:
    from pre_commit.clientlib import load_manifest

    assert [hook["id"] for hook in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))] == list(HOOKS)


@pytest.mark.parametrize("hook", sorted(HOOKS.keys() - {"mlcc-fmt"}))
def test_a_hook_is_about_the_repository_and_not_about_single_files(hook: str) -> None:
    found = HOOKS[hook]
    assert (found["pass_filenames"], found["require_serial"], found["language"]) == (False, True, "python")
    assert found["description"].endswith(".")


def test_what_hooks_say_of_a_repository_of_projects(mlcc: Caller) -> None:
    git_repo(HERE)
    build_tree(HERE, {f"{name}/mlcc.yaml": SMALLEST.replace("iris", name) for name in ("a", "b")})
    before = state_of(HERE)
    assert run(mlcc, "mlcc-validate") == 0
    assert run(mlcc, "mlcc-apply-check") == 2
    assert state_of(HERE) == before
    assert [run(mlcc, "mlcc-apply") for _ in range(2)] == [2, 0], "fails once, then passes"
    assert (run(mlcc, "mlcc-apply-check"), (HERE / "b/do/config").exists()) == (0, True)
    build_tree(HERE, {"b/mlcc.yaml": SMALLEST + "nope: 1\n", "a/mlcc.yaml": SMALLEST + "ttl: 3h\n"})
    before = state_of(HERE)
    assert [run(mlcc, hook) for hook in ("mlcc-validate", "mlcc-apply-check", "mlcc-apply")] == [1, 1, 1]
    assert state_of(HERE) == before


def test_the_readme_shows_every_hook() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "docs/repository.md").read_text()
    assert [hook for hook in HOOKS if hook not in text] == []
