"""validate --write-baseline and --baseline: old findings are counted, new ones fail, gone ones are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, Caller, assert_no_traceback, git_repo

WRONG = SMALLEST + "tll: 1d\n"


@pytest.fixture
def repo() -> Path:
    return git_repo(Path(), {"a/mlcc.yaml": WRONG, "b/mlcc.yaml": SMALLEST})


def test_known_findings_are_counted_and_new_ones_fail(mlcc: Caller, repo: Path):
    mlcc("validate", "--all", code=1)
    result = mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    assert "known.yaml: 1 finding is known from now on" in result.stderr
    result = mlcc("validate", "--all", "--baseline", "known.yaml", code=0)
    assert result.stdout == ""
    assert "known.yaml: 1 known, 0 gone" in result.stderr
    Path("a/mlcc.yaml").write_text("# moved\n\n" + WRONG + "nmae: 2\n")
    result = mlcc("validate", "--all", "--baseline", "known.yaml", "-o", "json", code=1)
    document = json.loads(result.stdout)
    assert [f["path"] for f in document["findings"]] == ["nmae"]
    assert document["known"] == 1


def test_gone_ones_are_named_and_fail_nothing(mlcc: Caller, repo: Path):
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    Path("a/mlcc.yaml").write_text(SMALLEST)
    result = mlcc("validate", "a", "--baseline", "known.yaml", code=0)
    assert "note MLCC412 tll: known finding MLCC020 of a/mlcc.yaml is gone" in result.stdout
    assert "MLCC412" not in mlcc("validate", "b", "--baseline", "known.yaml", code=0).stdout
    Path("a/mlcc.yaml").unlink()
    assert "MLCC412" in mlcc("validate", "--all", "--baseline", "known.yaml", code=0).stdout
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    assert mlcc("validate", "--all", "--baseline", "known.yaml", code=0).stdout == ""


def test_it_is_the_same_from_every_folder(mlcc: Caller, repo: Path, monkeypatch: pytest.MonkeyPatch):
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    first = Path("known.yaml").read_bytes()
    monkeypatch.chdir("a")
    mlcc("validate", "--baseline", "../known.yaml", code=0)
    mlcc("validate", "--all", "--write-baseline", "../known.yaml", code=0)
    assert Path("../known.yaml").read_bytes() == first


def test_a_part_of_the_projects_leaves_the_others_in_it(mlcc: Caller, repo: Path):
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    Path("b/mlcc.yaml").write_text(SMALLEST + "naem: b\n")
    mlcc("validate", "b", "--write-baseline", "known.yaml", code=0)
    mlcc("validate", "--all", "--baseline", "known.yaml", code=0)


def test_what_cannot_be_read_is_never_known(mlcc: Caller, repo: Path):
    Path("b/mlcc.yaml").write_text("a: [\n")
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=1)
    assert "MLCC005" in mlcc("validate", "--all", "--baseline", "known.yaml", code=1).stdout


@pytest.mark.parametrize(
    ("text", "code"), [(None, "MLCC001"), ("a: [", "MLCC005"), ("version: 1\nkind: other\nfindings: []\n", "MLCC024")]
)
def test_a_file_that_is_no_baseline(mlcc: Caller, repo: Path, text: str | None, code: str):
    if text is not None:
        Path("known.yaml").write_text(text)
    result = mlcc("validate", "--all", "--baseline", "known.yaml", code=1)
    assert_no_traceback(result)
    assert code in result.stdout + result.stderr


def test_one_of_the_two(mlcc: Caller, repo: Path):
    mlcc("validate", "--all", "--baseline", "x", "--write-baseline", "x", code=2)
    assert not Path("x").exists()


def test_a_link_is_not_written_through(mlcc: Caller, repo: Path, tmp_path: Path):
    (tmp_path / "victim").write_text("mine")
    Path("known.yaml").symlink_to(tmp_path / "victim")
    assert_no_traceback(mlcc("validate", "--all", "--write-baseline", "known.yaml", code=1))
    assert (tmp_path / "victim").read_text() == "mine"


def test_secrets_do_not_reach_the_file(mlcc: Caller, repo: Path):
    token = "hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH"
    Path("a/mlcc.yaml").write_text(f"{SMALLEST}env: {{A: b}}\ntags: {{{token}: [1]}}\n")
    mlcc("validate", "--all", "--write-baseline", "known.yaml", code=0)
    assert token not in Path("known.yaml").read_text()
    mlcc("validate", "--all", "--baseline", "known.yaml", code=0)
