"""mlcc catalog, schema, completion, plugins and doctor: what there is, browsed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from mlcc.registries import load
from tests.helpers import ROOT, build_tree, run_mlcc

TABLES = ("configs", "frameworks", "instances", "models", "regions", "targets")


def rows(result) -> list[dict]:
    return json.loads(result.stdout)["rows"]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", ["table", "json", "yaml", "markdown"])
def test_every_table_in_every_format(mlcc, table, form):
    result = mlcc("catalog", table, "-o", form, code=0)
    if form == "json":
        assert json.loads(result.stdout)["schema_version"] == 1
        assert all(r["name"] for r in rows(result))
    elif form == "yaml":
        assert yaml.safe_load(result.stdout) == json.loads(mlcc("catalog", table, "-o", "json").stdout)
    else:
        assert result.stdout


def test_listings_count_what_the_registries_hold(mlcc):
    known = load()
    assert [r["name"] for r in rows(mlcc("catalog", "configs", "-o", "json"))] == list(known.deployment_configs)
    assert len(rows(mlcc("catalog", "instances", "-o", "json"))) == len(known.instances) > 100
    assert f"regions: {len(known.regions)}\n" == mlcc("catalog", "regions").stderr


def test_tables_fit_a_terminal_and_have_a_line_a_row_elsewhere(mlcc):
    for table in TABLES:
        lines = run_mlcc("catalog", table, tty=True).stdout.splitlines()
        assert not [line for line in lines if len(line) > 80], table
        piped = mlcc("catalog", table, code=0).stdout.splitlines()
        assert len(piped) == len(rows(mlcc("catalog", table, "-o", "json"))) + 2, "a line a row"


def test_filters(mlcc):
    found = rows(mlcc("catalog", "instances", "--filter", "accelerator=cuda", "--offered", "transform", "-o", "json"))
    assert found
    assert all(r["accelerator"] == "cuda" and r["transform"] for r in found)
    assert [r["name"] for r in rows(mlcc("catalog", "instances", "--filter", "name=ml.m5.large", "-o", "json"))] == [
        "ml.m5.large"
    ]
    assert rows(mlcc("catalog", "regions", "--filter", "name=nowhere", "-o", "json")) == []


@pytest.mark.parametrize("text", ["nope=x", "nope", "=x"])
def test_a_filter_of_no_field_is_usage(mlcc, text):
    assert "fields: " in mlcc("catalog", "regions", "--filter", text, code=2).stderr


def test_one_row_in_full_with_its_source(mlcc):
    text = mlcc("catalog", "configs", "http-flask", code=0).stdout
    assert "source" in text
    assert "flask==" in text
    row = rows(mlcc("catalog", "targets", "managed-inference", "-o", "json", code=0))[0]
    assert row["name"] == "realtime-inference"


def test_an_unknown_row_names_the_nearest(mlcc):
    assert "did you mean ml.m5.xlarge?" in mlcc("catalog", "instances", "ml.m5.xlrge", code=1).stderr
    assert (
        json.loads(mlcc("catalog", "configs", "nope", "-o", "json", code=1).stdout)["findings"][0]["code"] == "MLCC401"
    )


def test_an_unknown_table_is_usage(mlcc):
    assert "'configs'" in mlcc("catalog", "nope", code=2).stderr


def test_rows_of_one_s_own_are_listed(mlcc, monkeypatch):
    content = "version: 1\nkind: targets\nrows: {mine: {title: Mine, description: x}}\n"
    build_tree(Path(), {"own/targets.yaml": content})
    assert "mine" in [r["name"] for r in rows(mlcc("catalog", "targets", "--registry", "own", "-o", "json"))]
    monkeypatch.setenv("MLCC_REGISTRY_PATH", "own")
    assert "mine" in [r["name"] for r in rows(mlcc("catalog", "targets", "-o", "json"))]
    assert "MLCC402" in mlcc("catalog", "targets", "--registry", "nope", code=1).stderr


# ---------------------------------------------------------------- schema
@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda p: p.name)
def test_every_schema_is_printed_as_it_is_packaged(mlcc, path):
    name = path.name.removesuffix(".schema.json")
    assert json.loads(mlcc("schema", name, code=0).stdout) == json.loads(path.read_text())


def test_the_schema_of_mlcc_yaml_is_the_first(mlcc):
    assert mlcc("schema", code=0).stdout == mlcc("schema", "mlcc", code=0).stdout
    assert "did you mean instances?" in mlcc("schema", "instance", code=1).stderr


def test_the_matrix_of_keys(mlcc):
    found = {r["key"]: r for r in rows(mlcc("schema", "--options", "-o", "json", code=0))}
    assert found["deployment.region"] == {
        "key": "deployment.region",
        "option": "--region",
        "environment": "ML_REGION",
        "do_variable": "AWS_REGION",
        "phase": "deploy",
    }


def test_every_option_of_the_matrix_is_taken(mlcc):
    build_tree(Path(), {"mlcc.yaml": "version: 1\n"})
    options = [r["option"] for r in rows(mlcc("schema", "--options", "-o", "json")) if r["option"]]
    assert len(options) > 100
    arguments = [part for option in options for part in (option, "x")]
    result = mlcc("validate", *arguments)
    assert result.code == 1
    assert "No such option" not in result.stderr


# ---------------------------------------------------------------- the rest
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(mlcc, shell):
    text = mlcc("completion", shell, code=0).stdout
    assert "_MLCC_COMPLETE" in text
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=text.encode(), check=True)


@pytest.mark.parametrize(
    ("words", "answers"),
    [("mlcc val", ["validate"]), ("mlcc comp", ["completion"]), ("mlcc completion z", ["zsh"])],
)
def test_completion_answers_a_shell(words, answers):
    environ = {"_MLCC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = run_mlcc(env=environ)
    assert result.code == 0
    assert [line.partition(",")[2] for line in result.stdout.splitlines()] == answers
    assert result.stderr == ""


def test_completion_of_an_unknown_shell_is_usage(mlcc):
    mlcc("completion", "csh", code=2)


def test_no_plugins_are_listed_when_they_are_off(mlcc):
    assert rows(mlcc("plugins", "-o", "json", code=0)) == []


def test_doctor(mlcc):
    found = {c["what"]: c for c in json.loads(mlcc("doctor", "-o", "json", code=0).stdout)["checks"]}
    assert {"mlcc", "python", "registries", "container engine", "git"} <= set(found)
    assert found["container engine"]["state"] == "missing", "MLCC_ENGINE=none"
    assert found["registries"]["state"] == "ok"
    assert not os.path.exists(os.environ["MLCC_HOME"]), "looking makes nothing"


def test_doctor_says_when_the_home_is_open_to_others(mlcc):
    os.makedirs(os.environ["MLCC_HOME"])
    os.chmod(os.environ["MLCC_HOME"], 0o755)
    assert "chmod 700" in mlcc("doctor", code=1).stdout


def test_a_filter_that_no_row_fits_is_no_mistake(mlcc):
    assert rows(mlcc("catalog", "models", "--filter", "family=nobody's", "-o", "json", code=0)) == []
