"""What is past its time goes, and nothing else."""

from __future__ import annotations

import time

import pytest

from mlcc.lifecycle.context import Silent
from mlcc.lifecycle.targets.sagemaker import reaper, verbs
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from tests.aws.account import World, rendered
from tests.aws.test_deploy import CLASSIC, TWO

HOUR = 3600
KEPT = TWO.replace("name: chat", "name: kept") + "ttl: 99h\n"
ENVIRONMENT = "environments: {prod: {tags: {team: x}}}\n"
PACE_S = 600.0


@pytest.fixture
def world() -> World:
    found = World()
    for text, env in ((TWO, None), (CLASSIC + ENVIRONMENT, "prod"), (KEPT, None)):
        verbs.deploy(found.context(rendered(text), env))
    return found


def found_in(world: World) -> list[reaper.Expired]:
    return list(reaper.expired(world, world.account.timeline.now))


def test_only_what_is_past_its_time_goes(world: World) -> None:
    assert found_in(world) == []
    world.sleep(9 * HOUR)
    found = found_in(world)
    assert {(one.project, one.environment) for one in found} == {("chat", "default"), ("iris", "prod")}
    pace = Pace(Silent(), world.sleep, time.monotonic, PACE_S)
    assert {reaper.reap(one, world, pace) for one in found} == {True}
    assert set(world.account.endpoints) == {"kept"}
    assert not [name for name in world.left() if "chat" in name or "iris" in name]


def test_a_component_without_its_endpoint_is_found(world: World) -> None:
    """The service was seen to delete an endpoint and to leave its components."""
    del world.account.endpoints["chat"]
    world.sleep(9 * HOUR)
    found = [one for one in found_in(world) if one.project == "chat"]
    assert found
    assert reaper.reap(found[0], world, Pace(Silent(), world.sleep, time.monotonic, PACE_S))
    assert not [name for name in world.account.components if name.startswith("chat")]
