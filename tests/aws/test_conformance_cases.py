"""The tables that SageMaker itself is asked for (test_conformance.py), on our server without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.aws.account import World
from tests.aws.caller import Caller
from tests.aws.conformance_cases import ANSWERS, Case, mismatch, single
from tests.aws.endpoint_stories import STORIES, story

REFUSALS = dict(single())


@pytest.fixture
def aws() -> Caller:
    world = World()
    # requests that are not valid are asked, too
    world.checks = False
    world.account.beside = None
    return Caller(world)


@pytest.mark.parametrize("name", REFUSALS)
def test_it_is_refused(aws: Caller, name: str) -> None:
    assert mismatch(aws, REFUSALS[name]) == ""


@pytest.mark.parametrize("name", ANSWERS)
def test_it_is_answered(aws: Caller, name: str) -> None:
    ANSWERS[name](aws)


@pytest.mark.parametrize("name", STORIES)
def test_an_endpoint_from_its_creation_to_its_end(aws: Caller, name: str) -> None:
    assert story(aws, STORIES[name]) == {}


def test_a_case_may_fail(aws: Caller) -> None:
    """What is not refused, with another code or in other words is seen."""
    case = REFUSALS["missing: model"]
    steps: Mapping[str, Any] = {
        "passes": lambda aws: aws.model(),
        "right": case,
        "words": case._replace(words="no such model"),
        "code": case._replace(code="ResourceNotFound"),
        "not refused": Case(lambda aws: aws("DescribeModel", ModelName="m")),
    }
    assert [*story(aws, steps)] == ["words", "code", "not refused"]
