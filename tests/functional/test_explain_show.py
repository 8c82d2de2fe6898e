"""mlcc explain and show: where a value comes from, and the whole in mlcc.yaml's shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mlcc.core.values import Source
from tests.helpers import SMALLEST, build_tree, state_of

HERE = Path()
TEXT = SMALLEST + "ttl: 2d\ninference_components: [{name: chat, copy_count: 2}]\nenvironments: {prod: {ttl: 9d}}\n"


@pytest.fixture(autouse=True)
def project():
    build_tree(HERE, {"mlcc.yaml": TEXT})


def values(result) -> dict:
    return {v["path"]: v for v in json.loads(result.stdout)["values"]}


def test_one_value_tells_its_story(mlcc):
    text = mlcc("explain", "ttl", "--env", "prod", "--set", "ttl=1h", code=0).stdout
    assert text.splitlines() == [
        "ttl = 1h",
        "  from command line options (--set a.b=v, --region ...) (precedence 1 of 9)",
        "       --set ttl",
        "  beat mlcc.yaml: environments.NAME, chosen with --env (precedence 5 of 9): 9d",
        "       mlcc.yaml:6",
        "  beat mlcc.yaml (precedence 5 of 9): 2d",
        "       mlcc.yaml:4",
        "  beat built-in defaults (precedence 9 of 9): 8h",
        "       built-in default",
    ]


def test_json_is_the_contract(mlcc):
    found = values(mlcc("explain", "deployment.instance_type", "-o", "json", code=0))["deployment.instance_type"]
    assert set(found) == {"path", "value", "source", "origin", "beaten"}
    assert found["source"] == "deployment-config"
    assert found["origin"].startswith("builtin:deployment_configs.yaml:")


@pytest.mark.parametrize(
    ("key", "paths"),
    [
        (
            "inference_components",
            {
                "inference_components[chat].copy_count",
                "inference_components[chat].enabled",
                "inference_components[chat].name",
            },
        ),
        ("inference_components[chat].copy_count", {"inference_components[chat].copy_count"}),
        ("project", {"project.name"}),
    ],
)
def test_a_key_or_the_beginning_of_one(mlcc, key, paths):
    assert set(values(mlcc("explain", key, "-o", "json", code=0))) == paths


def test_without_a_key_every_value_is_listed(mlcc):
    found = values(mlcc("explain", "-o", "json", code=0))
    assert {"project.name", "ttl", "deployment.target", "framework.version"} <= set(found)
    assert "| path" in mlcc("explain", "-o", "markdown", code=0).stdout


def test_an_unknown_key_names_the_nearest(mlcc):
    result = mlcc("explain", "deployment.instance_typ", code=1)
    assert "did you mean deployment.instance_type?" in result.stderr


def test_precedence_is_printed_from_the_one_enum(mlcc):
    rows = json.loads(mlcc("explain", "--precedence", "-o", "json", code=0).stdout)["rows"]
    assert [(r["level"], r["source"]) for r in rows] == [(s.level, s.label) for s in Source]
    assert "1" in mlcc("explain", "--precedence", code=0).stdout


@pytest.mark.parametrize(
    ("arguments", "environ", "source", "origin"),
    [
        (["--ttl", "1h"], {}, "option", "option --ttl"),
        (["--set", "ttl=1h"], {}, "option", "--set ttl"),
        ([], {"ML_TTL": "1h"}, "environment", "$ML_TTL"),
        (["--config", "more.yaml"], {}, "config-file", "more.yaml:1"),
    ],
)
def test_every_way_in_has_its_source(mlcc, monkeypatch, arguments, environ, source, origin):
    build_tree(HERE, {"more.yaml": "ttl: 1h\n"})
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = values(mlcc("explain", "ttl", "-o", "json", *arguments, code=0))["ttl"]
    assert (found["value"], found["source"], found["origin"]) == ("1h", source, origin)
    assert [b["value"] for b in found["beaten"]] == ["2d", "8h"]


def test_options_beat_variables_beat_files(mlcc, monkeypatch):
    build_tree(HERE, {"more.yaml": "ttl: 4h\n"})
    monkeypatch.setenv("ML_TTL", "3h")
    found = values(mlcc("explain", "ttl", "-o", "json", "--ttl", "1h", "--config", "more.yaml", code=0))["ttl"]
    assert [found["value"], *[b["value"] for b in found["beaten"]]] == ["1h", "3h", "4h", "2d", "8h"]


def test_show_is_in_mlcc_yaml_s_shape(mlcc):
    before = state_of(Path.cwd())
    shown = yaml.safe_load(mlcc("show", code=0).stdout)
    assert shown["inference_components"] == [{"copy_count": 2, "enabled": True, "name": "chat"}]
    assert shown["version"] == 1
    document = json.loads(mlcc("show", "-o", "json", code=0).stdout)
    assert document.pop("schema_version") == 1
    assert [cost["environment"] for cost in document.pop("costs")] == ["default"]
    assert document == {k: v for k, v in shown.items() if k != "version"}
    assert yaml.safe_load(mlcc("show", "--env", "prod", code=0).stdout)["ttl"] == "9d"
    assert state_of(Path.cwd()) == before


def test_what_is_shown_is_a_file_that_resolves_to_itself(mlcc):
    shown = mlcc("show", "-o", "yaml", code=0).stdout
    build_tree(HERE, {"mlcc.yaml": shown})
    assert mlcc("show", "-o", "yaml", code=0).stdout == shown


def test_what_is_resolved_is_shown_while_an_error_stands(mlcc):
    build_tree(HERE, {"mlcc.yaml": TEXT.replace("http-fastapi", "http-fastapi, instance_type: ml.t9.tiny")})
    result = mlcc("show", "--env", "prod", code=1)
    assert result.stdout.startswith("# NOT VALID: 1 error stands (mlcc validate). ")
    shown = yaml.safe_load(result.stdout)
    assert (shown["ttl"], shown["deployment"]["instance_type"]) == ("9d", "ml.t9.tiny")
    assert "MLCC108" in result.stderr
    document = json.loads(mlcc("show", "-o", "json", code=1).stdout)
    assert document["errors"] == 1
    assert {f["code"] for f in document["findings"]} == {"MLCC108"}
    assert document["deployment"]["instance_type"] == "ml.t9.tiny"
    assert mlcc("show", "-o", "markdown", code=1).stdout.startswith("```yaml\n# NOT VALID")


def test_the_sound_part_of_a_wrong_file_is_shown(mlcc):
    build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: {name: iris, colour: red}\nttl: 1h\n"})
    document = json.loads(mlcc("show", "-o", "json", code=1).stdout)
    assert {f["path"] for f in document["findings"]} == {"project.colour", "deployment.config"}
    assert (document["project"], document["ttl"]) == ({"name": "iris"}, "1h")
    assert "MLCC020" in mlcc("show", "--container", code=1).stderr


def test_a_file_that_cannot_be_read_is_not_shown(mlcc):
    build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: [\n"})
    result = mlcc("show", "-o", "json", code=1)
    assert set(json.loads(result.stdout)) == {"schema_version", "findings"}


def test_a_literal_secret_is_refused_and_not_shown(mlcc):
    build_tree(HERE, {"mlcc.yaml": TEXT + "env: {DB_PASSWORD: petals}\nsecrets: {A: {secretsmanager: my/secret}}\n"})
    for form in ("table", "json", "yaml", "markdown"):
        result = mlcc("show", "-o", form, code=1)
        assert "DB_PASSWORD" in result.stdout
        assert "my/secret" in result.stdout
        assert "petals" not in result.stdout + result.stderr


def test_a_value_that_is_wrong_is_explained_all_the_same(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST.replace("http-fastapi", "http-fastapi, region: us-east-9")})
    result = mlcc("explain", "deployment.region", code=0)
    assert "mlcc.yaml:3" in result.stdout
    assert "MLCC111" in result.stderr


def test_a_file_that_cannot_be_read_is_not_explained(mlcc):
    build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: ["})
    mlcc("explain", "ttl", code=1)


# ---------------------------------------------------------------- what a finding means
def test_the_page_of_a_finding(mlcc):
    text = mlcc("explain", "MLCC108", code=0).stdout
    assert "Unknown instance type" in text
    assert text.index("This shows it:") < text.index("Mended:")
    assert max(map(len, text.splitlines())) <= 80
    code = json.loads(mlcc("explain", "MLCC108", "-o", "json", code=0).stdout)["code"]
    assert code["bad"]["run"] == ["mlcc validate"]
    assert "is no finding" in mlcc("explain", "MLCC999", code=1).stderr


@pytest.mark.parametrize("code", ["MLCC108", "mlcc108", "Mlcc108"])
def test_the_code_of_a_finding_may_be_written_in_small_letters_and_needs_no_project(mlcc, code):
    Path("mlcc.yaml").unlink(missing_ok=True)
    assert mlcc("explain", code, code=0).stdout.startswith("error MLCC108")


@pytest.mark.parametrize("code", ["MLCC1", "mlcc1", "MLCC0001"])
def test_what_is_no_code_is_reported_without_a_project(mlcc, code):
    Path("mlcc.yaml").unlink(missing_ok=True)
    output_text = mlcc("explain", code, code=1).stderr
    assert f"'{code.upper()}' is no finding" in output_text
    assert "no such file" not in output_text


def test_a_finding_without_example_says_why(mlcc):
    assert json.loads(mlcc("explain", "MLCC208", "-o", "json", code=0).stdout)["code"]["because"]


@pytest.mark.parametrize("argv", [("explain", "framework.version"), ("show",)])
def test_a_lock_that_cannot_be_read_is_reported(mlcc, argv):
    """What it holds could decide the value that is shown."""
    build_tree(".", {"mlcc.yaml": SMALLEST, "mlcc.lock": "version: 99\n"})
    output_text = mlcc(*argv, code=0)
    assert "MLCC205" in output_text.stderr
    assert "MLCC205" not in mlcc(*argv, "-o", "json", code=0).stdout
