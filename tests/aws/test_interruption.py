"""A deployment that a signal, or its own limit, ends in the middle says what goes on and costs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mlcc.core.errors import Terminated, UserError
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.interruption import COSTS_ON, GOES_ON
from mlcc.lifecycle.targets.sagemaker import reaper, verbs
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from tests.aws.account import World, rendered
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import CLASSIC, TWO


def interrupted(context: Context, signal: type[BaseException]) -> Context:
    """The context of a step that a signal ends where it waits first."""

    def arrives(seconds: float) -> None:
        raise signal

    return dataclasses.replace(context, sleep=arrives)


def spoken(context: Context) -> list[str]:
    assert isinstance(context.progress, Silent)
    return context.progress.lines


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("signal", [KeyboardInterrupt, Terminated])
@pytest.mark.parametrize("text", [TWO, CLASSIC], ids=["components", "asynchronous"])
def test_an_interrupted_deployment_says_what_costs(world: World, text: str, signal: type[BaseException]) -> None:
    context = interrupted(world.context(rendered(text)), signal)
    with pytest.raises(signal):
        verbs.deploy(context)
    assert spoken(context).count(GOES_ON) == 1
    assert spoken(context)[-1] == GOES_ON
    assert "do/deploy continues it, do/clean takes it away" in GOES_ON
    assert world.account.endpoints, "it does go on"
    assert verbs.deploy(world.context(rendered(text))).ok


def test_a_signal_before_the_first_call_leaves_nothing_to_say(world: World) -> None:
    context = world.context(rendered(TWO))

    def ended(region: str) -> Any:
        raise KeyboardInterrupt

    context = dataclasses.replace(context, connect=ended)
    with pytest.raises(KeyboardInterrupt):
        verbs.deploy(context)
    assert spoken(context) == []
    assert verbs.deploy(world.context(rendered(TWO))).ok
    again = interrupted(world.context(rendered(TWO)), KeyboardInterrupt)
    assert verbs.deploy(again).ok, "nothing is left to wait for"
    assert GOES_ON not in spoken(again)


def test_an_interrupted_batch_job_costs_too(world: World) -> None:
    context = interrupted(world.context(rendered(BATCH)), KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        verbs.deploy(context)
    assert spoken(context)[-1] == GOES_ON


def test_a_deployment_that_ends_by_its_limit_says_what_costs(world: World) -> None:
    with pytest.raises(UserError) as late:
        verbs.deploy(world.context(rendered(TWO), timeout=1))
    (found,) = late.value.findings
    assert (found.code, GOES_ON in found.hint) == ("MLCC322", True)


def test_what_is_being_taken_away_costs_until_it_is_gone(world: World) -> None:
    verbs.deploy(world.context(rendered(TWO)))
    context = interrupted(world.context(rendered(TWO)), KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        verbs.clean(context)
    assert spoken(context)[-1] == COSTS_ON
    with pytest.raises(UserError) as late:
        verbs.clean(world.context(rendered(TWO), timeout=1))
    assert COSTS_ON in late.value.findings[0].hint


def test_an_interrupted_reap_names_itself(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    world.sleep(9 * 3600)
    (found, *_) = reaper.expired(world, world.account.timeline.now)
    progress = Silent()

    def arrives(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reaper.reap(found, world, Pace(progress, arrives, lambda: world.account.timeline.now, 600.0, "mlcc reap"))
    assert progress.lines[-1] == "mlcc reap"
