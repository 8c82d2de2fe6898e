"""Names of any length: what a deployment makes is found again by status, test, clean and reap, and nobody else's is."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlcc.core.errors import UserError
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.targets.sagemaker import names, reaper, verbs
from mlcc.lifecycle.targets.sagemaker.executor import Pace
from mlcc.servers.devserver.faults import STUCK, Fault
from tests.aws.account import World, loaded, rendered
from tests.aws.model_server import ModelServer
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import CLASSIC, TWO
from tests.aws.test_live_plan import FEW

LONG, PRODUCTION = "abcdefghij-" * 3 + "abcde", "production"  # 38 characters, 49 with the environment
NOTE = "env: {NOTE: new}\n"
NAMES = st.integers(1, 40).map(lambda n: ("ab-cdefghi" * 4)[:n].strip("-"))
KINDS = {"components": TWO, "asynchronous": CLASSIC, "batch": BATCH}


def context(world: World, text: str, project: str, env: str | None, **arguments: Any) -> Context:
    """A step's context of a project and environment that are called so."""
    found = world.context(rendered(text), **arguments)
    one = loaded(rendered(text), None)
    renamed = one._replace(env=env, variables={**one.variables, "PROJECT_NAME": project})
    return dataclasses.replace(found, project=renamed)


def account(url: str = "http://127.0.0.1:9") -> World:
    world = World(url)
    world.cloud.buckets["data"] = {"in/a.csv": b"1,2\n"}
    return world


def lines(result: Any) -> str:
    return "\n".join(result.lines)


@settings(FEW, deadline=None)
@given(st.sampled_from(sorted(KINDS)), NAMES, st.none() | NAMES)
@example("components", LONG, PRODUCTION)
@example("asynchronous", LONG, PRODUCTION)
@example("batch", LONG, PRODUCTION)
@example("components", "a" * 40, "b" * 40)
@example("asynchronous", "a" * 40, "b" * 40)
@example("batch", "a" * 40, "b" * 40)
def test_clean_leaves_nothing_whatever_the_names(model: ModelServer, kind: str, project: str, env: str | None) -> None:
    """Deployed, changed, deployed again: all of it goes, and all of another environment's stays."""
    world, text = account(model.url), KINDS[kind]
    other = "b" * 40 if env != "b" * 40 else "b" * 39 + "c"
    verbs.deploy(context(world, text, project, other))
    before = set(world.left())
    for changed in (text, text + NOTE):
        verbs.deploy(context(world, changed, project, env))
        world.sleep(5)
    assert set(world.left()) > before
    if kind == "batch":
        assert verbs.status(context(world, text, project, env)).document["status"] == "Completed"
        assert verbs.test(context(world, text, project, env)).ok
    assert verbs.clean(context(world, text + NOTE, project, env)).ok
    assert set(world.left()) == before


def running(world: World) -> list[str]:
    return [name for name, job in world.account.jobs.items() if job.status == "InProgress"]


@pytest.fixture
def stuck() -> World:
    """An account in which a transform job of the long names runs, and does not end."""
    world = account()
    world.account.faults.add(Fault("CreateTransformJob", STUCK))
    with pytest.raises(UserError):
        verbs.deploy(context(world, BATCH, LONG, PRODUCTION, timeout=30))
    assert len(running(world)) == 1
    return world


def test_clean_stops_a_job_that_runs(stuck: World) -> None:
    assert verbs.clean(context(stuck, BATCH, LONG, PRODUCTION)).ok
    assert running(stuck) == []
    assert stuck.left() == ["data"]


def test_reap_stops_a_job_that_runs(stuck: World) -> None:
    stuck.sleep(9 * 3600)
    (found,) = reaper.expired(stuck, stuck.account.timeline.now)
    assert reaper.reap(found, stuck, Pace(Silent(), stuck.sleep, time.monotonic, 600.0))
    assert running(stuck) == []
    assert stuck.left() == ["data"]


def test_reap_takes_away_what_it_found_whatever_its_name(stuck: World) -> None:
    """Made by another version, or by hand with the project's tags."""
    (job,) = stuck.account.jobs.values()
    tags = [{"Key": key, "Value": value} for key, value in job.tags.items()]
    stuck.account.faults.add(Fault("CreateTransformJob", STUCK))
    stuck.call("sagemaker", "CreateTransformJob", {**job.request, "TransformJobName": "by-hand", "Tags": tags})
    verbs.clean(context(stuck, BATCH, LONG, PRODUCTION))
    assert running(stuck) == ["by-hand"]
    stuck.sleep(9 * 3600)
    (found,) = reaper.expired(stuck, stuck.account.timeline.now)
    assert reaper.reap(found, stuck, Pace(Silent(), stuck.sleep, time.monotonic, 600.0))
    assert running(stuck) == []


def test_a_dry_run_of_test_asks_for_the_same_start() -> None:
    (asked,) = verbs.test(context(World(), BATCH, LONG, PRODUCTION, dry_run=True)).document["calls"]
    assert asked["parameters"] == {"NameContains": names.jobs_start(f"{LONG}-{PRODUCTION}")}


@given(NAMES, st.none() | NAMES, st.lists(NAMES, max_size=1))
@example("a" * 40, "b" * 40, [])
@example(LONG, PRODUCTION, ["chat"])
def test_every_name_begins_with_what_is_looked_for(project: str, env: str | None, part: Sequence[str]) -> None:
    prefix = names.joined(project, env or "")
    own = names.joined(prefix, *part)
    assert own.startswith(names.kept(prefix))
    assert names.with_content(own, {}).startswith(names.kept(prefix))
    job = names.with_content(prefix, {}, limit=names.MAX_NAME - names.TIME)
    assert job.startswith(names.jobs_start(prefix))
    assert len(f"{job}-1700000000") <= names.MAX_NAME
