"""Policies: rows that say which values are allowed, judged for every environment, none of them overridden."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlcc.checks import policies, policy_facts
from mlcc.checks.runner import built_in
from mlcc.checks.subject import Subject
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.nodes import Mark
from mlcc.core.value_text import scalar_text
from mlcc.registries.loader import Registries, load
from mlcc.registries.policy_rows import Policy
from tests.fakes import MemoryRegistries, Over, read, resolved

TEXT = """
version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: eu-west-1, instance_type: ml.g5.12xlarge, instance_count: 2}
model: {name: Qwen/Qwen3-4B}
engine: {max_model_len: 4096, tensor_parallel_size: max, trust_remote_code: true}
network: {subnets: [subnet-0a, subnet-0b]}
tags: {team: ml, cost: high, "a.b": dotted}
env: {API_TOKEN_FILE: /run/x, OTHER_TOKEN: abcdef, SIZE: 'nan'}
inference_components: [{name: a, gpu_count: 1}, {name: b, gpu_count: 3}]
environments: {prod: {deployment: {instance_count: 4}}}
"""


def known(*rows: dict[str, Any]) -> MemoryRegistries:
    named = {row.get("name", f"rule-{n}"): {k: v for k, v in row.items() if k != "name"} for n, row in enumerate(rows)}
    return Over(policies__org=json.dumps({"version": 1, "kind": "policies", "source": "test", "rows": named}))


def found(row: dict[str, Any], env: str | None = None, text: str = TEXT, code: str = "MLCC190") -> list[Finding]:
    """Findings of one rule."""
    registries = known(row)
    return list(built_in()[code](Subject(resolved(text, known=registries, env=env), registries, read(text).root)))


# a rule, and the path and words of what it finds (none when it is kept)
RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"path": "deployment.region", "allowed": ["us-east-1", "eu-*"]}, "", ""),
    ({"path": "deployment.region", "allowed": ["us-*"]}, "deployment.region",
     "deployment.region 'eu-west-1' is not one of us-*"),
    ({"path": "deployment.instance_type", "forbidden": ["ml.p*", "ml.g5.*"]}, "deployment.instance_type",
     "deployment.instance_type 'ml.g5.12xlarge' is forbidden (as are ml.g5.*, ml.p*)"),
    ({"path": "deployment.instance_type", "forbidden": ["ml.p*"]}, "", ""),
    ({"path": "engine.trust_remote_code", "forbidden": [True]}, "engine.trust_remote_code", "'true' is forbidden"),
    ({"path": "deployment.instance_count", "at_most": 2}, "", ""),
    ({"path": "deployment.instance_count", "at_most": 1.5}, "deployment.instance_count", "'2' is above 1.5"),
    ({"path": "deployment.instance_count", "at_least": 3}, "deployment.instance_count", "'2' is below 3"),
    ({"path": "engine.tensor_parallel_size", "at_most": 8}, "engine.tensor_parallel_size", "'max' cannot be compared with 8"),
    ({"path": "engine.trust_remote_code", "at_most": 8}, "engine.trust_remote_code", "cannot be compared with 8"),
    ({"path": "env.SIZE", "at_most": 1}, "env.SIZE", "is above 1"),
    ({"path": "env.SIZE", "at_least": 1}, "env.SIZE", "is below 1"),
    ({"path": "tags.owner", "required": True}, "tags.owner", "tags.owner is missing"),
    ({"path": "tags.team", "required": True}, "", ""),
    ({"path": "tags.*", "required": True}, "", ""),
    ({"path": "adapters[*].base", "required": True}, "adapters[*].base", "adapters[*].base is missing"),
    ({"path": "tags.owner", "allowed": ["me"]}, "", ""),
    ({"path": "network.subnets", "allowed": ["subnet-0a", "subnet-0b"]}, "", ""),
    ({"path": "network.subnets", "allowed": ["subnet-0a"]}, "network.subnets", "'subnet-0b' is not one of subnet-0a"),
    ({"path": "network.subnets[*]", "forbidden": ["subnet-0b"]}, "network.subnets", "'subnet-0b' is forbidden"),
    ({"path": "network.subnets[*]", "required": True}, "", ""),
    ({"path": "tags.*", "forbidden": ["dotted"]}, 'tags["a.b"]', "'dotted' is forbidden"),
    ({"path": "network.subnets", "forbidden": ["*subnet-0b*"]}, "network.subnets", "'subnet-0b' is forbidden"),
    ({"path": "inference_components[*].gpu_count", "at_most": 2}, "inference_components[b].gpu_count", "'3' is above 2"),
    ({"path": "inference_components[a].gpu_count", "at_least": 2}, "inference_components[a].gpu_count", "'1' is below 2"),
    ({"path": "env.OTHER_TOKEN", "forbidden": ["*"]}, "env.OTHER_TOKEN", "rule-0: env.OTHER_TOKEN is forbidden"),
    ({"path": "facts.accelerator_name", "allowed": ["A10G"]}, "", ""),
    ({"path": "facts.accelerator_count", "at_most": 1}, "deployment.instance_type", "facts.accelerator_count '4' is above 1"),
    ({"path": "facts.accelerator", "forbidden": ["cuda"]}, "deployment.instance_type", "facts.accelerator 'cuda'"),
    ({"path": "facts.cost_usd_per_hour", "at_most": 1}, "deployment.instance_type", "is above 1"),
    ({"path": "facts.cost_usd_per_hour", "at_most": 100}, "", ""),
    ({"path": "facts.environment", "forbidden": ["prod"]}, "", ""),
    ({"path": "facts.model_gated", "forbidden": [True]}, "", ""),
    ({"path": "facts.model_family", "allowed": ["llama*"]}, "model.name", "'qwen3' is not one of llama*"),
    ({"path": "facts.instance_family", "forbidden": ["g5"]}, "deployment.instance_type", "'g5' is forbidden"),
    ({"path": "facts.model_validation_level", "at_least": "unknown"}, "", ""),
    ({"path": "facts.framework_validation_level", "at_least": "tested"}, "framework.version",
     "facts.framework_validation_level 'experimental' is below tested"),
    ({"path": "facts.config_validation_level", "at_most": "unknown"}, "deployment.config", "is above unknown"),
    ({"path": "deployment.region", "allowed": ["x"], "when": {"facts.environment": ["prod"]}}, "", ""),
    ({"path": "deployment.region", "allowed": ["x"], "when": {"facts.environment": ["default"], "tags.team": ["m*"]}},
     "deployment.region", "is not one of x"),
    ({"path": "deployment.region", "allowed": ["x"], "when": {"tags.owner": ["*"]}}, "", ""),
    ({"path": "deployment.region", "allowed": ["x"], "unless": {"project.name": ["chat", "other"]}}, "", ""),
    ({"path": "deployment.region", "allowed": ["x"], "unless": {"project.name": ["other"]}}, "deployment.region", "is not"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "path", "words"), RULES, ids=lambda v: json.dumps(v) if isinstance(v, dict) else "")
def test_rules(row, path, words):
    findings = found(row)
    assert [f.path for f in findings] == ([path] if path else [])
    for finding in findings:
        assert words in finding.message
        assert (finding.code, finding.severity) == ("MLCC190", Severity.ERROR)
        assert finding.hint.endswith("policies/org.yaml:1")
    assert not found(row, code="MLCC191")


def test_the_rule_of_an_environment():
    row = {"path": "deployment.instance_count", "at_most": 2, "when": {"facts.environment": ["prod"]}}
    assert not found(row)
    assert [f.message for f in found(row, env="prod")] == ["rule-0: deployment.instance_count '4' is above 2"]


def test_words_severity_and_hint_are_the_rule_s_own():
    row = {"name": "no-g5", "path": "deployment.instance_type", "forbidden": ["ml.g5.*"], "severity": "warning",
           "message": "we have no quota", "hint": "ask for one"}  # fmt: skip
    finding = found(row)[0]
    assert finding.severity == Severity.WARNING
    assert finding.message == "no-g5: we have no quota (deployment.instance_type 'ml.g5.12xlarge' is forbidden)"
    assert finding.hint.startswith("ask for one; policy at ")


def test_an_unknown_cost_does_not_pass():
    row, other = {"path": "facts.cost_usd_per_hour", "at_most": 1}, TEXT.replace("ml.g5.12xlarge", "ml.of.yours")
    finding = found(row, text=other)[0]
    assert finding.path == "deployment.instance_type"
    assert finding.message.endswith("facts.cost_usd_per_hour is not known for this choice, and so cannot be checked")
    assert not found({"path": "facts.accelerator_name", "allowed": ["A10G"]}, text=other)


@pytest.mark.parametrize(
    ("row", "path", "hint"),
    [
        ({"path": "deployment.regoin", "allowed": ["x"]}, "deployment.regoin", "did you mean deployment.region?"),
        ({"path": "facts.cost", "at_most": 1}, "facts.cost", "did you mean facts.cost_usd_per_hour?"),
        ({"path": "facts.environmet", "allowed": ["x"]}, "facts.environmet", "did you mean facts.environment?"),
        ({"path": "facts.zzz", "allowed": ["x"]}, "facts.zzz", "facts: accelerator, "),
        ({"path": "facts.cost_usd_per_hour", "at_least": "tested"}, "facts.cost_usd_per_hour", "compare it with"),
        ({"path": "facts.config_validation_level", "at_least": 3}, "facts.config_validation_level", "compare it with"),
        ({"path": "facts.accelerator", "at_most": 3}, "facts.accelerator", "compare it with"),
        ({"path": "deployment.instance_count", "at_least": "tested"}, "deployment.instance_count", "compare it with"),
        ({"path": "networks.subnets", "required": True}, "networks.subnets", "did you mean network.subnets?"),
        ({"path": "network", "required": True}, "network", ""),
        ({"path": "extends", "forbidden": ["*"]}, "extends", ""),
        ({"path": "registries[*]", "forbidden": ["*"]}, "registries[*]", ""),
        ({"path": "deployment.[", "required": True}, "deployment.[", ""),
        ({"path": "deployment.region", "allowed": ["x"], "when": {"tgas.team": ["x"]}}, "tgas.team", ""),
        ({"path": "deployment.region", "allowed": ["x"], "unless": {"no": ["x"]}}, "no", ""),
    ],
)
def test_a_rule_about_nothing_is_a_mistake_of_the_rule(row, path, hint):
    assert not found(row)
    finding = found(row, code="MLCC191")[0]
    assert (finding.code, finding.severity, finding.path) == ("MLCC191", Severity.ERROR, path)
    assert finding.file.endswith("policies/org.yaml")
    assert finding.line
    assert finding.hint.startswith(hint)


def test_every_fact_has_a_place_in_mlcc_yaml():
    subject = resolved(TEXT, known=load())
    for name, fact in policy_facts.FACTS.items():
        assert policies.exists(fact.path) or fact.path == "environments", name
        assert policies.values(policy_facts.PolicyContext(subject, load()), f"facts.{name}"), name


def test_no_rule_overrides_another():
    def rows(limit: int) -> str:
        row = {"path": "deployment.instance_count", "at_most": limit}
        return json.dumps({"version": 1, "kind": "policies", "source": "test", "rows": {"count": row}})

    registries = MemoryRegistries(
        {"policies/a.yaml": rows(1)}, {"policies/a.yaml": rows(100), "policies/b.yaml": rows(3)}
    )
    assert [p.at_most for p in registries.policies] == [1, 100, 3]


def test_values_are_compared_as_yaml_writes_them():
    assert [scalar_text(value) for value in (1, True, "a")] == ["1", "true", "a"]
    assert policies.wrong(Policy("x", "y", Mark(""), at_most=1), 10**400) == "cannot be compared with 1"
    assert policies.wrong(Policy("x", "y", Mark(""), at_most=1), "1") == ""


def test_a_file_that_is_refused_is_read_once() -> None:
    read_files: list[str] = []

    def refuse(name: str) -> None:
        read_files.append(name)
        raise UserError([error("MLCC402", "no")])

    registries = Registries(())
    for _ in range(3):
        with pytest.raises(UserError):
            registries._once(refuse, "a.yaml")
    assert read_files == ["a.yaml"]
