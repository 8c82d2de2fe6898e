"""mlcc validate: every mistake at once, with its place, in every format."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from tests.helpers import ROOT, SMALLEST, assert_no_traceback, build_tree, state_of

HERE = Path()
WRONG = """\
version: 1
project: {name: iris}
deployment:
  config: http-fastapi
  region: us-east-9
  instance_type: ml.m5.xlrge
  instance_cuont: 2
env: {A: yes}
"""
TWO = (
    SMALLEST.replace("http-fastapi", "http-fastapi, region: us-east-9, instance_type: ml.m5.xlrge")
    + "triton: {default_model: x}\n"
)


def test_a_good_file(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    before = state_of(Path.cwd())
    result = mlcc("validate", code=0)
    assert (result.stdout, result.stderr) == ("", "mlcc.yaml: nothing wrong\n")
    assert state_of(Path.cwd()) == before


def test_text_has_place_severity_code_path_message_and_hint(mlcc):
    build_tree(HERE, {"mlcc.yaml": WRONG})
    result = mlcc("validate", code=1)
    assert "mlcc.yaml:7:3: error MLCC020 deployment.instance_cuont: unknown key 'instance_cuont'" in result.stdout
    assert "did you mean instance_count?" in result.stdout
    assert "mlcc.yaml:8:10: error MLCC010 env.A: 'yes' is read differently" in result.stdout
    # what is sound is judged all the same
    assert "MLCC111" in result.stdout
    assert "MLCC108" in result.stdout
    assert result.stderr == "mlcc.yaml: 4 errors\n"


def test_meaning_is_checked_when_the_form_is_right(mlcc):
    build_tree(HERE, {"mlcc.yaml": TWO})
    found = json.loads(mlcc("validate", "-o", "json", code=1).stdout)["findings"]
    assert [(f["code"], f["severity"], f["line"]) for f in found] == [
        ("MLCC111", "error", 3),
        ("MLCC108", "error", 3),
        ("MLCC101", "warning", 4),
    ]


def test_warnings_alone_exit_0(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "triton: {default_model: x}\n"})
    result = mlcc("validate", code=0)
    assert "1 warning" in result.stderr


def test_every_environment_is_checked(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "environments:\n  prod:\n    deployment: {region: us-east-9}\n"})
    result = mlcc("validate", code=1)
    assert "mlcc.yaml:6:" in result.stdout
    assert "MLCC111" in result.stdout


# ---------------------------------------------------------------- formats
def test_json_is_the_contract(mlcc):
    build_tree(HERE, {"mlcc.yaml": WRONG})
    for arguments in (["-o", "json"], ["--json"], ["--output", "json"]):
        result = mlcc("validate", *arguments, code=1)
        document = json.loads(result.stdout)
        assert document["schema_version"] == 1
        for finding in document["findings"]:
            assert set(finding) - {"fix"} == {"code", "severity", "message", "file", "line", "column", "path", "hint"}
        assert result.stderr == ""


def test_yaml(mlcc):
    build_tree(HERE, {"mlcc.yaml": WRONG})
    assert yaml.safe_load(mlcc("validate", "-o", "yaml", code=1).stdout) == json.loads(
        mlcc("validate", "--json", code=1).stdout
    )


def test_sarif(mlcc):
    build_tree(HERE, {"mlcc.yaml": TWO})
    document = json.loads(mlcc("validate", "-o", "sarif", code=1).stdout)
    assert document["version"] == "2.1.0"
    run = document["runs"][0]
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == ["MLCC101", "MLCC108", "MLCC111"]
    result = run["results"][0]
    assert (result["ruleId"], result["level"]) == ("MLCC111", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "mlcc.yaml"
    assert place["region"]["startLine"] == 3
    assert {r["ruleId"] for r in run["results"]} <= {r["id"] for r in run["tool"]["driver"]["rules"]}


def test_github(mlcc):
    build_tree(HERE, {"mlcc.yaml": TWO})
    lines = mlcc("validate", "-o", "github", code=1).stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("::error file=mlcc.yaml,line=3,col=")
    assert "title=MLCC111::deployment.region: no region is called" in lines[0]
    assert lines[2].startswith("::warning ")


def test_junit(mlcc):
    build_tree(HERE, {"mlcc.yaml": TWO})
    suites = ElementTree.fromstring(mlcc("validate", "-o", "junit", code=1).stdout.encode())
    suite = suites[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert len(suite.findall("testcase")) == 3
    assert len(suite.findall("testcase/failure")) == 2
    assert len(suite.findall("testcase/system-out")) == 1


def test_markdown(mlcc):
    build_tree(HERE, {"mlcc.yaml": TWO})
    assert mlcc("validate", "-o", "markdown", code=1).stdout.startswith("| severity")


@pytest.mark.parametrize(("form", "empty"), [("github", ""), ("markdown", "(none)\n")])
def test_nothing_wrong_in_other_formats(mlcc, form, empty):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert mlcc("validate", "-o", form, code=0).stdout.replace("\n\n", "\n") == empty


def test_nothing_wrong_in_machine_formats(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert json.loads(mlcc("validate", "--json", code=0).stdout) == {"schema_version": 1, "findings": []}
    assert json.loads(mlcc("validate", "-o", "sarif", code=0).stdout)["runs"][0]["results"] == []
    suite = ElementTree.fromstring(mlcc("validate", "-o", "junit", code=0).stdout.encode())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


EVIL = "a\\n::error::owned\\e[31m%0A,:<&\\\"'|]]>"


@pytest.mark.parametrize("form", ["table", "json", "yaml", "markdown", "sarif", "github", "junit"])
def test_foreign_text_is_data_in_every_format(mlcc, form):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + f'"{EVIL}": 1\nmodel: {{format: "{EVIL}"}}\n'})
    text = mlcc("validate", "-o", form, code=1).stdout
    assert "\x1b" not in text
    lines = text.splitlines()
    if form == "github":
        assert len(lines) == 2
        assert all(line.startswith("::error file=mlcc.yaml,line=") for line in lines)
    else:
        assert not [line for line in lines if line.lstrip().startswith("::")]
    if form in ("json", "sarif"):
        json.loads(text)
    if form == "yaml":
        yaml.safe_load(text)
    if form == "junit":
        ElementTree.fromstring(text.encode())
    if form == "markdown":
        assert len({line.replace("\\|", "").count("|") for line in lines if line.strip()}) == 1


# ---------------------------------------------------------------- layers
@pytest.mark.parametrize(
    ("lock", "code", "message"),
    [
        ("version: 1\n<<<<<<< HEAD\na: 1\n=======\nb: 1\n>>>>>>> x\n", 1, "a merge of two branches left conflict"),
        ("version: 1\nchoices: {\n", 1, "cannot be read as a lock"),
        ("version: 2\n", 1, "a newer mlcc wrote it"),
        ("version: 1\nmlcc: 99.0.0\nregistries: {}\nvalues: {}\nfiles: {}\n", 0, "newer than this"),
        ("version: 1\nmlcc: 0.1.0\nregistries: {}\nvalues: {}\nfiles: {}\n", 0, ""),
    ],
)
def test_a_lock_that_a_plan_would_refuse_is_found(mlcc, lock, code, message):
    build_tree(".", {"mlcc.yaml": SMALLEST, "mlcc.lock": lock})
    found = mlcc("validate", code=code)
    assert message in found.stdout
    assert ("mlcc.lock" in found.stdout) == bool(message)
    assert ("mlcc.lock: " in mlcc("plan", code=code).stderr) == bool(message)


def test_a_lock_that_is_a_link_is_not_followed(mlcc):
    build_tree(".", {"mlcc.yaml": SMALLEST, "elsewhere": "version: 1\n"}).joinpath("mlcc.lock").symlink_to("elsewhere")
    assert "mlcc.lock" in mlcc("validate", code=1).stdout


def test_extends_stands_under_the_file(mlcc):
    build_tree(
        HERE,
        {
            ".git/HEAD": "",
            "base.yaml": "ttl: 2d\nenv: {A: base}\n",
            "p/mlcc.yaml": "extends: ../base.yaml\n" + SMALLEST + "env: {B: own}\n",
        },
    )
    result = mlcc("explain", "ttl", "-f", "p/mlcc.yaml", "-o", "json", code=0)
    value = json.loads(result.stdout)["values"][0]
    assert (value["value"], value["source"], value["origin"]) == ("2d", "base", "base.yaml:1")


@pytest.mark.parametrize(
    ("extends", "files", "code"),
    [
        ("../outside.yaml", {"../outside.yaml": "ttl: 1d\n"}, "MLCC030"),
        ("nope.yaml", {}, "MLCC030"),
        ("./mlcc.yaml", {}, "MLCC030"),
        ("base.yaml", {"base.yaml": "extends: other.yaml\n"}, "MLCC030"),
        ("base.yaml", {"base.yaml": "environments: {a: {}}\n"}, "MLCC030"),
        ("base.yaml", {"base.yaml": "ttl: x\n"}, "MLCC023"),
        ("base.yaml", {"base.yaml": "ttl: [\n"}, "MLCC005"),
        ("/etc/hosts.yaml", {}, "MLCC023"),
        ("../../../../etc/x.yaml", {}, "MLCC030"),
    ],
)
def test_extends_stays_inside_and_is_no_chain(mlcc, extends, files, code):
    build_tree(HERE / "repo", {".git/HEAD": "", "mlcc.yaml": f"extends: {extends}\n{SMALLEST}", **files})
    result = mlcc("validate", "repo/mlcc.yaml", code=1)
    assert code in result.stdout
    assert_no_traceback(result)


def test_extends_follows_no_link(mlcc):
    build_tree(
        HERE, {"repo/.git/HEAD": "", "repo/mlcc.yaml": f"extends: base.yaml\n{SMALLEST}", "secret.yaml": "ttl: 1d\n"}
    )
    (HERE / "repo/base.yaml").symlink_to("../secret.yaml")
    assert "MLCC001" in mlcc("validate", "repo/mlcc.yaml", code=1).stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", '[tool.mlcc]\nttl = "3d"\n[tool.mlcc.env]\nA = "b"\n'),
        ("package.json", '{"name": "x", "mlcc": {"ttl": "3d"}}'),
    ],
)
def test_project_manifests_stand_under_mlcc_yaml(mlcc, name, content):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, name: content})
    value = json.loads(mlcc("explain", "ttl", "-o", "json", code=0).stdout)["values"][0]
    assert (value["value"], value["source"], value["origin"]) == ("3d", "manifest", name)
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "ttl: 4d\n"})
    value = json.loads(mlcc("explain", "ttl", "-o", "json", code=0).stdout)["values"][0]
    assert (value["value"], value["beaten"][0]["value"]) == ("4d", "3d")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("pyproject.toml", "[tool.mlcc]\nttl = 3\n", "MLCC022"),
        ("pyproject.toml", "[tool.mlcc]\nnope = 3\n", "MLCC020"),
        ("pyproject.toml", "[tool.mlcc\n", "MLCC033"),
        ("pyproject.toml", 'tool = "mlcc"\n', "MLCC033"),
        ("package.json", '{"mlcc": {"ttl": ', "MLCC033"),
        ("package.json", '{"mlcc": [1]}', "MLCC022"),
        ("package.json", '{"mlcc": {"environments": {}}}', "MLCC030"),
    ],
)
def test_mistakes_in_manifests_are_findings(mlcc, name, content, code):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, name: content})
    result = mlcc("validate", "--json", code=1)
    finding = json.loads(result.stdout)["findings"][0]
    assert (finding["code"], finding["file"]) == (code, name)


@pytest.mark.parametrize("content", ['[tool.other]\nx = "mlcc"\n', "[project]\nname = 'mlcc-model'\n"])
def test_other_people_s_manifests_are_left_alone(mlcc, content):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "pyproject.toml": content})
    mlcc("validate", code=0)


MANIFESTS = [
    ("pyproject.toml", "[tool.mlcc]\nttl = 2024-01-01\n", "a TOML date: node_of cannot carry it (TypeError)"),
    ("pyproject.toml", "[tool.mlcc]\nx-a = 2024-01-01\n", "a TOML date: node_of cannot carry it (TypeError)"),
    ("package.json", '{"mlcc": {"x-a": ' + "[" * 900 + "]" * 900 + "}}", "deep JSON: node_of recurses without a limit"),
    (
        "package.json",
        '{"mlcc": {"project": {"description": "\\ud800"}}}',
        "a lone surrogate passes, and cannot be encoded",
    ),
]


@pytest.mark.parametrize(("name", "content"), [(n, c) for n, c, _ in MANIFESTS])
def test_hostile_manifests_are_findings(mlcc, name, content):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, name: content})
    result = mlcc("apply", code=1)
    assert_no_traceback(result)


def test_not_a_number_is_a_finding(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST, "package.json": '{"mlcc": {"engine": {"gpu_memory_utilization": NaN}}}'})
    mlcc("validate", code=1)


def test_options_and_variables_are_checked_too(mlcc, monkeypatch):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    monkeypatch.setenv("ML_INSTANCE_COUNT", "two")
    monkeypatch.setenv("ML_OTHER_TOOL", "x")
    found = json.loads(
        mlcc("validate", "--set", "deployment.regon=x", "--set", "ttl", "--region", "XX", "--json", code=1).stdout
    )["findings"]
    assert {(f["code"], f["path"]) for f in found} == {
        ("MLCC034", "deployment.instance_count"),
        ("MLCC033", "deployment.regon"),
        ("MLCC033", ""),
        ("MLCC023", "deployment.region"),
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--config", "nope.yaml"], "MLCC001"),
        (["--registry", "nope"], "MLCC402"),
        (["--set", "version=2"], "MLCC033"),
        (["--set", "extends=x.yaml"], "MLCC033"),
    ],
)
def test_arguments_that_name_nothing(mlcc, arguments, code):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert code in mlcc("validate", *arguments, code=1).stdout


SETTINGS = [
    "project.name.deeper=x",
    "build.requirements[0]=x",
    "inference_components[chat]=x",
    "inference_components[chat]={copy_count: 2}",
    "env.A.B=x",
    "deployment=x",
    "inference_components=x",
    "=x",
    "[a]=x",
    "env=",
    "deployment.instance_count=9999999999999999999999999999999999999",
    "deployment.instance_count=" + "9" * 5000,
    "x-a=1",
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_awkward_settings_are_findings(mlcc, setting):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc("validate", "--set", setting, code=1)
    assert_no_traceback(result)


def test_settings_that_contradict_each_other_are_findings(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    assert_no_traceback(mlcc("validate", "--set", "env={}", "--set", "env.A=x", "--set", "env.A.B=y", code=1))


@pytest.mark.parametrize("text", ["\udcff", "a\udc80b"])
def test_bytes_that_are_no_text_in_arguments_are_findings(mlcc, text):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    result = mlcc("apply", "--set", f"project.description={text}")
    assert_no_traceback(result)


# ---------------------------------------------------------------- registries of others
ROW = """\
version: 1
kind: deployment_configs
rows:
  http-mine:
    {title: x, architecture: http, backend: flask, source: x, validation_level: unknown, frameworks: [sklearn]}
"""


@pytest.mark.parametrize("way", ["option", "variable", "project"])
def test_a_row_of_one_s_own(mlcc, monkeypatch, way):
    text = SMALLEST.replace("http-fastapi", "http-mine") + "framework: {name: sklearn}\n"
    text += "registries: [./own]\n" if way == "project" else ""
    build_tree(HERE, {"mlcc.yaml": text, "own/deployment_configs.yaml": ROW})
    if way == "variable":
        monkeypatch.setenv("MLCC_REGISTRY_PATH", "own")
    mlcc("validate", *(["--registry", "own"] if way == "option" else []), code=0)


@pytest.mark.parametrize("folder", ["../out", "/tmp", "own/../../out", "nope"])
def test_a_project_s_registries_lie_inside_the_project(mlcc, folder):
    build_tree(HERE, {"p/mlcc.yaml": SMALLEST + f"registries: ['{folder}']\n", "out/deployment_configs.yaml": ROW})
    result = mlcc("validate", "p/mlcc.yaml", code=1)
    assert "MLCC402" in result.stdout or "MLCC023" in result.stdout


def test_a_project_s_registries_are_no_link(mlcc):
    build_tree(HERE, {"p/mlcc.yaml": SMALLEST + "registries: [./own]\n", "out/deployment_configs.yaml": ROW})
    (HERE / "p/own").symlink_to("../out")
    assert "MLCC402" in mlcc("validate", "p/mlcc.yaml", code=1).stdout


BROKEN = [
    ("{", "MLCC005"),
    ("version: 1\nkind: deployment_configs\nrows: {http-mine: {title: x}}\n", "MLCC027"),
    (ROW.replace("title: x", "titel: x"), "MLCC020"),
    (ROW.replace("unknown", "sure"), "MLCC024"),
    (ROW.replace("version: 1", "version: 7"), "MLCC024"),
    (ROW + "more: 1\n", "MLCC020"),
]


@pytest.mark.parametrize(("content", "code"), BROKEN)
def test_a_broken_registry_file_is_an_error_with_its_place(mlcc, content, code):
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "registries: [./own]\n", "own/deployment_configs.yaml": content})
    found = json.loads(mlcc("validate", "--json", code=1).stdout)["findings"]
    finding = next(f for f in found if f["code"] == code)
    assert finding["file"] == "own/deployment_configs.yaml"
    assert finding["line"] > 0


@pytest.mark.parametrize(
    "kind", ["", "kind: nonsense\n", "kind: {a: b}\n", "kind: [deployment_configs]\n", "kind: 3\n"]
)
def test_a_registry_file_of_no_known_kind_is_an_error(mlcc, kind):
    content = ROW.replace("kind: deployment_configs\n", kind)
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "registries: [./own]\n", "own/deployment_configs.yaml": content})
    assert "MLCC403" in mlcc("validate", code=1).stdout


def test_a_registry_file_of_another_kind_than_its_name_is_an_error(mlcc):
    content = "version: 1\nkind: targets\nrows: {http-mine: {title: x, description: y}}\n"
    build_tree(HERE, {"mlcc.yaml": SMALLEST + "registries: [./own]\n", "own/deployment_configs.yaml": content})
    mlcc("validate", code=1)


DEFAULTS = [
    "{deployment: 5}",
    "{env: [1, 2]}",
    "{inference_components: [{copy_count: 1}]}",
    "{inference_components: [1]}",
    '{framework: {base_image: "x\\nRUN evil"}}',
    '{project: {name: "../x"}}',
]


@pytest.mark.parametrize("defaults", DEFAULTS)
def test_defaults_of_a_project_s_own_rows_obey_the_schema(mlcc, defaults):
    content = ROW.replace("frameworks: [sklearn]", f"frameworks: [sklearn], defaults: {defaults}")
    text = SMALLEST.replace("http-fastapi", "http-mine") + "framework: {name: sklearn}\nregistries: [./own]\n"
    build_tree(HERE, {"mlcc.yaml": text, "own/deployment_configs.yaml": content})
    result = mlcc("apply", code=1)
    assert_no_traceback(result)


def test_the_example_file_is_valid(mlcc):
    mlcc("validate", str(ROOT / "mlcc.example.yaml"), code=0)


def test_a_section_without_use_is_named_once_where_it_stands(mlcc):
    text = SMALLEST.replace("http-fastapi", "http-fastapi, target: local") + "scaling: {max_count: 2}\n"
    text += "environments:\n  dev: {scaling: {max_count: 4}}\n  qa: {scaling: {max_count: 3}}\n"
    build_tree(HERE, {"mlcc.yaml": text})
    for options in ([], ["--env", "qa"]):
        found = json.loads(mlcc("validate", *options, "-o", "json", code=0).stdout)["findings"]
        assert [(f["code"], f["path"], f["line"], f["column"]) for f in found] == [
            ("MLCC101", "scaling", 4, 1),
            ("MLCC101", "environments.dev.scaling", 6, 9),
            ("MLCC101", "environments.qa.scaling", 7, 8),
        ]
