"""Policies of a project and of the operator, through the command line: found, counted, recorded, never taken away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import Caller, assert_no_traceback, build_tree

PROJECT = """\
version: 1
project: {name: iris}
deployment: {config: http-fastapi, region: eu-north-1, instance_type: ml.m5.xlarge}
policies: [./policies]
environments: {prod: {deployment: {instance_count: 9}}}
"""
RULES = """\
version: 1
kind: policies
source: https://wiki.example.com/ml
rows:
  count: {path: deployment.instance_count, at_most: 4, severity: warning, when: {facts.environment: [prod]}}
  regions:
    title: Regions of our contract
    path: deployment.region
    allowed: [us-*]
    message: "our contract\\x1b[31m does not cover it"
    hint: ask the platform team
"""
OPERATOR = "version: 1\nkind: policies\nsource: operator\nrows: {regions: {path: deployment.region, forbidden: ['eu-north-*']}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    build_tree(Path(), {"mlcc.yaml": PROJECT, "policies/org.yaml": RULES})
    return tmp_path


def codes(mlcc: Caller, *arguments: str, code: int) -> list[tuple[str, str, str]]:
    result = mlcc("validate", "--json", *arguments, code=code)
    assert_no_traceback(result)
    return [(f["code"], f["severity"], f["path"]) for f in json.loads(result.stdout)["findings"]]


def test_a_broken_rule_stops_apply_and_says_why(mlcc: Caller, project: Path):
    assert codes(mlcc, code=1) == [
        ("MLCC190", "error", "deployment.region"),
        ("MLCC190", "warning", "deployment.instance_count"),
    ]
    result = mlcc("apply", code=1)
    assert "mlcc.yaml:3:44: error MLCC190 deployment.region: regions: our contract" in result.stderr + result.stdout
    assert "ask the platform team; policy at policies/org.yaml:6" in " ".join((result.stderr + result.stdout).split())
    assert "\x1b[31m" not in result.stdout + result.stderr
    assert not Path("mlcc.lock").exists()


def test_a_kept_rule_is_recorded_and_its_change_is_seen(mlcc: Caller, project: Path):
    Path("mlcc.yaml").write_text(PROJECT.replace("eu-north-1", "us-east-1").replace("9", "2"))
    mlcc("apply", code=0)
    assert "policies" in Path("mlcc.lock").read_text()
    mlcc("plan", "--detailed-exitcode", code=0)
    Path("policies/org.yaml").write_text(RULES.replace("us-*", "us-west-*"))
    assert codes(mlcc, code=1) == [("MLCC190", "error", "deployment.region")]


def test_the_operator_s_rules_hold_whatever_the_project_says(
    mlcc: Caller, project: Path, monkeypatch: pytest.MonkeyPatch
):
    own = RULES[: RULES.index("  count:")] + "  regions: {path: deployment.region, allowed: ['*']}\n"
    Path("policies/org.yaml").write_text(own)
    assert codes(mlcc, code=0) == []
    build_tree(project / "rows", {"policies/all.yaml": OPERATOR})
    assert codes(mlcc, "--registry", str(project / "rows"), code=1) == [("MLCC190", "error", "deployment.region")]
    monkeypatch.setenv("MLCC_REGISTRY_PATH", str(project / "rows"))
    assert codes(mlcc, code=1) == [("MLCC190", "error", "deployment.region")]


def test_the_catalog_lists_rules(mlcc: Caller, project: Path):
    rows = json.loads(mlcc("catalog", "policies", "--json", code=0).stdout)["rows"]
    assert [r["name"] for r in rows] == ["count", "regions"]
    build_tree(project / "rows", {"policies/all.yaml": OPERATOR})
    rows = json.loads(mlcc("catalog", "policies", "--json", "--registry", str(project / "rows"), code=0).stdout)["rows"]
    assert len(rows) == 3
    shown = mlcc("catalog", "policies", "regions", code=0).stdout
    assert "deployment.region" in shown
    mlcc("catalog", "policies", "none", code=1)


@pytest.mark.parametrize(
    ("files", "code", "where"),
    [
        ({"policies/org.yaml": "version: 1\nkind: policies\nrows: {a: {path: x}}\n"}, "MLCC0", "policies/org.yaml"),
        ({"policies/org.yaml": "version: 1\nkind: targets\nrows: {}\n"}, "MLCC403", "policies/org.yaml"),
        (
            {"policies/org.yaml": "version: 1\nkind: policies\nrows: {A_B: {path: x, required: true}}\n"},
            "MLCC0",
            "policies",
        ),
        ({"policies/org.yaml": RULES, "policies/sub/targets.yaml": "x"}, "MLCC404", "policies/sub/targets.yaml"),
        ({"policies/org.yaml": RULES, "policies/org.txt": "x"}, "", ""),
    ],
)
def test_what_is_wrong_with_a_file_of_rules_is_reported(mlcc: Caller, files, code, where):
    build_tree(Path(), {"mlcc.yaml": PROJECT, **files})
    result = mlcc("validate", "--json", code=1)
    assert_no_traceback(result)
    found = [f for f in json.loads(result.stdout)["findings"] if f["code"] != "MLCC190"]
    assert bool(found) is bool(code)
    assert all(f["code"].startswith(code) and f["file"].startswith(where) for f in found)


def test_a_folder_that_is_not_there_or_not_the_project_s_is_refused(mlcc: Caller, tmp_path: Path):
    build_tree(Path(), {"mlcc.yaml": PROJECT})
    assert codes(mlcc, code=1)[0] == ("MLCC402", "error", "policies")
    Path("policies").symlink_to(tmp_path)
    assert codes(mlcc, code=1)[0] == ("MLCC402", "error", "policies")


# ---------------------------------------------------------------- waivers
WAIVED = """\
waivers:
  - {policy: regions, owner: ml@example.com, reason: the old contract, expires: "LAST"}
"""


def waived_until(last: str) -> None:
    Path("policies/org.yaml").write_text(RULES + WAIVED.replace("LAST", last))


def test_a_waiver_is_shown_with_its_owner_reason_and_day(mlcc: Caller, project: Path):
    waived_until("2099-03-31")
    assert codes(mlcc, code=0)[0] == ("MLCC400", "note", "deployment.region")
    for command in ("validate", "plan"):
        result = mlcc(command, code=0)
        assert "waived by ml@example.com until 2099-03-31: the old contract" in result.stdout + result.stderr
    shown = json.loads(mlcc("plan", "--json", code=0).stdout)["findings"]
    assert [f["code"] for f in shown if "waived by" in f["message"]] == ["MLCC400"]


def test_an_expired_waiver_stops_checks_and_what_apply_writes_does_not_depend_on_the_day(mlcc: Caller, project: Path):
    waived_until("2020-01-31")
    for command in (["validate"], ["plan"], ["apply", "--check"]):
        result = mlcc(*command, code=1)
        assert "MLCC407" in result.stdout + result.stderr
        assert "MLCC190" in result.stdout + result.stderr
    assert not Path("mlcc.lock").exists()
    assert "waived by" in mlcc("apply", code=0).stderr
    lock = Path("mlcc.lock").read_bytes()
    mlcc("apply", "--locked", code=0)
    waived_until("2099-01-31")
    mlcc("apply", code=0)
    after = Path("mlcc.lock").read_bytes()
    changed = [line for line, new in zip(lock.splitlines(), after.splitlines(), strict=True) if line != new]
    assert [line.partition(b":")[0] for line in changed] == [b'  "./policies"']


def test_a_project_cannot_waive_the_operator_s_rule(mlcc: Caller, project: Path):
    build_tree(project / "rows", {"policies/all.yaml": OPERATOR.replace("regions", "contract")})
    Path("policies/org.yaml").write_text(
        "version: 1\nkind: policies\n" + WAIVED.replace("regions", "contract").replace("LAST", "2099-01-31")
    )
    found = codes(mlcc, "--registry", str(project / "rows"), code=1)
    assert [code for code, *_ in found] == ["MLCC190", "MLCC408"]


def test_a_record_of_a_run_is_not_used_on_another_day(project: Path):
    """The day is a part of the name under which a run is recorded."""
    import time

    from mlcc.cli import replay

    first = replay.key(["validate"], {}, ())
    assert first == replay.key(["validate"], {}, ())
    day, replay.DAY = replay.DAY, time.strftime(replay.DAY, time.gmtime(0))
    try:
        assert first != replay.key(["validate"], {}, ())
    finally:
        replay.DAY = day


@pytest.mark.parametrize("last", ["2026-02-31x", "31.12.2026", "2026-13-01", "soon"])
def test_a_last_day_is_a_day(mlcc: Caller, project: Path, last: str):
    waived_until(last)
    assert [c for c, *_ in codes(mlcc, code=1) if c == "MLCC023"]
