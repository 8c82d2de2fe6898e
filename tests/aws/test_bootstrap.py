"""mlcc bootstrap on a stand-in for CloudFormation: made, adopted, refused, undone, drifted, taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.io.aws.connection import AwsError
from mlcc.io.aws.sts import Sts
from mlcc.lifecycle.bootstrap import checkup, drift, permissions, profiles, remains, secrets, setup, stacks
from mlcc.lifecycle.bootstrap.modules import Kept, known_modules
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.registries.loader import load
from tests.aws import walker
from tests.aws.stacks_cloud import FORBIDDEN, NUMBER, REGION, ROLE, TAGGED, Cloud, pairs, template

MODULES = known_modules(load())
CORE = MODULES["core"]
DEV = Profile("dev", REGION)
STACK = "mlcc-bootstrap-dev-core"
BUCKETS = [f"mlcc-{name}-{NUMBER}-{REGION}" for name in ("adapters", "async", "batch", "models", "tune")]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def deploy(cloud: Cloud, home: Path, profile: Profile = DEV, carry_out: bool = True) -> tuple[Profile, list[str]]:
    made, changes = setup.deploy(cloud.tools(), str(home), profile, [CORE], carry_out)
    return made, [f"{one.action} {one.resource}" for one in changes]


def code(problem: pytest.ExceptionInfo[MlccError]) -> str:
    return problem.value.findings[0].code


def test_made_once_and_then_as_it_shall_be(cloud: Cloud, tmp_path: Path) -> None:
    profile, changes = deploy(cloud, tmp_path)
    assert "create ExecutionRole" in changes
    assert (profile.account_id, profile.role_arn, profile.modules) == (NUMBER, ROLE, ("core",))
    assert profile.buckets.models == "models"
    assert profiles.read(str(tmp_path)).profiles["dev"] == profile
    assert cloud.stacks[STACK]["Tags"] == [
        {"Key": "mlcc:bootstrap", "Value": "mlcc"}, {"Key": "mlcc:profile", "Value": "dev"},
    ]  # fmt: skip
    before, cloud.empty = cloud.operations(), True
    assert deploy(cloud, tmp_path, profile) == (profile, [])
    assert cloud.operations() == [*before, "CreateChangeSet", "DeleteChangeSet"]


def test_a_plan_changes_nothing(cloud: Cloud, tmp_path: Path) -> None:
    _, changes = deploy(cloud, tmp_path, carry_out=False)
    assert "create ModelsBucket" in changes
    assert (cloud.stacks, cloud.sets) == ({}, {})
    assert not (tmp_path / "config.yaml").exists()


def test_the_dry_run_is_what_the_first_deployment_calls(cloud: Cloud, tmp_path: Path) -> None:
    shown, assumed = setup.calls(DEV, [*MODULES.values()])
    assert [p for c in shown for p in walker.problems(c["service"], c["operation"], c["parameters"])] == []
    assert assumed
    deploy(cloud, tmp_path)
    called = next(parameters for name, parameters in cloud.asked if name == "CreateChangeSet")
    first = next(c["parameters"] for c in shown if c["parameters"]["StackName"] == STACK)
    assert {**called, "ChangeSetName": ""} == {**first, "ChangeSetName": ""}
    assert len(called["TemplateBody"].encode()) <= 51_200, "what CloudFormation takes"


def test_what_an_earlier_stack_left_is_adopted(cloud: Cloud, tmp_path: Path) -> None:
    cloud.buckets = dict.fromkeys(BUCKETS[:2], TAGGED)
    cloud.repositories = {"ml-container-creator": TAGGED}
    _, planned = deploy(cloud, tmp_path, carry_out=False)
    assert {"adopt Repository", "adopt AsyncBucket", "create BatchBucket", "create ExecutionRole"} <= {*planned}
    assert cloud.stacks == {}
    _, changes = deploy(cloud, tmp_path)
    assert {one for one in changes if one.startswith("adopt")} == {
        "adopt AdaptersBucket", "adopt AsyncBucket", "adopt Repository",
    }  # fmt: skip
    adoption, update = [parameters for name, parameters in cloud.asked if name == "CreateChangeSet"][-2:]
    assert [*template(adoption)["Resources"]] == ["Repository", "AdaptersBucket", "AsyncBucket"]
    assert "Outputs" not in template(adoption), "an import takes none"
    assert adoption["ResourcesToImport"][1] == {
        "ResourceType": "AWS::S3::Bucket", "LogicalResourceId": "AdaptersBucket",
        "ResourceIdentifier": {"BucketName": BUCKETS[0]},
    }  # fmt: skip
    assert update["ChangeSetType"] == "UPDATE"
    assert cloud.stacks[STACK]["StackStatus"] == "UPDATE_COMPLETE"


def test_an_adoption_that_was_interrupted_goes_on(cloud: Cloud, tmp_path: Path) -> None:
    cloud.buckets = {BUCKETS[0]: TAGGED}
    cloud.broken = ("ExecutionRole", "AccessDenied")
    with pytest.raises(UserError) as failed:
        deploy(cloud, tmp_path)
    assert code(failed) == "MLCC343"
    cloud.stacks[STACK] |= {"Tags": [], "StackStatus": "IMPORT_COMPLETE"}
    cloud.broken = ("", "")
    assert deploy(cloud, tmp_path)[0].modules == ("core",)


@pytest.mark.parametrize("kind", ["bucket", "bucket of another account", "repository", "role", "stack"])
def test_what_is_somebody_else_s_is_refused(cloud: Cloud, tmp_path: Path, kind: str) -> None:
    if kind == "repository":
        cloud.repositories = {"ml-container-creator": {"owner": "them"}}
    elif kind == "role":
        cloud.roles = {"mlcc-sagemaker-execution-role": {}}
    elif kind == "stack":
        cloud.stacks[STACK] = {
            "StackName": STACK, "StackId": "x", "StackStatus": "CREATE_COMPLETE", "resources": {}, "Tags": [],
        }  # fmt: skip
    else:
        cloud.buckets = {BUCKETS[1]: FORBIDDEN if "another" in kind else {}}
    with pytest.raises(UserError) as refused:
        deploy(cloud, tmp_path)
    assert code(refused) == "MLCC344"
    assert cloud.operations() == []


def test_a_role_is_shared_by_regions_or_the_user_s_own(cloud: Cloud, tmp_path: Path) -> None:
    cloud.roles = {"mlcc-sagemaker-execution-role": TAGGED}
    deploy(cloud, tmp_path)
    given = {p["ParameterKey"]: p["ParameterValue"] for p in cloud.stacks[STACK]["Parameters"]}
    assert given["ExistingRoleArn"] == ROLE
    cloud.roles = {}
    deploy(cloud, tmp_path)
    given = {p["ParameterKey"]: p["ParameterValue"] for p in cloud.stacks[STACK]["Parameters"]}
    assert given["ExistingRoleArn"] == ROLE, "it is settled with the stack"
    own = DEV._replace(name="own", role_arn=f"arn:aws:iam::{NUMBER}:role/service/theirs")
    deploy(cloud, tmp_path, own)
    given = {p["ParameterKey"]: p["ParameterValue"] for p in cloud.stacks["mlcc-bootstrap-own-core"]["Parameters"]}
    assert given["ExistingRoleArn"] == own.role_arn


def test_another_account_is_refused_before_any_write(cloud: Cloud, tmp_path: Path) -> None:
    other = DEV._replace(account_id="999999999999", modules=("core",))
    for act in (
        lambda: setup.deploy(cloud.tools(), str(tmp_path), other, [CORE]),
        lambda: setup.destroy(cloud.tools(), str(tmp_path), other, [CORE]),
    ):
        with pytest.raises(UserError) as refused:
            act()
        assert code(refused) == "MLCC345"
    assert [name for name, _ in cloud.asked] == ["GetCallerIdentity"] * 2


def test_the_first_reason_of_a_failure_is_told_and_the_next_run_makes_it_anew(cloud: Cloud, tmp_path: Path) -> None:
    cloud.broken = ("ExecutionRole", "not authorized to perform: iam:CreateRole\x1b[2J")
    with pytest.raises(UserError) as failed:
        deploy(cloud, tmp_path)
    assert code(failed) == "MLCC343"
    assert "ExecutionRole: not authorized to perform: iam:CreateRole\\x1b" in failed.value.findings[0].message
    with pytest.raises(UserError) as planned:
        deploy(cloud, tmp_path, carry_out=False)
    assert code(planned) == "MLCC346", "a plan does not delete what is left of it"
    cloud.broken = ("", "")
    assert deploy(cloud, tmp_path)[0].modules == ("core",)
    assert cloud.operations()[2] == "DeleteStack"


def test_a_stack_at_work_is_waited_for_and_not_for_ever(cloud: Cloud, tmp_path: Path) -> None:
    profile, _ = deploy(cloud, tmp_path)
    cloud.stacks[STACK]["StackStatus"] = "UPDATE_IN_PROGRESS"
    with pytest.raises(UserError) as endless:
        deploy(cloud, tmp_path, profile)
    assert code(endless) == "MLCC346"

    def settle(seconds: float) -> None:
        cloud.stacks[STACK]["StackStatus"] = "UPDATE_COMPLETE"

    cloud.empty = True
    outcome = stacks.deploy(cloud.tools()._replace(sleep=settle), CORE, profile, NUMBER)
    assert outcome.changes == ()


def test_a_module_is_taken_away_and_what_it_keeps_is_named(cloud: Cloud, tmp_path: Path) -> None:
    profile, _ = deploy(cloud, tmp_path)
    stays = setup.destroy(cloud.tools(), str(tmp_path), profile, [CORE])
    assert {name: [one.name for one in kept or ()] for name, kept in stays.items()} == {
        "core": ["repository", "adaptersbucket", "asyncbucket", "batchbucket", "modelsbucket", "tunebucket"]
    }
    assert cloud.stacks == {}
    left = profiles.read(str(tmp_path)).profiles["dev"]
    assert left == DEV._replace(account_id=NUMBER)
    assert setup.destroy(cloud.tools(), str(tmp_path), left, [CORE]) == {"core": None}


def test_what_stays_is_named_with_the_command_that_removes_it(cloud: Cloud, tmp_path: Path) -> None:
    profile, _ = deploy(cloud, tmp_path)
    secrets.create(cloud, profile, "hf-token", b"a-value", "", replace=False)
    cloud.secrets["mlcc/theirs"] = {"Name": "mlcc/theirs", "Tags": []}
    cloud.secrets["other/one"] = {"Name": "other/one", "Tags": pairs({"mlcc:bootstrap": "mlcc"})}
    stays = setup.destroy(cloud.tools(), str(tmp_path), profile, [CORE])
    made, unknown = remains.secrets(cloud, profile)
    table = [Kept("Table", "AWS::DynamoDB::Table", "mlcc-ci")]
    lines = list(remains.words({**stays, "ci": table, "benchmark": None}, made, unknown, profile))
    assert lines[:3] == ["core is deleted", "ci is deleted", "benchmark was not deployed"]
    assert f"(in {REGION})" in lines[3]
    assert lines[4:6] == [
        "  aws ecr delete-repository --force --repository-name repository", "  aws s3 rb --force s3://adaptersbucket"
    ]  # fmt: skip
    assert lines[-2:] == [
        "  aws dynamodb delete-table --table-name mlcc-ci",
        "  aws secretsmanager delete-secret --secret-id mlcc/hf-token",
    ]
    assert len(lines) == 4 + 6 + 2


def test_secrets_that_are_not_listed_do_not_undo_the_destruction(cloud: Cloud) -> None:
    class Denied(Cloud):
        def ListSecrets(self, **rest: Any) -> dict[str, Any]:
            raise self.refused("ListSecrets", "AccessDeniedException", "not authorized")

    made, unknown = remains.secrets(Denied(), DEV)
    assert made == []
    [gone, line] = remains.words({"core": []}, made, unknown, DEV)
    assert gone == "core is deleted"
    assert line.startswith("secrets under mlcc/ stay, too")
    assert "AccessDenied" in line


def test_every_kind_that_stays_has_a_command_that_removes_it() -> None:
    kinds = {
        one["Type"]
        for module in MODULES.values()
        for one in module.document()["Resources"].values()
        if one.get("DeletionPolicy") == "Retain"
    }
    assert kinds <= set(remains.REMOVALS)


# ---------------------------------------------------------------- drift
def test_drift_is_shown_by_resource_and_property(cloud: Cloud, tmp_path: Path) -> None:
    profile, _ = deploy(cloud, tmp_path)
    assert drift.report(cloud.tools(), CORE, profile, detect=True).drift == "IN_SYNC"
    cloud.drifts = [
        {
            "LogicalResourceId": "ModelsBucket",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [
                {
                    "PropertyPath": "/Versioning\x1b",
                    "ExpectedValue": "Off",
                    "ActualValue": "On\n",
                    "DifferenceType": "x",
                }
            ],
        }
    ]
    found = drift.report(cloud.tools(), CORE, profile, detect=True)
    assert found.drift == drift.DRIFTED
    lines = list(drift.lines(found))
    assert "    /Versioning\\x1b: Off -> On\\n" in lines
    assert any(line.split()[:1] == ["ModelsBucket"] and "MODIFIED" in line for line in lines)
    unasked = drift.report(cloud.tools(), CORE, profile, detect=False)
    assert {part.drift for part in unasked.parts} == {"NOT_CHECKED"}
    absent = drift.report(cloud.tools(), MODULES["benchmark"], profile, detect=True)
    assert list(drift.lines(absent)) == ["benchmark: not deployed (mlcc bootstrap deploy benchmark)"]


# ---------------------------------------------------------------- secrets
def test_a_secret_goes_in_and_never_out(cloud: Cloud) -> None:
    assert secrets.create(cloud, DEV, "hf-token", b"hf_one\n", "of the hub", False) == "arn:mlcc/hf-token"
    assert cloud.secrets["mlcc/hf-token"]["value"] == "hf_one"
    with pytest.raises(UserError) as there:
        secrets.create(cloud, DEV, "mlcc/hf-token", b"hf_two", "", False)
    assert code(there) == "MLCC347"
    secrets.create(cloud, DEV, "hf-token", b"hf_two", "", True)
    assert cloud.secrets["mlcc/hf-token"]["value"] == "hf_two"
    shown: Any = [*secrets.listing(cloud, DEV), secrets.describe(cloud, DEV, "hf-token")]
    assert "hf_two" not in str(shown)
    with pytest.raises(PreconditionError):
        secrets.describe(cloud, DEV, "none")
    cloud.secrets["mlcc/theirs"] = {"Name": "mlcc/theirs", "ARN": "arn", "Tags": []}
    with pytest.raises(UserError) as theirs:
        secrets.create(cloud, DEV, "theirs", b"x", "", True)
    assert code(theirs) == "MLCC344"


def test_what_is_no_secret_is_refused_and_no_error_holds_a_value(cloud: Cloud) -> None:
    for name, value in (("a b", b"x"), ("../x", b"x"), ("x", b""), ("x", b"\n"), ("x", b"\xff"), ("x", b"y" * 70_000)):
        with pytest.raises(UsageError):
            secrets.create(cloud, DEV, name, value, "", False)
    assert cloud.asked == []
    with pytest.raises(AwsError) as refused:
        secrets.create(cloud, DEV, "x", b"refuse", "", False)
    assert "refuse" not in str(refused.value)


# ---------------------------------------------------------------- doctor
def checked(cloud: Cloud, profile: Profile | None = DEV, skew: float | None = 0.0) -> dict[str, checkup.Check]:
    quotas = ["ml.g5.xlarge for endpoint usage", "ml.m5.large for endpoint usage", "ml.x1.large for endpoint usage"]
    theirs = cloud.time - skew if skew is not None else None
    asked = checkup.Asked(profile, ["deploy", "bootstrap"], quotas, lambda: cloud.time, lambda: theirs)
    found = list(checkup.checks(asked, cloud, load()))
    return {f"{one.what} {one.found}" if one.what == "quota" else one.what: one for one in found}


def test_doctor_says_what_is_wrong_and_what_to_do(cloud: Cloud) -> None:
    cloud.refuses = {"iam:PassRole", "s3:CreateBucket"}
    found = checked(cloud, skew=400.0)
    assert found["profile"].hint == "mlcc bootstrap deploy"
    assert (found["may deploy"].state, found["may deploy"].found) == ("broken", "not allowed: iam:PassRole")
    assert found["may bootstrap"].hint == "mlcc bootstrap policy bootstrap prints what to ask an administrator for"
    assert found["clock"].state == "broken"
    assert found["clock"].found == "400 s ahead of AWS"
    assert found["quota ml.g5.xlarge for endpoint usage: 0"].state == "broken"
    assert found["quota ml.m5.large for endpoint usage: 4"].state == "ok"
    assert checked(cloud, DEV._replace(account_id="9" * 12))["account"].state == "broken"
    cloud.refuses = set()
    fine = checked(cloud, DEV._replace(modules=("core",)), skew=-3.0)
    assert {one.state for name, one in fine.items() if "quota" not in name} == {"ok"}
    assert checked(cloud, None)["profile"].state == "missing"


def test_the_simulation_asks_each_action_for_a_resource_of_its_service(cloud: Cloud) -> None:
    found = permissions.statements(load(), permissions.USES, DEV, NUMBER)
    assert list(permissions.refused(cloud, Sts(cloud).identity(), found)) == []
    asked = [parameters for name, parameters in cloud.asked if name == "SimulatePrincipalPolicy"]
    assert {p["PolicySourceArn"] for p in asked} == {f"arn:aws:iam::{NUMBER}:role/Admin"}
    for parameters in asked:
        service = parameters["ResourceArns"][0].split(":")[2] if ":" in parameters["ResourceArns"][0] else ""
        assert not service or {a.partition(":")[0] for a in parameters["ActionNames"]} == {service}
    passed = [p["ContextEntries"][0]["ContextKeyValues"] for p in asked if p["ActionNames"] == ["iam:PassRole"]]
    assert passed == [["codebuild.amazonaws.com"], ["sagemaker.amazonaws.com"]]
