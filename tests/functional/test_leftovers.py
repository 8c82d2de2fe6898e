"""What applies and runs leave behind: Git shows none of it."""

from __future__ import annotations

from pathlib import Path

from mlcc.lifecycle import trained_sample
from mlcc.lifecycle.rendered_project import load_project
from tests.helpers import SMALLEST, Caller, build_tree, commit, git, git_repo

HERE = Path()
COPY = "code/app.py.mlcc-saved"


def conflict(mlcc: Caller) -> None:
    """Leaves a saved copy of code/app.py."""
    (HERE / "code/app.py").write_text("edited = True\n")
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("http-fastapi", "http-flask")})
    mlcc("apply", "--force", "-q", code=0)
    assert (HERE / COPY).exists()


def test_saved_copies_are_ignored_from_the_first_apply_on(mlcc: Caller) -> None:
    git_repo(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    commit(HERE, "x")
    assert git(HERE, "status", "--porcelain") == ""
    conflict(mlcc)
    assert COPY not in git(HERE, "status", "--porcelain", "--untracked-files=all")
    mlcc("apply", "--check", code=0)
    mlcc("apply", "--locked", code=0)


def test_a_project_that_came_before_its_repository(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    assert not (HERE / ".gitignore").exists(), "there is no work tree"
    git(HERE, "init", "-q")
    commit(HERE, "x")
    conflict(mlcc)
    assert COPY not in git(HERE, "status", "--porcelain", "--untracked-files=all")


def test_a_gitignore_of_the_user_is_never_touched(mlcc: Caller) -> None:
    git_repo(HERE, {"mlcc.yaml": SMALLEST, ".gitignore": "*.tmp"})
    mlcc("apply", "-q", code=0)
    assert (HERE / ".gitignore").read_text() == "*.tmp"
    (HERE / ".gitignore").unlink()
    (HERE / ".gitignore").symlink_to("nowhere")
    conflict(mlcc)
    assert (HERE / ".gitignore").is_symlink()
    assert not (HERE / "nowhere").exists()


def test_a_line_in_the_repository_s_own_file_is_enough(mlcc: Caller) -> None:
    git_repo(HERE, {"a/mlcc.yaml": SMALLEST, ".gitignore": "*.mlcc-saved*\n"})
    mlcc("apply", "-q", "a/mlcc.yaml", code=0)
    assert not (HERE / "a/.gitignore").exists()


def test_another_apply_of_the_same_brings_no_file_back(mlcc: Caller) -> None:
    git_repo(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    (HERE / ".gitignore").unlink()
    mlcc("apply", "-q", code=0)
    mlcc("apply", "--check", code=0)
    mlcc("apply", "--locked", code=0)
    assert not (HERE / ".gitignore").exists()


def test_a_trained_sample_is_nothing_to_commit(mlcc: Caller) -> None:
    git_repo(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)
    commit(HERE, "x")
    build_tree(HERE, {"sample_model/model/model.joblib": "bytes"})
    trained_sample.remember(load_project("."), "sample_model/model/model.joblib")
    assert git(HERE, "status", "--porcelain", "--untracked-files=all") == ""
    build_tree(HERE, {"sample_model/model/other.joblib": "bytes"})
    assert "other.joblib" in git(HERE, "status", "--porcelain", "--untracked-files=all")
