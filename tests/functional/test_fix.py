"""mlcc validate --fix: what can be mended in one way is written, said, and done once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.core.nodes import Mark, node_of
from mlcc.io.schema import validator
from tests.helpers import SMALLEST, Caller, assert_no_traceback, build_tree, git_repo

WRONG = """\
# ours
version: 1
project: {nmae: iris}   # the name
deploymnet:
  config: http-fastpi
  # where it runs
  target: managed-inference
  instanceCount: "2"
"""
RIGHT = """\
# ours
version: 1
project: {name: iris}   # the name
deployment:
  config: http-fastapi
  # where it runs
  target: realtime-inference
  instance_count: 2
"""


def test_everything_that_is_exact_is_mended_and_said(mlcc: Caller):
    path = build_tree(Path(), {"mlcc.yaml": WRONG}) / "mlcc.yaml"
    result = mlcc("validate", "--fix", code=0)
    assert path.read_text() == RIGHT
    assert result.stderr.splitlines() == [
        "mlcc.yaml:3:11: fixed MLCC020: renamed project.nmae to name",
        "mlcc.yaml:4:1: fixed MLCC020: renamed deploymnet to deployment",
        "mlcc.yaml:5:11: fixed MLCC102: deployment.config set to http-fastapi",
        "mlcc.yaml:7:11: fixed MLCC110: deployment.target set to realtime-inference",
        "mlcc.yaml:8:3: fixed MLCC020: renamed deployment.instanceCount to instance_count",
        "mlcc.yaml:8:3: fixed MLCC022: deployment.instance_count written without quotes",
        "mlcc.yaml: nothing wrong",
    ]
    before = path.stat().st_mtime_ns
    assert mlcc("validate", "--fix", code=0).stderr == "mlcc.yaml: nothing wrong\n"
    assert path.stat().st_mtime_ns == before


def test_without_the_option_nothing_is_written_and_programs_see_what_it_would_do(mlcc: Caller):
    build_tree(Path(), {"mlcc.yaml": WRONG})
    found = json.loads(mlcc("validate", "--json", code=1).stdout)["findings"]
    assert {"action": "rename", "was": "nmae", "value": "name"} in [f.get("fix") for f in found]
    assert Path("mlcc.yaml").read_text() == WRONG


def test_a_plan_has_it_in_its_findings_too(mlcc: Caller):
    build_tree(Path(), {"mlcc.yaml": RIGHT.replace("realtime-inference", "managed-inference")})
    document = json.loads(mlcc("plan", "--json", code=0).stdout)
    assert [f["fix"]["value"] for f in document["findings"] if f["code"] == "MLCC110"] == ["realtime-inference"]
    assert validator.validate_document(node_of(document, Mark("")), "output-plan") == []


def test_what_is_left_fails(mlcc: Caller):
    build_tree(Path(), {"mlcc.yaml": WRONG + "nothing: 1\n"})
    result = mlcc("validate", "--fix", "-o", "json", code=1)
    assert [f["path"] for f in json.loads(result.stdout)["findings"]] == ["nothing"]
    assert Path("mlcc.yaml").read_text() == RIGHT + "nothing: 1\n"


def test_a_format_that_the_file_s_name_says_otherwise_is_taken_away(mlcc: Caller):
    text = SMALLEST + "model:\n  name: ./churn.pkl\n  format: joblib\n"
    build_tree(Path(), {"mlcc.yaml": text, "churn.pkl": ""})
    assert "fixed MLCC115: removed model.format" in mlcc("validate", "--fix", code=0).stderr
    assert Path("mlcc.yaml").read_text() == text.replace("  format: joblib\n", "")


def test_every_project_of_a_repository_but_no_shared_file(mlcc: Caller):
    shared = "version: 1\ntgas: {a: b}\n"
    files = {
        "a/mlcc.yaml": SMALLEST.replace("name", "nmae"),
        "b/mlcc.yaml": SMALLEST + "extends: ../base.yaml\n",
        "base.yaml": shared,
    }
    git_repo(Path(), files)
    result = mlcc("validate", "--fix", "--all", code=1)
    assert Path("a/mlcc.yaml").read_text() == SMALLEST
    assert Path("base.yaml").read_text() == shared
    assert "base.yaml:2:1: error MLCC020" in result.stdout


def test_values_of_one_run_are_not_written(mlcc: Caller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ML_DEPLOYMENT_TARGET", "managed-inference")
    build_tree(Path(), {"mlcc.yaml": SMALLEST})
    mlcc("validate", "--fix", "--set", "deployment.config=triton-onnx")
    assert Path("mlcc.yaml").read_text() == SMALLEST


@pytest.mark.parametrize("text", ["a: [", "", "version: 1\n---\nx: 1\n", "\x00", "{nmae: 1}: 2\n", "- a\n"])
def test_what_cannot_be_read_is_left(mlcc: Caller, text: str):
    build_tree(Path(), {"mlcc.yaml": text})
    assert_no_traceback(mlcc("validate", "--fix", code=1))
    assert Path("mlcc.yaml").read_text() == text


def test_nothing_is_written_through_a_link(mlcc: Caller, tmp_path: Path):
    build_tree(tmp_path / "other", {"mlcc.yaml": WRONG})
    Path("mlcc.yaml").symlink_to(tmp_path / "other/mlcc.yaml")
    assert "MLCC001" in mlcc("validate", "--fix", code=1).stdout
    assert (tmp_path / "other/mlcc.yaml").read_text() == WRONG
