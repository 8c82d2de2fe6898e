"""What is called to get from any deployment to any other, on an account that is a table."""

from __future__ import annotations

import functools
import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest

from mlcc import pipeline
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.targets.sagemaker import comparison, facts, planner, states
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed, Seen
from mlcc.lifecycle.targets.sagemaker.desired import Desired
from mlcc.lifecycle.targets.sagemaker.executor import holds
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS
from mlcc.lifecycle.targets.sagemaker.planner import GONE, Call, Instruction, Wait
from mlcc.load.request import Request
from tests.aws import walker
from tests.helpers import build_tree

HEAD = "version: 1\nproject: {name: chat}\ndeployment: {config: transformers-vllm, region: us-east-1, instance_type: ml.g5.12xlarge}\n"
MODEL = "model: {name: Qwen/Qwen3-0.6B}\nengine: {lora: {enabled: true}}\n"
ADAPTER = "adapters: [{name: legal, base: a, artifact_url: s3://bucket/NAME.tar.gz}]\n"


def component(name: str, more: str = "") -> str:
    return f"  - {{name: {name}, gpu_count: 1{more}}}\n"


SCALED = ", scaling: {min_count: 0, max_count: 3, target_value: 4}"
# Deployments of one project, by what is special about them.
STATES = {
    "one": "inference_components:\n" + component("a"),
    "more copies": "inference_components:\n" + component("a", ", copy_count: 3"),
    "no copy": "inference_components:\n" + component("a", ", copy_count: 0"),
    "more memory": "inference_components:\n" + component("a", ", memory_mb: 4000"),
    "a variable": "env: {VLLM_SEED: 1}\ninference_components:\n" + component("a"),
    "two": "inference_components:\n" + component("a") + component("b"),
    "the other": "inference_components:\n" + component("b"),
    "scaled": "inference_components:\n" + component("a", SCALED),
    "scaled otherwise": "inference_components:\n" + component("a", SCALED.replace("0, max", "1, max")),
    "an adapter": "inference_components:\n" + component("a") + ADAPTER,
    "no copy, an adapter": "inference_components:\n" + component("a", ", copy_count: 0") + ADAPTER,
    "no copy, another adapter": "inference_components:\n"
    + component("a", ", copy_count: 0")
    + ADAPTER.replace("NAME", "other"),
    "another adapter": "inference_components:\n" + component("a") + ADAPTER.replace("NAME", "other"),
    "an adapter of two": "inference_components:\n" + component("a") + component("b") + ADAPTER,
    "an adapter of the other": "inference_components:\n"
    + component("a")
    + component("b")
    + ADAPTER.replace("base: a", "base: b"),
    "another variant": "endpoint: {variant_name: Blue}\ninference_components:\n" + component("a") + ADAPTER,
    "instances scaled": "scaling: {min_count: 1, max_count: 2}\ninference_components:\n" + component("a"),
    "copies follow": "scaling: {min_count: 1, max_count: 2, target_value: 3}\n",
    "updated in steps": "endpoint: {update_policy: rolling, routing_strategy: RANDOM}\ninference_components:\n"
    + component("a"),
}


@functools.cache
def wanted(state: str) -> Desired:
    """What shall be there for one of the states."""
    with tempfile.TemporaryDirectory() as folder:
        build_tree(folder, {"mlcc.yaml": HEAD + MODEL + STATES[state]})
        project = pipeline.read(Path(folder) / "mlcc.yaml", Request())
        assert project.ok, project.findings
        pipeline.apply(project)
        loaded = load_project(folder)
        return kinds.wanted(loaded, facts.assumed(loaded, "", 0.0)[0])


class Account:
    """An account that carries out what it is asked, and notes what it was asked."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], Seen] = {}
        self.calls: list[Call] = []

    def carry_out(self, instructions: tuple[Instruction, ...]) -> None:
        """Makes every call; a wait is held against what is there."""
        for instruction in instructions:
            if isinstance(instruction, Wait):
                self._waited(instruction)
            else:
                check_request(instruction)
                self.calls.append(instruction)
                self._called(instruction)

    def _waited(self, wait: Wait) -> None:
        seen = self.there.get((wait.kind, wait.name))
        if wait.until == GONE:
            assert seen is None
        else:
            assert seen is not None
            assert all(holds(seen.parameters.get(name), value) for name, value in wait.expects.items())

    def _called(self, call: Call) -> None:
        key, parameters = (call.kind, call.name), {k: v for k, v in call.parameters.items() if k != "Tags"}
        if call.operation == OPERATIONS[call.kind].delete:
            self._may_go(*key)
            del self.there[key]
        elif call.operation == "UpdateInferenceComponentRuntimeConfig":
            changed = {"RuntimeConfig": parameters["DesiredRuntimeConfig"]}
            self.there[key] = self.there[key]._replace(parameters={**self.there[key].parameters, **changed})
        else:
            self._may_come(call.kind, parameters, key not in self.there)
            self._may_stay(key, parameters)
            before = self.there[key].parameters if key in self.there else {}
            parameters = {
                k: v for k, v in parameters.items() if k not in ("DeploymentConfig", "RetainAllVariantProperties")
            }
            status = "InService" if OPERATIONS[call.kind].settles else ""
            self.there[key] = Seen({**before, **parameters}, status)

    def _may_come(self, kind: str, parameters: dict[str, Any], new: bool) -> None:
        """As the service: what something is made of must be there."""
        if kind == kinds.ENDPOINT:
            assert (kinds.CONFIG, parameters["EndpointConfigName"]) in self.there
        if kind in (kinds.COMPONENT, kinds.ADAPTER):
            assert (kinds.ENDPOINT, "chat") in self.there
            specification = parameters["Specification"]
            if kind == kinds.COMPONENT:
                assert (kinds.MODEL, specification["ModelName"]) in self.there
                assert not new or parameters["RuntimeConfig"]["CopyCount"] > 0
            else:
                base = self.there[kinds.COMPONENT, specification["BaseInferenceComponentName"]].parameters
                assert base["RuntimeConfig"]["CopyCount"] > 0, "nothing loads it"

    def _may_stay(self, key: tuple[str, str], parameters: dict[str, Any]) -> None:
        """As the service: an update has no member for where a component lies, and an adapter stays on its base."""
        if key in self.there and key[0] in (kinds.COMPONENT, kinds.ADAPTER):
            assert not {"EndpointName", "VariantName"} & set(parameters)
            old, new = (made["Specification"] for made in (self.there[key].parameters, parameters))
            assert old.get("BaseInferenceComponentName") == new.get("BaseInferenceComponentName")

    def _may_go(self, kind: str, name: str) -> None:
        """As the service: what is in use stays."""
        used = [seen.parameters for (k, _), seen in self.there.items() if k in (kinds.COMPONENT, kinds.ADAPTER)]
        if kind == kinds.ENDPOINT:
            assert not used
        if kind == kinds.CONFIG:
            assert name not in [
                s.parameters["EndpointConfigName"] for (k, _), s in self.there.items() if k == kinds.ENDPOINT
            ]
        if kind == kinds.MODEL:
            assert name not in [p["Specification"].get("ModelName") for p in used]
        if kind == kinds.COMPONENT:
            assert name not in [p["Specification"].get("BaseInferenceComponentName") for p in used]


CHECKED: set[str] = set()


def check_request(call: Call) -> None:
    """Holds a request against the service's model; the same one once."""
    parameters = known(call.parameters)
    text = repr((call.service, call.operation, parameters))
    if text not in CHECKED:
        assert walker.problems(call.service, call.operation, parameters) == []
        CHECKED.add(text)


def known(parameters: Any) -> Any:
    """Parameters with some ARN where only the service knows it."""
    if isinstance(parameters, kinds.PolicyArn):
        return "arn:aws:autoscaling:us-east-1:123456789012:scalingPolicy:x"
    if isinstance(parameters, dict):
        return {name: known(value) for name, value in parameters.items()}
    return [known(value) for value in parameters] if isinstance(parameters, list) else parameters


def deployed(*states: str) -> Account:
    """An account to which some states were deployed, one after the other."""
    account = Account()
    for state in states:
        account.carry_out(planner.plan(wanted(state), account.there))
    return account


@pytest.mark.parametrize("state", STATES)
def test_what_was_deployed_needs_no_call(state: str) -> None:
    account = deployed(state)
    assert planner.plan(wanted(state), account.there) == ()
    assert comparison.differences(wanted(state), account.there) == ()


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(STATES, 2)))
def test_from_any_deployment_to_any_other(before: str, after: str) -> None:
    """In calls that the service takes in that order; what is there afterwards is what a first deployment makes."""
    account = deployed(before, after)
    assert shape(account.there) == shape(deployed(after).there)
    assert planner.plan(wanted(after), account.there) == ()


def shape(there: Observed) -> dict[tuple[str, str], Any]:
    """What is there, but for copies that a scaler decides on."""
    scaled = {name for kind, name in there if kind == kinds.SCALABLE}
    found = {}
    for (kind, name), seen in there.items():
        parameters = dict(seen.parameters)
        if f"inference-component/{name}" in scaled:
            parameters.pop("RuntimeConfig", None)
        found[kind, name] = parameters
    return found


@pytest.mark.parametrize("state", STATES)
def test_of_what_is_taken_away_nothing_is_left(state: str) -> None:
    account = deployed("two", state)
    account.carry_out(planner.teardown(account.there))
    assert account.there == {}
    assert planner.teardown(account.there) == ()


@pytest.mark.parametrize("kind", [kinds.ENDPOINT, kinds.COMPONENT, kinds.ADAPTER])
def test_what_has_failed_is_made_anew(kind: str) -> None:
    account = deployed("an adapter")
    key = next(key for key in account.there if key[0] == kind)
    account.there[key] = account.there[key]._replace(status="Failed", reason="no capacity")
    account.carry_out(planner.plan(wanted("an adapter"), account.there))
    assert planner.plan(wanted("an adapter"), account.there) == ()
    assert shape(account.there) == shape(deployed("an adapter").there)


@pytest.mark.parametrize("status", states.MOVING)
def test_what_is_at_work_is_waited_for(status: str) -> None:
    """The service refuses every change of it."""
    account = deployed("one")
    key = (kinds.ENDPOINT, "chat")
    account.there[key] = account.there[key]._replace(status=status)
    for made in (planner.plan(wanted("two"), account.there), planner.teardown(account.there)):
        assert made == (Wait(*key, "", anew=True),)


def test_a_scaler_s_copies_are_no_difference() -> None:
    account = deployed("scaled")
    key = (kinds.COMPONENT, "chat-a")
    parameters = {**account.there[key].parameters, "RuntimeConfig": {"CopyCount": 7}}
    account.there[key] = account.there[key]._replace(parameters=parameters)
    assert planner.plan(wanted("scaled"), account.there) == ()


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        ("one", "more copies", ["UpdateInferenceComponentRuntimeConfig"]),
        ("one", "more memory", ["UpdateInferenceComponent"]),
        ("one", "a variable", ["CreateModel", "UpdateInferenceComponent", "DeleteModel"]),
        ("two", "one", ["DeleteInferenceComponent", "DeleteModel"]),
        ("an adapter", "another adapter", ["UpdateInferenceComponent"]),
        (
            "no copy, an adapter",
            "no copy, another adapter",
            [
                "UpdateInferenceComponentRuntimeConfig",
                "UpdateInferenceComponent",
                "UpdateInferenceComponentRuntimeConfig",
            ],
        ),
        (
            "an adapter of two",
            "an adapter of the other",
            ["DeleteInferenceComponent", "CreateInferenceComponent"],
        ),
        (
            "an adapter",
            "another variant",
            ["DeleteInferenceComponent"] * 2
            + ["CreateEndpointConfig", "UpdateEndpoint"]
            + ["CreateInferenceComponent"] * 2
            + ["DeleteEndpointConfig"],
        ),
        ("one", "instances scaled", ["CreateEndpointConfig", "UpdateEndpoint", "DeleteEndpointConfig"]),
        ("scaled", "scaled otherwise", ["DeleteAlarms", "DeleteScalingPolicy", "RegisterScalableTarget"]),
    ],
)
def test_only_what_differs_is_called(before: str, after: str, operations: list[str]) -> None:
    account = deployed(before)
    account.calls.clear()
    account.carry_out(planner.plan(wanted(after), account.there))
    assert [call.operation for call in account.calls] == operations
