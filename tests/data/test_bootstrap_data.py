"""The templates of bootstrap, its modules, and the table of permissions: true to one another and to the code."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.io.yaml import reader
from mlcc.io.yaml.limits import OPERATOR_LIMITS
from mlcc.lifecycle.bootstrap import adoption, permissions
from mlcc.lifecycle.bootstrap.modules import IDENTIFIERS, Module, known_modules
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.loader import load
from tests.aws import walker
from tests.contract.house import modules_of, tree
from tests.helpers import ROOT, read_yaml

KNOWN = known_modules(load())
FOLDER = ROOT / "registries" / "cloudformation"
ROWS = {name: row.facts for name, row in load().entries("aws_permissions").items()}
PROFILE = Profile("dev", "us-east-1", "123456789012")
each_module = pytest.mark.parametrize("module", KNOWN.values(), ids=[*KNOWN])
# Actions whose resource cannot be named, or is nobody's yet, in the service authorization reference.
UNSCOPED = re.compile(r"ecr:GetAuthorizationToken|cloudwatch:PutMetricData|ec2:\w+")


def statements(node: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy in a template."""
    if isinstance(node, dict):
        yield from node.get("Statement", ())
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


def words(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# ---------------------------------------------------------------- templates
def test_every_template_is_a_module_s() -> None:
    assert sorted(m.template for m in KNOWN.values()) == sorted(p.name for p in FOLDER.iterdir())


@each_module
def test_every_reader_of_yaml_reads_a_template_alike(module: Module) -> None:
    data = (FOLDER / module.template).read_bytes()
    slow = reader.load_yaml(data, "x", OPERATOR_LIMITS)
    assert slow.findings == ()
    assert slow.root is not None
    assert slow.root.plain() == module.document() == read_yaml(FOLDER / module.template)
    assert len(data) <= 51_200, "what CloudFormation takes as a text"


@each_module
def test_parameters_and_outputs_are_those_of_the_row(module: Module) -> None:
    document = module.document()
    assert [*document["Parameters"]] == [*module.values(PROFILE)] or set(document["Parameters"]) == {*module.parameters}
    assert {*document["Outputs"]} == {*module.outputs}
    assert all("Description" in one for part in ("Parameters", "Outputs") for one in document[part].values())
    PROFILE.with_fields(dict.fromkeys(module.outputs.values(), "x"))
    for name, value in module.values(PROFILE).items():
        parameter = document["Parameters"][name]
        assert re.fullmatch(parameter.get("AllowedPattern", ".*"), value)
        assert value in parameter.get("AllowedValues", [value])


@each_module
def test_what_stays_can_be_adopted_and_carries_the_tag(module: Module) -> None:
    for logical, one in module.document()["Resources"].items():
        data = one["Type"] in IDENTIFIERS
        assert (one.get("DeletionPolicy") == "Retain") == data, f"{logical}: what holds data stays, all else goes"
        assert one.get("UpdateReplacePolicy") == one.get("DeletionPolicy")
        if data:
            assert one["Type"] in adoption.LOOKS
            assert {"Key": "mlcc:bootstrap", "Value": {"Ref": "Prefix"}} in one["Properties"]["Tags"]


@each_module
def test_buckets_are_private_and_encrypted(module: Module) -> None:
    resources = module.document()["Resources"]
    buckets = {name: one["Properties"] for name, one in resources.items() if one["Type"] == "AWS::S3::Bucket"}
    policies = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::S3::BucketPolicy"]
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in bucket
        (own,) = [p for p in policies if p["Bucket"] == {"Ref": name}]
        assert own["PolicyDocument"]["Statement"][0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@each_module
def test_policies_of_templates_allow_no_more_than_they_name(module: Module) -> None:
    for statement in statements(module.document()):
        if statement["Effect"] == "Deny":
            continue
        actions = words(statement["Action"])
        assert not [a for a in actions if "*" in a], statement
        assert "NotAction" not in statement
        if statement.get("Resource") == "*":
            assert all(UNSCOPED.fullmatch(a) for a in actions), statement


def test_the_role_is_sagemaker_s_of_this_account_alone() -> None:
    role = KNOWN["core"].document()["Resources"]["ExecutionRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


# ---------------------------------------------------------------- permissions
@functools.cache
def operations(service: str) -> frozenset[str]:
    return frozenset(walker.service_model(service).operation_names)


def texts(module: str) -> set[str]:
    return {n.value for n in ast.walk(tree(module)) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def service_of(module: str) -> str:
    """The service of a module of io/aws: its SERVICE, or what its name says."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and any(
            ast.unparse(t).startswith(("SERVICE", "(SERVICE")) for t in node.targets
        ):
            return str(next(n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)))
    return module.rpartition(".")[2]


# No service, and one that only `mlcc dev aws` calls, beside itself.
OURS = ("mlcc.io.aws.connection", "mlcc.io.aws.paging", "mlcc.io.aws.sns")
CLIENTS = [
    m for m in modules_of("io.aws") if "caller.call(" in ast.unparse(tree(m)) or "elements(" in ast.unparse(tree(m))
]


def test_the_table_names_what_the_code_calls() -> None:
    """In io/aws by service and name; elsewhere, where calls are data, by name."""
    listed = {(row["service"], name) for row in ROWS.values() for name in row.get("operations", {})}
    assert [(service, name) for service, name in listed if name not in operations(service)] == []
    services = {m: service_of(m) for m in CLIENTS if m not in OURS}
    called = {(service, text) for m, service in services.items() for text in texts(m) & operations(service)}
    assert called - listed == set(), "called, and in no row"
    known = frozenset[str]().union(*(operations(service) for service, _ in listed))
    as_data = {text for module in modules_of("lifecycle") for text in texts(module) & known}
    assert as_data - {name for _, name in listed} == set(), "called, and in no row"
    assert {name for _, name in listed - called} - as_data == set(), "in a row, and never called"


def test_every_client_is_looked_at() -> None:
    """Else a new service could be called without a row."""
    assert len(CLIENTS) >= 12
    assert {service_of(m) for m in CLIENTS} >= {"sts", "s3", "ecr", "sagemaker-runtime", "application-autoscaling"}


def size(policy: dict[str, Any]) -> int:
    """As IAM counts it: without whitespace."""
    return len(json.dumps(policy, separators=(",", ":")))


# Names as long as they may be.
LONG = Profile("p" * 40, "ap-northeast-1", "123456789012", prefix="p" * 20, repository="r" * 200)
NAMED = [
    tuple(found.split())
    for page in sorted((ROOT / "docs").glob("*.md"))
    for found in re.findall(r"mlcc bootstrap policy((?:[ \n][a-z]+)+)(?=[`\n])", page.read_text())
]


@pytest.mark.parametrize("profile", [PROFILE, Profile("none", "*"), LONG], ids=["dev", "none", "long"])
@pytest.mark.parametrize("uses", sorted({*NAMED, permissions.USES, ("bootstrap", "deploy", "submit")}))
def test_policies_fit_and_hold_every_statement_once(uses: tuple[str, ...], profile: Profile) -> None:
    made = permissions.policies(load(), uses, profile)
    assert {name: size(one) for name, one in made.items() if size(one) > 6_144} == {}
    sids = [s["Sid"] for one in made.values() for s in one["Statement"]]
    whole = permissions.policy(permissions.statements(load(), uses, profile))
    assert sorted(sids) == sorted(s["Sid"] for s in whole["Statement"])
    assert len(made) <= 10, "as many as a role or a user may have"


def test_what_docs_name_is_one_policy_each() -> None:
    assert {("bootstrap",), ("deploy", "submit")} <= set(NAMED)
    for uses in NAMED:
        assert len(permissions.policies(load(), uses, PROFILE)) == 1, uses


@pytest.mark.parametrize("use", permissions.USES)
def test_a_policy_is_one_that_iam_takes(use: str) -> None:
    found = permissions.policy(permissions.statements(load(), [use], PROFILE))
    assert size(found) <= 6_144, "what IAM takes as a managed policy"
    assert "{" not in "".join(r for s in found["Statement"] for r in s["Resource"])
    sids = [s["Sid"] for s in found["Statement"]]
    assert len(sids) == len(set(sids))
    for statement in found["Statement"]:
        assert not [a for a in statement["Action"] if "*" in a]


def test_writes_are_allowed_on_named_resources_only() -> None:
    reads = re.compile(r"[a-z-]+:(?:Describe|List|Get)\w+")
    for statement in permissions.statements(load(), permissions.USES, PROFILE):
        if "*" in statement.resources:
            assert all(reads.fullmatch(a) for a in statement.actions), statement


def test_a_policy_without_a_profile_holds_for_every_account() -> None:
    found = permissions.statements(load(), ["deploy"], Profile("none", "*"))
    assert "arn:aws:iam::*:role/mlcc-sagemaker-execution-role" in {r for s in found for r in s.resources}
