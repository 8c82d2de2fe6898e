"""A project's endpoint under another name: found by its tags, replaced by the new one, and taken away by clean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import UserError
from mlcc.core.nodes import Mark, node_of
from mlcc.io.aws.connection import AwsError
from mlcc.io.schema import validator
from mlcc.lifecycle import run_state
from mlcc.lifecycle.targets.sagemaker import namesakes, verbs
from tests.aws.account import World, loaded, render, rendered
from tests.aws.test_deploy import CLASSIC, TWO
from tests.helpers import build_tree

OTHER = """version: 1
project: {name: other}
deployment: {config: http-fastapi, target: async-inference, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/r"}
async: {s3_output_path: s3://bucket/out/}
"""
BOTH = pytest.mark.parametrize("text", [TWO, CLASSIC], ids=["components", "asynchronous"])


def named(text: str, name: str) -> Path:
    return rendered(f"{text}endpoint: {{name: {name}}}\n")


@pytest.fixture
def world() -> World:
    """An account with a deployment of somebody else's."""
    made = World()
    verbs.deploy(made.context(rendered(OTHER)))
    return made


def plan_of(world: World, project: Path) -> Any:
    return verbs.deploy(world.context(project, plan=True)).document


@BOTH
def test_clean_finds_it_by_its_tags(world: World, text: str) -> None:
    others = set(world.left())
    verbs.deploy(world.context(named(text, "foo")))
    assert verbs.clean(world.context(named(text, "bar"))).ok
    assert set(world.left()) == others


def test_the_plan_says_that_components_do_not_answer_meanwhile(world: World) -> None:
    text = TWO
    verbs.deploy(world.context(named(text, "foo")))
    found = verbs.deploy(world.context(named(text, "bar"), plan=True))
    actions: Any = {one["path"]: one["action"] for one in found.document["changes"]}
    parts = ("component/chat-a", "component/chat-b", "adapter/chat-legal")
    assert [actions[part] for part in parts] == ["replace"] * 3
    assert (actions["endpoint/bar"], actions["endpoint/foo"]) == ("create", "delete")
    assert found.document["summary"]["replace"] == 3
    (line,) = [line for line in found.lines if line.startswith("replace component/chat-a")]
    assert line.endswith("(deleted and made anew, and does not answer meanwhile: it belongs to another endpoint)")
    assert validator.validate_document(node_of({"schema_version": 1, **found.document}, Mark("")), "output-plan") == []
    verbs.deploy(world.context(named(text, "bar"), replace=True))
    deleted = [name for name in world.operations() if name.startswith("DeleteInferenceComponent")]
    assert len(deleted) == 3, "as the plan said"


@BOTH
def test_deploy_replaces_it(world: World, text: str) -> None:
    others = set(world.left())
    verbs.deploy(world.context(named(text, "foo")))
    assert "foo" in str(plan_of(world, named(text, "bar"))), "the plan says that it goes"
    with pytest.raises(UserError, match="this checkout has not deployed it"):
        verbs.deploy(world.context(named(text, "bar")))
    verbs.deploy(world.context(named(text, "bar"), replace=True))
    assert {*world.account.endpoints} == {"bar", "other"}
    assert plan_of(world, named(text, "bar"))["changes"] == []
    assert verbs.clean(world.context(named(text, "bar"))).ok
    assert set(world.left()) == others


def changed(text: str, name: str, folder: Path) -> Path:
    """The same project under another endpoint name, on other instances."""
    other = text.replace("ml.g5.12xlarge", "ml.g5.24xlarge")
    other = other if other != text else text.replace("region:", "instance_type: ml.m5.4xlarge, region:")
    return render(f"{other}endpoint: {{name: {name}}}\n", folder)


@BOTH
def test_what_may_be_another_project_s_of_the_same_name_stays(world: World, text: str, tmp_path: Path) -> None:
    """Its first deployment would delete the endpoint of the other one."""
    verbs.deploy(world.context(render(f"{text}endpoint: {{name: foo}}\n", tmp_path / "first")))
    before = set(world.left())
    second = changed(text, "bar", tmp_path / "second")
    planned = plan_of(world, second)
    assert ("MLCC392", "warning") in [(one["code"], one["severity"]) for one in planned["findings"]]
    with pytest.raises(UserError) as refused:
        verbs.deploy(world.context(second))
    (one,) = refused.value.findings
    assert one.code == "MLCC392"
    assert "'foo'" in one.message
    assert "do/deploy --replace" in one.hint
    assert "mlcc set project.name" in one.hint
    assert set(world.left()) == before
    verbs.deploy(world.context(second, replace=True))
    assert {*world.account.endpoints} == {"bar", "other"}
    assert plan_of(world, second)["findings"] == []


@BOTH
def test_what_this_checkout_has_deployed_is_replaced_with_all_changes(world: World, text: str, tmp_path: Path) -> None:
    verbs.deploy(world.context(render(f"{text}endpoint: {{name: foo}}\n", tmp_path)))
    assert run_state.read(str(tmp_path), namesakes.RECORD) == {"endpoints": {"default": ["foo"]}}
    loaded.cache_clear()
    second = changed(text, "bar", tmp_path)
    verbs.deploy(world.context(second))
    assert {*world.account.endpoints} == {"bar", "other"}
    assert run_state.read(str(tmp_path), namesakes.RECORD) == {"endpoints": {"default": ["bar"]}}
    assert verbs.clean(world.context(second)).ok
    assert run_state.read(str(tmp_path), namesakes.RECORD) == {}
    loaded.cache_clear()


def test_a_checkout_with_the_same_configuration_is_another_one(world: World, tmp_path: Path) -> None:
    """Samples and defaults are alike: what is made of them has one configuration in many projects."""
    verbs.deploy(world.context(render(CLASSIC, tmp_path / "first")))
    before = set(world.left())
    with pytest.raises(UserError, match="this checkout has not deployed it"):
        verbs.deploy(world.context(render(f"{CLASSIC}endpoint: {{name: bar}}\n", tmp_path / "second")))
    assert set(world.left()) == before


@BOTH
@pytest.mark.parametrize("at", ["CreateEndpointConfig", "DeleteEndpoint", "DeleteEndpointConfig"])
def test_a_renaming_that_was_interrupted_is_continued(world: World, text: str, at: str, tmp_path: Path) -> None:
    """Wherever it ended: before the old endpoint goes, or when it has gone and its configuration has not."""
    others = set(world.left())
    verbs.deploy(world.context(render(f"{text}endpoint: {{name: foo}}\n", tmp_path)))
    loaded.cache_clear()
    second = changed(text, "bar", tmp_path)
    real = world.call

    def interrupted(service: str, operation: str, parameters: Any) -> dict[str, Any]:
        if operation == at:
            raise KeyboardInterrupt
        return real(service, operation, parameters)

    world.call = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        verbs.deploy(world.context(second))
    world.call = real  # type: ignore[method-assign]
    assert plan_of(world, second)["changes"]
    verbs.deploy(world.context(second))
    assert {*world.account.endpoints} == {"bar", "other"}
    assert len([name for name in world.account.configs if name not in others]) == 1
    assert verbs.clean(world.context(second)).ok
    assert set(world.left()) == others
    loaded.cache_clear()


def test_each_environment_has_its_own_record(world: World, tmp_path: Path) -> None:
    text = CLASSIC + "environments: {prod: {endpoint: {name: live}}}\n"
    project = render(text, tmp_path)
    verbs.deploy(world.context(project))
    verbs.deploy(world.context(project, "prod"))
    assert run_state.read(str(tmp_path), namesakes.RECORD) == {"endpoints": {"default": ["iris"], "prod": ["live"]}}
    verbs.clean(world.context(project))
    assert run_state.read(str(tmp_path), namesakes.RECORD) == {"endpoints": {"prod": ["live"]}}


PLANTED = ["[]", "{", '{"endpoints": 1}', '{"endpoints": ["foo"]}', '{"endpoints": {"default": [1, null, {"a": 2}]}}']


@pytest.mark.parametrize("planted", PLANTED)
def test_a_record_that_says_nothing_says_nothing(world: World, planted: str, tmp_path: Path) -> None:
    verbs.deploy(world.context(render(f"{CLASSIC}endpoint: {{name: foo}}\n", tmp_path / "first")))
    second = changed(CLASSIC, "bar", tmp_path / "second")
    build_tree(second, {".mlcc/run/deployed.json": planted})
    with pytest.raises(UserError, match="'foo'"):
        verbs.deploy(world.context(second))


def test_a_folder_that_cannot_be_written_is_no_failed_deployment(world: World, tmp_path: Path) -> None:
    project = render(CLASSIC, tmp_path / "project")
    (project / ".mlcc/run").symlink_to(tmp_path)
    assert verbs.deploy(world.context(project)).document["status"] == "InService"
    assert not (tmp_path / namesakes.RECORD).exists()


def test_who_may_not_list_endpoints_can_deploy_and_clean_proves_nothing(world: World) -> None:
    real = world.call

    class Denied(World):
        """The same account, asked by somebody with fewer rights."""

        def call(self, service: str, operation: str, parameters: Any) -> dict[str, Any]:
            if operation == "ListEndpoints":
                raise AwsError(service, operation, "AccessDeniedException", "is not authorized to perform", 400)
            return real(service, operation, parameters)

    denied = Denied()
    denied.account = world.account
    project = named(CLASSIC, "foo")
    assert verbs.deploy(denied.context(project)).document["status"] == "InService"
    with pytest.raises(Exception, match="may not do this"):
        verbs.clean(denied.context(project))


@BOTH
def test_tags_follow_mlcc_yaml(world: World, text: str) -> None:
    verbs.deploy(world.context(rendered(f"{text}tags: {{team: x}}\n")))
    after = rendered(f"{text}tags: {{team: z}}\n")
    shown = plan_of(world, after)["values"]
    assert {(d["before"], d["after"]) for d in shown if d["path"].endswith("/Tags.team")} == {("x", "z")}
    operations = len(world.operations())
    verbs.deploy(world.context(after))
    assert set(world.operations()[operations:]) == {"AddTags"}
    own = [thing for arn, thing in world.account.tagged().items() if thing.tags["mlcc:project"] != "other"]
    assert {thing.tags["team"] for thing in own} == {"z"}
    assert plan_of(world, after)["changes"] == []


def test_a_setting_that_is_removed_is_a_difference(world: World) -> None:
    """A cooldown goes back to the service's own."""
    with_it = CLASSIC.replace("max_count: 2", "max_count: 2, scale_in_cooldown_s: 30")
    verbs.deploy(world.context(rendered(with_it)))
    after = rendered(CLASSIC)
    [found] = plan_of(world, after)["values"]
    assert found["path"].endswith("TargetTrackingScalingPolicyConfiguration.ScaleInCooldown")
    verbs.deploy(world.context(after))
    assert plan_of(world, after)["changes"] == []
