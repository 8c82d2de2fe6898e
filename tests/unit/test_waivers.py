"""Waivers of policies: whom they cover, until when, and what is said of them; and the rules that came with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.checks import policies, waivers
from mlcc.checks.runner import built_in
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.nodes import Mark
from mlcc.registries.policy_rows import Policy
from tests.fakes import MemoryRegistries, Over, read, resolved

TEXT = """
version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: eu-west-1, instance_type: ml.g5.xlarge, instance_count: 2}
model: {name: Qwen/Qwen3-4B}
tags: {team: ml}
env: {ADDRESS: http://a.corp.example.com/x, SIZE: '3'}
scaling: {min_count: 1, max_count: 5}
inference_components: [{name: a, image: "me/it:1"}]
environments: {prod: {deployment: {instance_count: 4}}}
"""
REGIONS = {"path": "deployment.region", "allowed": ["us-*"]}
DAY = "2026-12-31"
PIN = f"me/it@sha256:{'0' * 64}"
CODES = ("MLCC190", "MLCC400", "MLCC407", "MLCC408")


def waiver(**more: Any) -> dict[str, Any]:
    return {"policy": "rule", "owner": "ml@example.com", "reason": "the old contract", "expires": DAY, **more}


def document(*given: dict[str, Any], **rows: dict[str, Any]) -> str:
    parts = {"rows": rows} if rows else {}
    return json.dumps({"version": 1, "kind": "policies", **parts, **({"waivers": given} if given else {})})


def found(registries: MemoryRegistries, today: str = "", env: str | None = None, text: str = TEXT) -> list[Finding]:
    """Findings of policies and waivers."""
    subject = Subject(resolved(text, known=registries, env=env), registries, read(text).root, today=today)
    return [f for code in CODES for f in built_in()[code](subject)]


def codes(*given: dict[str, Any], today: str = "", env: str | None = None, **rule: Any) -> list[str]:
    registries = Over(policies__org=document(*given, rule=rule or REGIONS))
    return [f.code for f in found(registries, today, env)]


@pytest.mark.parametrize(
    ("given", "env", "expected"),
    [
        ({}, None, "MLCC400"),
        ({"projects": ["legacy-*", "cha*"]}, None, "MLCC400"),
        ({"projects": ["legacy-*"]}, None, "MLCC190"),
        ({"environments": ["default"]}, None, "MLCC400"),
        ({"environments": ["default"]}, "prod", "MLCC190"),
        ({"environments": ["pr*"]}, "prod", "MLCC400"),
        ({"paths": ["deployment.*"]}, None, "MLCC400"),
        ({"paths": ["env.*"]}, None, "MLCC190"),
        ({"projects": ["chat"], "environments": ["prod"]}, None, "MLCC190"),
    ],
)
def test_a_waiver_covers_what_all_its_patterns_name(given, env, expected):
    assert codes(waiver(**given), env=env) == [expected]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("", ["MLCC400"]),
        ("2026-12-30", ["MLCC400"]),
        (DAY, ["MLCC400"]),
        ("2027-01-01", ["MLCC190", "MLCC407"]),
    ],
)
def test_it_holds_to_the_end_of_its_last_day_and_the_day_matters_only_where_it_is_given(today, expected):
    assert codes(waiver(), today=today) == expected


def test_of_several_the_longest_counts():
    later = waiver(expires="2028-01-31", owner="board@example.com")
    registries = Over(policies__org=document(waiver(), later, rule=REGIONS))
    finding = found(registries, "2027-06-01")[0]
    assert finding.code == "MLCC400"
    assert "board@example.com" in finding.message


def test_what_is_said_of_it():
    registries = Over(policies__org=document(waiver(), rule={**REGIONS, "severity": "warning"}))
    note = found(registries, DAY)[0]
    assert (note.severity, note.path) == (Severity.NOTE, "deployment.region")
    assert note.message.endswith("; waived by ml@example.com until 2026-12-31: the old contract")
    assert "waiver at test1:policies/org.yaml:1" in note.hint
    late = found(registries, "2027-02-01")[1]
    assert (late.code, late.severity, late.file) == ("MLCC407", Severity.ERROR, "test1:policies/org.yaml")
    assert "ml@example.com" in late.message


def test_a_waiver_reaches_only_the_rules_of_its_own_folder():
    registries = MemoryRegistries(
        {"policies/a.yaml": document(rule=REGIONS)},
        {"policies/a.yaml": document(waiver()), "policies/b.yaml": document(other=REGIONS)},
    )
    assert [rule.waivers for rule in registries.policies] == [(), ()]
    assert [w.policy for folder in registries.policy_folders for w in folder.stray] == ["rule"]


def test_a_waiver_in_another_file_of_the_folder_counts_and_a_wrong_name_is_an_error():
    registries = Over(policies__org=document(rule=REGIONS), policies__waived=document(waiver(), waiver(policy="ruel")))
    first, stray = found(registries)
    assert (first.code, stray.code) == ("MLCC400", "MLCC408")
    assert "did you mean rule?" in stray.hint


def test_a_rule_that_is_kept_needs_no_waiver():
    assert codes(waiver(), today="2030-01-01", path="deployment.region", allowed=["eu-*"]) == []


# ---------------------------------------------------------------- kinds of rules
@pytest.mark.parametrize(
    ("rule", "paths"),
    [
        ({"path": "tags", "required_keys": ["team"]}, []),
        ({"path": "tags", "required_keys": ["owner", "team", "cost-center"]}, ["tags.owner", "tags.cost-center"]),
        ({"path": "env", "required_keys": ["SIZE"]}, []),
        ({"path": "facts.container_images", "pinned": True},
         ["framework.base_image", "inference_components[a].image"]),
        ({"path": "inference_components[*].image", "pinned": True}, ["inference_components[a].image"]),
        ({"path": "*", "forbidden_literals": ["*.corp.example.com*"]}, ["env.ADDRESS"]),
        ({"path": "tags.*", "forbidden_literals": ["*.corp.example.com*"]}, []),
        ({"path": "facts.instance_validation_level", "at_least": "tested"}, ["deployment.instance_type"]),
    ],
)  # fmt: skip
def test_rules_about_keys_images_and_texts(rule, paths):
    registries = Over(policies__org=document(rule=rule))
    assert [f.path for f in found(registries)] == paths


@pytest.mark.parametrize(("image", "pinned"), [
    (PIN, True), ("me/it:1", False), ("me/it@sha256:00", False), (f"{PIN}0", False), (f"a {PIN}", False),
    (f"@sha256:{'0' * 64}", False),
])  # fmt: skip
def test_a_pinned_image_has_its_whole_digest(image, pinned):
    rule = Policy("rule", "inference_components[a].image", Mark(""), pinned=True)
    assert (policies.wrong(rule, image) == "") is pinned


def test_a_forbidden_literal_is_shown_nowhere():
    rule = {"path": "*", "forbidden_literals": ["*.corp.example.com*"]}
    finding = found(Over(policies__org=document(rule=rule)))[0]
    assert "corp" not in " ".join(map(str, finding))


@pytest.mark.parametrize("path", ["deployment.region", "tags.*", "facts.environment", "nothing", "deployment"])
def test_keys_can_be_required_of_a_mapping_of_free_keys_only(path):
    registries = Over(policies__org=document(rule={"path": path, "required_keys": ["a"]}))
    subject = Subject(resolved(TEXT, known=registries), registries, read(TEXT).root)
    assert [f.code for f in built_in()["MLCC191"](subject)] == ["MLCC191"]


def test_a_ceiling_fails_where_no_price_is_known():
    text = TEXT.replace("ml.g5.xlarge", "ml.new.xlarge")
    registries = Over(policies__org=document(rule={"path": "facts.cost_usd_per_month", "at_most": 1e9}))
    assert ["cannot be checked" in f.message for f in found(registries, text=text)] == [True]


def test_the_words_of_a_waiver_are_printable():
    registries = Over(policies__org=document(waiver(reason="a\x1b[31mb\nc"), rule=REGIONS))
    assert "\x1b" not in waivers.words(registries.policies[0].waivers[0])
    assert "\n" not in waivers.words(registries.policies[0].waivers[0])
