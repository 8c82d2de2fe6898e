"""Components without a copy: do/test wakes them or says why it cannot, do/invoke and do/status say what is there."""

from __future__ import annotations

import pytest

from mlcc.core.errors import UserError
from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.servers.devserver import scaling
from mlcc.servers.devserver.faults import STUCK, Fault
from tests.aws.account import World, rendered
from tests.aws.model_server import ModelServer
from tests.aws.test_deploy import HEAD

SCALED = (
    HEAD
    + "inference_components: [{name: a, gpu_count: 1, scaling: {min_count: 0, max_count: 3}}, {name: b, gpu_count: 1}]\n"
)
PARKED = HEAD + "inference_components: [{name: a, gpu_count: 1, copy_count: 0}, {name: b, gpu_count: 1}]\n"
TUNED = PARKED + "adapters: [{name: legal, base: a, artifact_url: s3://bucket/legal.tar.gz}]\n"


@pytest.fixture
def world(model: ModelServer) -> World:
    return World(model.url)


def asleep(world: World, text: str) -> None:
    """Deployed, and its component `a` has no copy."""
    verbs.deploy(world.context(rendered(text)))
    if text == SCALED:
        scaling.scale(world.account, "inference-component/chat-a", 0)
    world.sleep(600)


def test_a_request_of_do_test_wakes_what_scales(world: World) -> None:
    asleep(world, SCALED)
    context = world.context(rendered(SCALED))
    result = verbs.test(context)
    found = {one["name"]: one["ok"] for one in result.document["checks"]}
    assert (found["a copies"], found["a invocation"], found["b invocation"]) == (True, True, True)
    assert isinstance(context.progress, Silent)
    assert [line for line in context.progress.lines if "chat-a has no copy: this request wakes it" in line]


def test_it_does_not_wait_for_ever(world: World) -> None:
    asleep(world, SCALED)
    world.account.faults.add(Fault("UpdateInferenceComponentRuntimeConfig", STUCK))
    before = world.account.timeline.now
    result = verbs.test(world.context(rendered(SCALED), timeout=40))
    found = {one["name"]: (one["ok"], one["detail"]) for one in result.document["checks"]}
    assert not found["a copies"][0]
    assert "no copy 40 s after a request" in found["a copies"][1]
    assert found["b invocation"][0], "the others are asked all the same"
    assert world.account.timeline.now - before < 60


@pytest.mark.parametrize(("text", "part"), [(PARKED, "a"), (TUNED, "legal")])
def test_what_nothing_wakes_is_a_failing_check(world: World, text: str, part: str) -> None:
    asleep(world, text)
    before = world.account.timeline.now
    result = verbs.test(world.context(rendered(text)))
    (one,) = (one for one in result.document["checks"] if one["name"] == f"{part} copies")
    assert not one["ok"]
    assert "no policy that wakes it" in one["detail"]
    assert "copy_count" in one["detail"]
    assert world.account.timeline.now - before < 1, "nobody waits for it"


@pytest.mark.parametrize(("text", "words"), [(SCALED, "it wakes up by now"), (PARKED, "copy_count")])
def test_invoke_says_whether_it_wakes(world: World, text: str, words: str) -> None:
    asleep(world, text)
    with pytest.raises(UserError) as refused:
        verbs.invoke(world.context(rendered(text), component="a", payload=None))
    assert words in refused.value.findings[0].hint
    says = "copy_count of the component 'a' is 0" if text == PARKED else "the component has scaled to no copy"
    assert refused.value.findings[0].message == says


def test_an_adapter_sleeps_with_its_base(world: World) -> None:
    asleep(world, TUNED)
    with pytest.raises(UserError) as refused:
        verbs.invoke(world.context(rendered(TUNED), component="legal"))
    assert refused.value.findings[0].message == "copy_count of the component 'a' is 0"


def test_invoke_says_which_component_it_asks_where_nobody_named_one(world: World) -> None:
    text = (
        HEAD + "inference_components: [{name: b-b, gpu_count: 1}, {name: b, gpu_count: 1}, {name: z, gpu_count: 1}]\n"
    )
    verbs.deploy(world.context(rendered(text)))
    context = world.context(rendered(text))
    verbs.invoke(context)
    assert isinstance(context.progress, Silent)
    assert context.progress.lines == ["asking 'b', the first by name; --component names another: b-b, z"]
    context = world.context(rendered(text), component="z")
    verbs.invoke(context)
    assert isinstance(context.progress, Silent)
    assert context.progress.lines == []


@pytest.mark.parametrize("text", [SCALED, PARKED])
def test_status_shows_copies(world: World, text: str) -> None:
    asleep(world, text)
    result = verbs.status(world.context(rendered(text)))
    copies = {one["name"]: one["copies"] for one in result.document["components"] if "copies" in one}
    assert copies == {"chat-a": {"current": 0, "desired": 0}, "chat-b": {"current": 1, "desired": 1}}
    shown = "\n".join(result.lines)
    assert "chat-a: InService (0 of 0 copies)" in shown
    assert "chat-b: InService (1 of 1 copies)" in shown


def test_status_names_what_is_wanted_and_not_there(world: World) -> None:
    verbs.deploy(world.context(rendered(SCALED)))
    verbs.clean(world.context(rendered(SCALED), what="components"))
    result = verbs.status(world.context(rendered(SCALED)))
    found = {(one["kind"], one["name"]): one["status"] for one in result.document["components"]}
    assert found == {
        ("endpoint", "chat"): "InService", ("component", "chat-a"): "NotDeployed", ("component", "chat-b"): "NotDeployed"
    }  # fmt: skip
    assert "  inference component chat-a: NotDeployed (do/deploy makes it)" in result.lines
    verbs.clean(world.context(rendered(SCALED)))
    assert "components" not in verbs.status(world.context(rendered(SCALED))).document


def test_invoke_before_a_deployment_says_what_makes_the_endpoint(world: World) -> None:
    with pytest.raises(UserError) as refused:
        verbs.invoke(world.context(rendered(SCALED), component="a"))
    (one,) = refused.value.findings
    assert (one.code, one.hint.startswith("do/deploy")) == ("MLCC328", True)
