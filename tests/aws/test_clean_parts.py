"""do/clean with a part: it takes away that part and nothing else, or refuses."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from mlcc.core.errors import UsageError, UserError
from mlcc.lifecycle.targets import local
from mlcc.lifecycle.targets.hyperpod import teardown as hyperpod
from mlcc.lifecycle.targets.sagemaker import teardown, verbs
from mlcc.registries import load
from mlcc.servers.devserver.faults import STUCK, Fault
from tests.aws.account import World, rendered
from tests.aws.test_batch import TEXT as BATCH
from tests.aws.test_deploy import CLASSIC, TWO

TABLES: dict[str, Any] = {"local": local, "hyperpod-eks": hyperpod}


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, text: str, what: str) -> str:
    with pytest.raises(UserError) as caught:
        verbs.clean(world.context(rendered(text), what=what))
    assert [one.code for one in caught.value.findings] == ["MLCC338"] * len(caught.value.findings)
    return caught.value.findings[0].message


def test_a_model_goes_once_nothing_uses_it(world: World) -> None:
    verbs.deploy(world.context(rendered(TWO)))
    before = len(world.operations())
    assert "by the inference component chat-" in refused(world, TWO, "model")
    assert len(world.operations()) == before
    verbs.clean(world.context(rendered(TWO), what="components"))
    result = verbs.clean(world.context(rendered(TWO), what="model"))
    assert result.document["proofs"] == {"no model of it is left": True}
    assert world.account.models == {}
    assert len(world.account.endpoints) == len(world.account.configs) == 1, "the rest stays"


def test_a_model_of_an_endpoint_s_own_is_in_use(world: World) -> None:
    verbs.deploy(world.context(rendered(CLASSIC)))
    assert "by the endpoint iris" in refused(world, CLASSIC, "model")
    world.account.endpoints.clear()
    assert "by the endpoint configuration iris" in refused(world, CLASSIC, "model")
    assert len(world.account.models) == 1


def test_a_configuration_goes_once_no_endpoint_uses_it(world: World) -> None:
    verbs.deploy(world.context(rendered(TWO)))
    assert "by the endpoint chat" in refused(world, TWO, "config")
    world.account.endpoints.clear()
    world.account.components.clear()
    result = verbs.clean(world.context(rendered(TWO), what="config"))
    assert result.document["proofs"] == {"no endpoint configuration of it is left": True}
    assert world.account.configs == {}
    assert world.account.models


def test_a_job_that_runs_uses_its_model(world: World) -> None:
    world.account.faults.add(Fault("CreateTransformJob", STUCK))
    with pytest.raises(UserError):
        verbs.deploy(world.context(rendered(BATCH), timeout=30))
    assert "by the transform job iris" in refused(world, BATCH, "model")


@pytest.mark.parametrize(("what", "operation"), [("model", "DeleteModel"), ("config", "DeleteEndpointConfig")])
def test_a_dry_run_names_that_part_alone(world: World, what: str, operation: str) -> None:
    found = verbs.clean(world.context(rendered(TWO), what=what, dry_run=True)).document["calls"]
    assert {one["operation"] for one in found} == {operation}
    assert world.asked == []


@pytest.mark.parametrize(
    ("text", "what"),
    [(BATCH, "endpoint"), (BATCH, "config"), (BATCH, "components"), (CLASSIC, "components"), (CLASSIC, "adapters")],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_part_that_a_target_never_has_is_refused(world: World, text: str, what: str, dry_run: bool) -> None:
    world.cloud.buckets["data"] = {"in/a.csv": b"1,2\n"}
    with suppress(UserError):  # nothing answers in a job's container here, and its model is left
        verbs.deploy(world.context(rendered(text)))
    before, asked = world.left(), len(world.asked)
    assert world.account.models
    with pytest.raises(UsageError) as caught:
        verbs.clean(world.context(rendered(text), what=what, dry_run=dry_run))
    assert what not in caught.value.findings[0].hint
    assert "model" in caught.value.findings[0].hint
    assert (world.left(), len(world.asked)) == (before, asked)


@pytest.mark.parametrize("module", [local, hyperpod, teardown])
def test_the_parts_of_the_rows_are_those_that_the_code_knows(module: Any) -> None:
    rows = [row for row in load().targets.values() if TABLES.get(row.name, teardown) is module]
    assert rows
    assert {part for row in rows for part in row.parts} == set(module.SCOPES)


@pytest.mark.parametrize("text", [TWO, BATCH])
def test_an_unknown_part_is_a_mistake_of_the_command_line(world: World, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        verbs.clean(world.context(rendered(text), what="everything"))
    assert "model" in caught.value.findings[0].hint
    assert world.asked == []
