"""mlcc bootstrap on the command line, as far as it asks nobody."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mlcc.cli.commands.bootstrap import command
from mlcc.io.yaml import reader
from mlcc.lifecycle.bootstrap import modules, permissions
from mlcc.registries import load
from tests.helpers import Caller, assert_no_traceback, run_mlcc

SECRET = "hf_" + "a1B2c3D4" * 5


def test_profiles_from_the_first_to_the_last(mlcc: Caller) -> None:
    assert "no profile" in mlcc("bootstrap", "list", code=0).stderr
    assert "mlcc bootstrap add" in mlcc("bootstrap", "deploy", "--dry-run", code=3).stderr
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    mlcc("bootstrap", "add", "eu", "--region", "eu-west-1", "--prefix", "acme", "--vpc-access", code=0)
    rows = json.loads(mlcc("bootstrap", "list", "-o", "json", code=0).stdout)["rows"]
    assert [(r["name"], r["active"], r["region"]) for r in rows] == [
        ("dev", True, "us-east-1"), ("eu", False, "eu-west-1"),
    ]  # fmt: skip
    mlcc("bootstrap", "use", "eu", code=0)
    shown = json.loads(mlcc("bootstrap", "show", "-o", "json", code=0).stdout)["profile"]
    assert (shown["name"], shown["prefix"], shown["vpc_access"]) == ("eu", "acme", True)
    assert "no profile is in use now; there is dev" in mlcc("bootstrap", "remove", "eu", code=0).stderr
    for words in (["show"], ["status"], ["deploy"], ["deploy", "--dry-run"]):
        missing = mlcc("bootstrap", *words, code=3).stderr
        assert "no bootstrap profile is in use; there is dev" in missing
        assert "mlcc bootstrap use dev" in missing
        assert "bootstrap add" not in missing
    mlcc("bootstrap", "add", "eu", "--region", "eu-west-1", code=0)
    assert "in use" not in mlcc("bootstrap", "remove", "dev", code=0).stderr
    assert "in use" not in mlcc("bootstrap", "remove", "eu", code=0).stderr, "there is none to take"
    assert "mlcc bootstrap add" in mlcc("bootstrap", "status", code=3).stderr


def test_a_profile_is_shown_within_a_terminal_s_columns(mlcc: Caller) -> None:
    role = f"arn:aws:iam::123456789012:role/{'r' * 60}"
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", "--role-arn", role, code=0)
    lines = run_mlcc("bootstrap", "show", tty=True).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert role in "".join(line.strip() for line in lines)
    assert any(line.split() == ["role_arn", role] for line in mlcc("bootstrap", "show").stdout.splitlines())


def test_a_profile_that_is_none_names_the_option_s_key(mlcc: Caller) -> None:
    wrong = mlcc("bootstrap", "add", "dev", "--region", "us-east-1", "--role-arn", "x$(id)\x1b[2J", code=2)
    assert "profiles.dev.role_arn" in wrong.stderr
    assert "\x1b" not in wrong.stderr
    assert not Path(os.environ["MLCC_HOME"], "config.yaml").exists()


@pytest.mark.parametrize("words", [["X Y", "--region", "us-east-1"], ["dev", "--region", "eu x"]])
def test_a_profile_of_a_wrong_form_is_a_mistake_of_the_command_line(mlcc: Caller, words: list[str]) -> None:
    assert mlcc("bootstrap", "add", *words, code=2).stdout == ""
    file = Path("older.json")
    file.write_text(json.dumps({"profiles": {"x": {"awsRegion": "eu x"}}}))
    imported = mlcc("bootstrap", "import", "--from", str(file))
    assert imported.code == 1, "what a file holds is no mistake of the command line"


def test_an_import_leaves_what_is_there_and_takes_the_others(mlcc: Caller) -> None:
    names = {"a": "us-east-1", "b": "eu-west-1", "c": "us-west-2"}
    Path("older.json").write_text(
        json.dumps({"activeProfile": "c", "profiles": {n: {"awsRegion": r} for n, r in names.items()}})
    )
    mlcc("bootstrap", "add", "a", "--region", "us-east-1", code=0)
    mlcc("bootstrap", "add", "b", "--region", "ap-south-1", code=0)
    done = mlcc("bootstrap", "import", "--from", "older.json", code=1)
    assert done.stdout.split() == ["imported", "c"], "a is there already, and the same"
    assert "older.json: error MLCC350: there is another bootstrap profile 'b' already" in done.stderr
    assert "mlcc bootstrap remove b" in done.stderr
    assert "'a'" not in done.stderr
    again = json.loads(mlcc("bootstrap", "import", "--from", "older.json", "--json", code=1).stdout)
    assert (again["imported"], again["left"], again["active"]) == ([], ["b"], "a")
    mlcc("bootstrap", "remove", "b", code=0)
    assert mlcc("bootstrap", "import", "--from", "older.json", code=0).stdout.split() == ["imported", "b"]
    assert "equal" in mlcc("bootstrap", "import", "--from", "older.json", code=0).stdout
    rows = json.loads(mlcc("bootstrap", "list", "-o", "json", code=0).stdout)["rows"]
    assert {row["name"]: row["region"] for row in rows} == names


def test_dry_runs_are_calls_and_ask_nobody(mlcc: Caller) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", "--prefix", "acme", code=0)
    done = mlcc("bootstrap", "deploy", "core", "benchmark", "--dry-run", code=0)
    assert "--plan" in done.stderr.splitlines()[0], "what shows the change set"
    document = json.loads(done.stdout)
    assert [c["operation"] for c in document["calls"]] == [
        "CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet",
    ] * 2  # fmt: skip
    assert document["calls"][0]["parameters"]["StackName"] == "acme-bootstrap-dev-core"
    assert document["assumed"]
    deleted = json.loads(mlcc("bootstrap", "destroy", "--dry-run", code=0).stdout)
    assert [c["operation"] for c in deleted["calls"]] == ["DeleteStack"]


def test_what_asks_aws_says_so_and_is_refused_offline(mlcc: Caller) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    for words in (["deploy"], ["status"], ["destroy", "--yes"], ["secrets", "list"]):
        refused = mlcc("bootstrap", *words, "--offline", code=2)
        assert "--offline" in refused.stderr
        assert refused.stdout == ""
    for words in (["deploy"], ["status"], ["secrets", "describe", "x"]):
        without = mlcc("bootstrap", *words, code=3)
        assert "credentials" in without.stderr
        assert_no_traceback(without)


def test_destroy_asks_and_without_a_terminal_needs_yes(mlcc: Caller) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    assert "--yes" in mlcc("bootstrap", "destroy", code=2).stderr


def test_a_secret_has_no_option_and_is_in_no_output(mlcc: Caller) -> None:
    create = command.commands["secrets"].commands["create"]  # type: ignore[attr-defined]
    assert {p.name for p in create.params} & {"value", "secret_string", "secret_value"} == set()
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    for words in (["create", SECRET], ["create", "x", SECRET], ["create", "x", f"--value={SECRET}"]):
        refused = mlcc("bootstrap", "secrets", *words)
        assert refused.code != 0
        assert SECRET not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["create", "ab", "S3cr3tPassphrase"],
        ["create", "ab", "--value=S3cr3tPassphrase"],
        ["create", "ab", "--S3cr3tPassphrase"],
        ["create", "ab", "--replace=S3cr3tPassphrase"],
        ["create", "ab", "-o", "S3cr3tPassphrase"],
        ["create", "S3cr3tPassphrase!"],
        ["S3cr3tPassphrase"],
        ["--S3cr3tPassphrase", "create"],
        ["list", "S3cr3tPassphrase"],
        ["describe", "ab", "S3cr3tPassphrase"],
    ],
)
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_no_mistake_repeats_a_passphrase(mlcc: Caller, words: list[str], output: list[str]) -> None:
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    refused = mlcc("bootstrap", "secrets", *words, *output, code=2)
    assert "S3cr3t" not in refused.stdout + refused.stderr


def test_what_is_missing_is_named(mlcc: Caller) -> None:
    assert "NAME" in mlcc("bootstrap", "secrets", "create", code=2).stderr
    assert "create, describe, list" in mlcc("bootstrap", "secrets", "crate", code=2).stderr


def test_the_policy_is_json_for_iam(mlcc: Caller) -> None:
    found = json.loads(mlcc("bootstrap", "policy", "deploy", code=0).stdout)
    assert {*found} == {"Version", "Statement"}
    assert any("iam:PassRole" in s["Action"] for s in found["Statement"])
    assert "arn:aws:iam::*:role/mlcc-sagemaker-execution-role" in str(found), "it holds for every account"


def test_policies_of_several_uses_are_printed_one_by_one(mlcc: Caller) -> None:
    done = mlcc("bootstrap", "policy", "bootstrap", "deploy", "submit", code=0)
    rows = json.loads(mlcc("bootstrap", "policy", "bootstrap", "deploy", "submit", "-o", "json", code=0).stdout)[
        "policies"
    ]
    assert len(rows) > 1
    decoder, rest, printed = json.JSONDecoder(), done.stdout.strip(), []
    while rest:
        one, end = decoder.raw_decode(rest)
        printed.append(one)
        rest = rest[end:].lstrip()
    assert printed == [row["document"] for row in rows]
    for row in rows:
        assert row["name"] in done.stderr
    assert not mlcc("bootstrap", "policy", "deploy", "submit", code=0).stderr, "one policy needs no name"


def test_the_help_of_policy_names_every_use(mlcc: Caller) -> None:
    shown = mlcc("bootstrap", "policy", "--help", code=0).stdout.replace(",", " ").replace(";", " ").split()
    assert set(permissions.USES) <= set(shown)


def yaml_of(text: str) -> Any:
    loaded = reader.load_yaml(text.encode(), "shown")
    assert loaded.root is not None
    return loaded.root.plain()


def test_modules_and_templates(mlcc: Caller) -> None:
    rows = json.loads(mlcc("bootstrap", "modules", "-o", "json", code=0).stdout)["rows"]
    assert {"benchmark", "core"} <= {r["name"] for r in rows}
    assert "AWSTemplateFormatVersion" in mlcc("bootstrap", "template", "core", code=0).stdout
    for asked, read in ((("--json",), json.loads), (("-o", "yaml"), yaml_of)):
        found = read(mlcc("bootstrap", "template", "core", *asked, code=0).stdout)
        assert found == modules.module(load(), "core").document()
    assert "did you mean core?" in mlcc("bootstrap", "template", "coer", code=1).stderr


@pytest.mark.parametrize("name", sorted(command.commands))
def test_help_of_each_command_is_explained_and_acts_not(mlcc: Caller, name: str) -> None:
    shown = mlcc("bootstrap", name, "--help", code=0)
    assert "Example: mlcc bootstrap" in shown.stdout
    assert not [line for line in shown.stdout.splitlines() if len(line) > 80]
    assert not os.path.exists(os.environ["MLCC_HOME"])


def test_doctor_asks_aws_only_when_told(mlcc: Caller) -> None:
    plain = json.loads(mlcc("doctor", "-o", "json").stdout)["checks"]
    assert "credentials" not in {c["what"] for c in plain}
    asked = json.loads(mlcc("doctor", "--aws", "-o", "json", code=1).stdout)["checks"]
    found = {c["what"]: c for c in asked}
    assert found["profile"]["hint"].startswith("mlcc bootstrap add")
    assert found["region"]["state"] == "broken"
    mlcc("bootstrap", "add", "dev", "--region", "us-east-1", code=0)
    asked = json.loads(mlcc("doctor", "--aws", "-o", "json", code=1).stdout)["checks"]
    (credentials,) = [c for c in asked if c["what"] == "credentials"]
    assert credentials["hint"] == "aws configure, or AWS_PROFILE"
