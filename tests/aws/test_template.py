"""A project as a CloudFormation template: whole, with references in place of names, in an order that can be made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mlcc.core.errors import UsageError
from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.steps import reports
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import facts, template, verbs
from tests.aws.account import World, loaded, rendered
from tests.aws.test_deploy import CLASSIC, TWO
from tests.aws.test_reaper import ENVIRONMENT

LOCAL = "version: 1\nproject: {name: iris}\ndeployment: {config: http-fastapi, target: local}\n"


def exported(text: str) -> dict[str, Any]:
    context = World().context(rendered(text), cloudformation=True)
    result = reports.export(context)
    found = json.loads("\n".join(result.lines))
    assert found == result.document["template"]
    return dict(found)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        elif "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        else:
            for item in value.values():
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


@pytest.mark.parametrize("text", [TWO, CLASSIC], ids=["components", "asynchronous"])
def test_every_resource_is_in_it_once(text: str) -> None:
    resources = exported(text)["Resources"]
    project = loaded(rendered(text), None)
    wanted = kinds.wanted(project, facts.assumed(project, "us-east-1", 0.0)[0])
    assert [r["Type"] for r in resources.values()] == [template.TYPES[r.kind] for r in wanted.resources]
    assert all(name.isalnum() for name in resources)
    for one in resources.values():
        before = {*references(one["Properties"]), *one.get("DependsOn", ())}
        assert before <= set(resources)


def test_a_template_is_the_same_at_every_time() -> None:
    """It is kept in Git and compared; the tag of the time that a deployment ends stays out of it."""
    world = World()
    context = world.context(rendered(TWO), cloudformation=True)
    before = reports.export(context).lines
    world.sleep(3600)
    assert reports.export(context).lines == before
    assert kinds.EXPIRES_TAG not in "\n".join(before)
    assert kinds.PROJECT_TAG in "\n".join(before)


def test_no_name_of_another_resource_is_left_as_a_text() -> None:
    resources = exported(TWO)["Resources"]
    component = resources["ComponentChatB"]["Properties"]
    assert component["EndpointName"] == {"Fn::GetAtt": ["EndpointChat", "EndpointName"]}
    assert component["InferenceComponentName"] == "chat-b"
    assert component["Specification"]["ModelName"]["Fn::GetAtt"][1] == "ModelName"
    adapter = resources["AdapterChatLegal"]
    assert adapter["Properties"]["Specification"]["BaseInferenceComponentName"] == "chat-b"
    assert adapter["DependsOn"] == ["ComponentChatB"]
    (alarm,) = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert alarm["AlarmActions"] == [{"Ref": "WakeUpPolicyInferenceComponentChatA"}]
    assert {"Key": "mlcc:project", "Value": "chat"} in alarm["Tags"]


def test_whoever_takes_it_reads_that_names_are_shared() -> None:
    context = World().context(rendered(CLASSIC), cloudformation=True)
    reports.export(context)
    assert isinstance(context.progress, Silent)
    (line,) = [line for line in context.progress.lines if "a stack or do/deploy" in line]
    assert "the names of do/deploy" in line


def test_a_component_without_a_copy_is_made_with_one_and_that_is_noted() -> None:
    """The service refuses to make one with 0."""
    text = TWO.replace("{name: b, gpu_count: 1}", "{name: b, gpu_count: 1, copy_count: 0}")
    assert exported(text)["Resources"]["ComponentChatB"]["Properties"]["RuntimeConfig"] == {"CopyCount": 1}
    context = World().context(rendered(text), cloudformation=True)
    reports.export(context)
    assert isinstance(context.progress, Silent)
    (line,) = [line for line in context.progress.lines if "CopyCount" in line]
    assert line.startswith("chat-b: CopyCount is 1")
    assert "CopyCount=0" in line


def test_on_this_machine_there_is_none() -> None:
    with pytest.raises(UsageError) as refused:
        exported(LOCAL)
    assert refused.value.findings[0].code == "MLCC311"


def test_manifest_asks_aws_only_when_it_is_asked_to() -> None:
    world = World()
    project = rendered(CLASSIC + ENVIRONMENT)
    assert reports.manifest(world.context(project)).document["assets"] == []
    assert world.asked == []
    verbs.deploy(world.context(project))
    found = reports.manifest(world.context(project, live=True)).document["assets"]
    assert {(a["asset"], a["kind"]) for a in found} >= {("endpoint", "InService"), ("model", "there")}
