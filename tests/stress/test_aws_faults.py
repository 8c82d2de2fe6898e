"""G33: every kind of trouble at every call of every step on AWS: a clear end, and nothing that stays after do/clean.

Our SageMaker server carries the calls out; STS, ECR, S3, IAM, CodeBuild and logs are tables with the same faults.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from mlcc.core.errors import MlccError
from mlcc.io.aws.connection import AwsError
from mlcc.io.container_engines import Engine
from mlcc.lifecycle import run_state
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import load_project
from mlcc.lifecycle.steps import push, submit
from mlcc.lifecycle.targets.sagemaker import verbs
from mlcc.lifecycle.targets.sagemaker.deployment import JOB_LIMIT_S, LIMIT_S
from mlcc.servers.devserver import asking, runtime
from mlcc.servers.devserver.faults import (
    ADAPTER,
    CAPACITY,
    CRASH,
    CUT,
    DELAY,
    ERROR,
    EXECUTED,
    EXPIRED,
    ORPHANS,
    PING,
    RESET,
    STALE,
    STUCK,
    Fault,
)  # fmt: skip
from tests.aws import walker
from tests.aws.account import AFTER, BEFORE, Killed, World, render
from tests.aws.model_server import ModelServer, serving
from tests.aws.test_adapters import ONE, OTHER, WITH
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import CLASSIC, TWO
from tests.aws.test_push import ENGINE
from tests.aws.test_push import TEXT as PUSHED
from tests.helpers import File, build_tree
from tests.stress.faults import FULL

SUBMITTED = PUSHED + "build: {strategy: codebuild-submit}\n"
Step = Callable[[Context], Any]


class Story:
    """A step, what comes before it, and the project that it is of."""

    def __init__(
        self, text: str, step: Step, before: tuple[Step, ...] = (), changed: str = "", **arguments: Any
    ) -> None:
        self.text, self.step, self.before, self.changed, self.arguments = text, step, before, changed, arguments


GROWN = CLASSIC + "endpoint: {volume_size_gb: 99, update_policy: POLICY}\n"
STORIES = {
    "deploy": Story(TWO, verbs.deploy),
    "async": Story(CLASSIC, verbs.deploy),
    "batch": Story(BATCH, verbs.deploy),
    "update": Story(TWO, verbs.deploy, (verbs.deploy,), TWO.replace("gpu_count: 1}", "gpu_count: 1, env: {NOTE: b}}")),
    "update-classic": Story(CLASSIC, verbs.deploy, (verbs.deploy,), GROWN.replace("POLICY", "canary")),
    "update-rolling": Story(CLASSIC, verbs.deploy, (verbs.deploy,), GROWN.replace("POLICY", "rolling")),
    "update-hosting": Story(TWO, verbs.deploy, (verbs.deploy,), TWO + "endpoint: {routing_strategy: RANDOM}\n"),
    "copies": Story(
        TWO, verbs.deploy, (verbs.deploy,), TWO.replace("b, gpu_count: 1", "b, copy_count: 2, gpu_count: 1")
    ),
    "clean": Story(TWO, verbs.clean, (verbs.deploy,)),
    "push": Story(PUSHED, push.run),
    "submit": Story(SUBMITTED, submit.run),
    "clean-submit": Story(SUBMITTED, verbs.clean, (submit.run,)),
    "adapter-add": Story(ONE, verbs.adapter, (verbs.deploy,), WITH, action="add", name="legal"),
    "adapter-update": Story(WITH, verbs.adapter, (verbs.deploy,), OTHER, action="update", name="legal"),
    "adapter-remove": Story(WITH, verbs.adapter, (verbs.deploy,), "", action="remove", name="legal"),
}
ERRORS = {
    "denied": ("AccessDeniedException", "User: x is not authorized to perform: y", 403),
    "throttled": ("ThrottlingException", "Rate exceeded", 400),
    "trouble": ("InternalFailure", "An internal failure occurred.", 500),
    "quota": ("ResourceLimitExceeded", "The account-level service limit 'x' is 0 Instances", 400),
}
KINDS = (*ERRORS, EXPIRED, EXECUTED, RESET, DELAY, BEFORE, AFTER)
# How late an answer is: nearly as late as the SDK waits for one.
LATE_S = 60.0
# What is stuck goes on after that time: longer than any step waits, and not for ever, for then it could not be taken away.
STUCK_S = {"CreateTransformJob": 1.3 * JOB_LIMIT_S}
# What a story must call, so that what it is there for is met by each fault.
CALLED = {
    "update-classic": "UpdateEndpoint", "update-rolling": "UpdateEndpoint", "update-hosting": "UpdateEndpoint",
    "copies": "UpdateInferenceComponentRuntimeConfig", "adapter-add": "CreateInferenceComponent", "update": "UpdateInferenceComponent",
    "adapter-update": "UpdateInferenceComponent", "adapter-remove": "DeleteInferenceComponent",
}  # fmt: skip
# Reads of one resource, which may not show yet what is there.
READS = tuple(
    f"Describe{kind}" for kind in ("Endpoint", "EndpointConfig", "InferenceComponent", "Model", "TransformJob")
)
BEGUN = {
    "CreateEndpoint": (CAPACITY, PING, CRASH, STUCK),
    "UpdateEndpoint": (CAPACITY, PING, CRASH, STUCK),
    "CreateInferenceComponent": (PING, CRASH, STUCK, ADAPTER),
    "CreateTransformJob": (CAPACITY, PING, STUCK),
    "UpdateInferenceComponent": (PING, STUCK, ADAPTER),
    "UpdateInferenceComponentRuntimeConfig": (PING, STUCK),
    "DeleteEndpoint": (ORPHANS,),
}


def with_arguments(context: Context, **arguments: Any) -> Context:
    return Context(
        **{**{k: v for k, v in vars(context).items() if k in Context.__dataclass_fields__}, "arguments": arguments}
    )


class Streaming:
    """A connection whose streams come from our server, as the SDK reads them."""

    def __init__(self, world: World) -> None:
        self.world, self.region = world, world.region

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation != runtime.STREAM:
            return self.world.call(service, operation, parameters)
        walker.check(service, operation, parameters)
        headers = Message()
        headers["Content-Type"] = parameters["ContentType"]
        headers[asking.COMPONENT] = parameters["InferenceComponentName"]
        asked = asking.Invocation(parameters["EndpointName"], headers, parameters["Body"])
        reply = runtime.begin(self.world.dispatcher, operation, asked)()
        assert reply.stream is not None, reply
        return {"Body": self._events(reply.stream)}

    def _events(self, parts: Any) -> Iterator[dict[str, Any]]:
        buffer = EventStreamBuffer()
        with contextlib.closing(parts):
            for data in parts:
                buffer.add_data(data)
                for event in buffer:
                    code = event.headers.get(":exception-type")
                    if code:
                        raise AwsError(runtime.SERVICE, runtime.STREAM, code, json.loads(event.payload)["Message"])
                    yield {"PayloadPart": {"Bytes": event.payload}}


class Place:
    """A folder with the rendered projects of a story, and contexts on an account."""

    def __init__(self, folder: Path, model: ModelServer) -> None:
        self.folder, self.model = folder, model
        self.engine = build_tree(folder / "bin", {"docker": File(ENGINE, 0o755)}) / "docker"
        (folder / "temporary").mkdir()

    def project(self, text: str) -> Path:
        place = self.folder / f"project-{abs(hash(text))}"
        if not place.exists():
            render(text, place)
            build_tree(place, {"sample_model/model/model.joblib": "a model"})
            run_state.write(str(place), run_state.BUILD, {"kind": "image", "reference": "mlcc/iris:x"})
        return place

    def context(self, world: World, text: str, **arguments: Any) -> Context:
        now = lambda: world.account.timeline.now  # noqa: E731
        environ = {
            "PATH": os.environ["PATH"], "TMPDIR": str(self.folder / "temporary"), "NOTES": str(self.folder / "notes")
        }  # fmt: skip
        loaded = load_project(str(self.project(text)))
        made = Context(loaded, environ, Silent(), world.sleep, now, arguments, now, lambda region: world)
        made.__dict__["engine"] = Engine("docker", str(self.engine), "28")
        return made


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(ModelServer()) as model:
        yield Place(tmp_path_factory.mktemp("faults"), model)


def begun(place: Place, story: Story) -> World:
    """An account in which all is done that comes before a step."""
    world = World(place.model.url)
    world.cloud.buckets["data"] = {"in/a.csv": b"1,2\n"}
    for step in story.before:
        step(place.context(world, story.text))
    world.asked.clear()
    return world


def run(place: Place, world: World, story: Story) -> MlccError | None:
    """Runs the step; its error, where it ended in one."""
    try:
        story.step(place.context(world, story.changed or story.text, **story.arguments))
    except MlccError as problem:
        return problem
    except Killed:
        assert world.dead
    return None


def cases(place: Place, story: Story) -> Iterator[tuple[str, str]]:
    """Each operation that a step calls, with each kind that may meet it."""
    world = begun(place, story)
    assert run(place, world, story) is None
    for operation in dict.fromkeys(operation for _, operation in world.asked):
        stale = (STALE,) if operation in READS else ()
        for kind in (*KINDS, *stale, *BEGUN.get(operation, ())):
            yield operation, kind


def fault_of(operation: str, kind: str) -> Fault:
    if kind in ERRORS:
        code, message, status = ERRORS[kind]
        return Fault(operation, ERROR, code, message, status)
    return Fault(operation, kind, seconds={DELAY: LATE_S, STUCK: STUCK_S.get(operation, 1.3 * LIMIT_S)}.get(kind, 5.0))


def test_each_story_calls_what_it_is_there_for(place: Place) -> None:
    for name, operation in CALLED.items():
        world = begun(place, STORIES[name])
        assert run(place, world, STORIES[name]) is None
        assert ("sagemaker", operation) in world.asked, name


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_a_stream_that_is_cut_is_a_finding(place: Place, parts: int) -> None:
    """The command fails and says why, and the next one gets the whole answer."""
    world, shown = begun(place, Story(TWO, verbs.deploy, (verbs.deploy,))), list[str]()

    def ask() -> Any:
        made = place.context(world, TWO, stream=True, component="b", payload=io.BytesIO(b"stream"))
        return verbs.invoke(dataclasses.replace(made, connect=lambda region: Streaming(world), emit=shown.append))

    world.account.faults.add(Fault("InvokeEndpointWithResponseStream", CUT, parts=parts))
    with pytest.raises(MlccError) as cut:
        ask()
    assert len(cut.value.findings) == 1
    assert cut.value.findings[0].hint
    assert shown == [], "no line was whole"
    assert ask().ok
    assert shown == ["one two three"]


@pytest.mark.parametrize("name", STORIES)
def test_each_ends_clearly_and_clean_leaves_nothing(place: Place, name: str, record_property: Any) -> None:
    story = STORIES[name]
    known = list(cases(place, story))
    chosen = known if FULL else known[:: max(1, len(known) // 4)]
    for operation, kind in chosen:
        where = f"{name}: {kind} at {operation}"
        world = begun(place, story)
        if kind in (BEFORE, AFTER):
            world.kill = (operation, kind)
        else:
            world.account.faults.add(fault_of(operation, kind))
        problem = run(place, world, story)
        if problem is not None:
            assert len(problem.findings) == 1, where
            found = problem.findings[0]
            assert found.hint, where
            assert found.code.startswith("MLCC3"), where
            if kind in ERRORS:
                assert operation in found.message, where
        world.account.faults.waiting.clear()
        world.revive()
        assert run(place, world, story) is None, f"{where}: the same step goes on"
        assert verbs.clean(place.context(world, story.text)).ok, where
        assert world.left() == ["data"], where
        assert world.running == [], where
    record_property("cases", len(chosen))
    print(f"{name}: {len(chosen)} of {len(known)} cases")
