"""mlcc fmt: one layout, the same meaning, and every comment; what cannot be kept is refused and left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.load import canonical
from tests.helpers import ROOT, SMALLEST, Caller, assert_no_traceback, build_tree, git_repo

ODD = """\
# the project
project:   {name: 'iris'}   # a name
version: 1
deployment: {region: us-east-1, config: http-fastapi}
"""
EVEN = """\
version: 1
# the project
project: {name: "iris"}   # a name
deployment: {config: http-fastapi, region: us-east-1}
"""
ALIAS = "version: 1\ndeployment: {config: http-fastapi}\nx-n: &n iris\nproject: {name: *n}\n"


def test_a_file_is_written_once_with_its_mode(mlcc: Caller):
    path = build_tree(Path(), {"mlcc.yaml": ODD}) / "mlcc.yaml"
    path.chmod(0o600)
    assert "1 of 1 file laid out anew" in mlcc("fmt", code=0).stderr
    assert path.read_text() == EVEN
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.stat().st_mtime_ns
    result = mlcc("fmt", code=0)
    assert (result.stdout, result.stderr) == ("", "1 file: nothing to lay out anew\n")
    assert path.stat().st_mtime_ns == before


def test_check_and_diff_write_nothing(mlcc: Caller):
    build_tree(Path(), {"mlcc.yaml": ODD})
    result = mlcc("fmt", "--check", code=1)
    assert "mlcc.yaml:1:1: error MLCC415" in result.stdout
    shown = mlcc("fmt", "--diff", code=0).stdout
    assert "-project:   " in shown
    assert "+project: " in shown
    assert Path("mlcc.yaml").read_text() == ODD
    both = mlcc("fmt", "--check", "--diff", code=1).stdout
    assert "MLCC415" in both
    assert "+project: " in both
    mlcc("fmt", code=0)
    assert mlcc("fmt", "--check", "--diff", code=0).stdout == ""


@pytest.mark.parametrize("form", ["json", "yaml", "sarif", "github", "junit", "markdown"])
def test_findings_in_every_format(mlcc: Caller, form: str):
    build_tree(Path(), {"mlcc.yaml": ODD})
    assert "MLCC415" in mlcc("fmt", "--check", "--diff", "-o", form, code=1).stdout
    done = mlcc("fmt", "-o", form, code=0).stdout
    assert "MLCC415" not in done
    if form == "json":
        assert json.loads(done) == {"schema_version": 1, "findings": []}


def test_all_of_a_repository_and_one_that_cannot_be_kept(mlcc: Caller):
    git_repo(Path(), {"a/mlcc.yaml": ODD, "b/mlcc.yaml": ALIAS, "c/mlcc.yaml": EVEN, "d/mlcc.yaml": "a: [\n"})
    result = mlcc("fmt", "--all", code=1)
    assert_no_traceback(result)
    assert Path("a/mlcc.yaml").read_text() == EVEN
    assert Path("b/mlcc.yaml").read_text() == ALIAS
    assert "b/mlcc.yaml: error MLCC414" in result.stdout
    assert "d/mlcc.yaml:1:4: error MLCC005" in result.stdout
    assert "1 of 4 files laid out anew" in result.stderr


def test_a_base_can_be_named(mlcc: Caller):
    build_tree(Path(), {"mlcc.base.yaml": "ttl: 1d\ntags: {a: b}\n"})
    mlcc("fmt", "mlcc.base.yaml", code=0)
    assert Path("mlcc.base.yaml").read_text() == "tags: {a: b}\nttl: 1d\n"


def test_what_init_writes_is_laid_out_so(mlcc: Caller):
    for name, config in (("a", "http-fastapi"), ("b", "transformers-vllm"), ("c", "triton-fil")):
        more = ["--model-name", "Qwen/Qwen3-4B"] if config == "transformers-vllm" else []
        mlcc("init", name, "--deployment-config", config, "-C", name, *more, code=0)
        mlcc("fmt", "--check", f"{name}/mlcc.yaml", code=0)


def test_nothing_is_written_through_a_link(mlcc: Caller, tmp_path: Path):
    build_tree(tmp_path / "other", {"mlcc.yaml": ODD})
    Path("mlcc.yaml").symlink_to(tmp_path / "other/mlcc.yaml")
    assert "MLCC001" in mlcc("fmt", code=1).stdout
    assert (tmp_path / "other/mlcc.yaml").read_text() == ODD


@pytest.mark.parametrize("case", sorted(p.name for p in (ROOT / "tests/golden/cases").iterdir()))
def test_it_resolves_to_the_same(case: str, tmp_path: Path):
    """Every value of every environment, as the pipeline resolves it."""
    before = (ROOT / "tests/golden/cases" / case).read_bytes()
    data = {"before": before, "after": canonical.formatted(before, case)}
    build_tree(tmp_path, {"mlcc.yaml": SMALLEST})
    values = {}
    for name, text in data.items():
        project = pipeline.resolve(pipeline.load(tmp_path / "mlcc.yaml", data=text))
        values[name] = [{p: (v.value, v.source) for p, v in one.values.items()} for one in project.every]
    assert values["before"] == values["after"]
