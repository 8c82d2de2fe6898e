"""Region, role and account of a step come from the bootstrap profile where the project names none."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UserError
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import verbs
from tests.aws.account import NUMBER, World, rendered

BARE = """version: 1
project: {name: iris}
deployment: {config: http-fastapi, target: async-inference}
async: {s3_output_path: s3://bucket/out/}
"""
OWN = BARE.replace(
    "async-inference}",
    'async-inference, region: eu-west-1, account_id: "123456789012", role_arn: "arn:aws:iam::123456789012:role/own"}',
)
ROLE = f"arn:aws:iam::{NUMBER}:role/mlcc-sagemaker-execution-role"
DEV = Profile("dev", "us-east-1", NUMBER, role_arn=ROLE)


def context(world: World, text: str, profile: Profile | None, **arguments: Any) -> Context:
    """A step's context, which notes the regions that it connects to."""
    made = world.context(rendered(text), **arguments)

    def connect(region: str) -> World:
        world.region = region
        return world

    return dataclasses.replace(made, find_profile=lambda: profile, connect=connect, environ={"AWS_REGION": "ap-east-1"})


@pytest.fixture
def world() -> World:
    return World()


def roles(world: World) -> set[str]:
    return {one.request["ExecutionRoleArn"] for one in world.account.models.values()}


def code(problem: pytest.ExceptionInfo[MlccError]) -> str:
    return problem.value.findings[0].code


def test_the_profile_fills_what_the_project_leaves_open(world: World) -> None:
    assert verbs.deploy(context(world, BARE, DEV)).ok
    assert world.region == "us-east-1", "the profile's region comes before the caller's"
    assert roles(world) == {ROLE}


def test_the_project_s_own_values_win(world: World) -> None:
    assert verbs.deploy(context(world, OWN, DEV)).ok
    assert world.region == "eu-west-1"
    assert roles(world) == {"arn:aws:iam::123456789012:role/own"}


def test_another_account_than_the_profile_s_is_refused_before_any_write(world: World) -> None:
    for verb in (verbs.deploy, verbs.clean, verbs.status):
        with pytest.raises(UserError) as refused:
            verb(context(world, BARE, DEV._replace(account_id="999999999999")))
        assert code(refused) == "MLCC345"
    assert world.operations() == []


def test_a_profile_of_another_account_than_the_project_s_is_none_of_it(world: World) -> None:
    own = OWN.replace(', role_arn: "arn:aws:iam::123456789012:role/own"', "")
    with pytest.raises(PreconditionError) as missing:
        verbs.deploy(context(world, own, DEV._replace(account_id="999999999999")))
    assert code(missing) == "MLCC320", "its role is none of this account's"
    assert "mlcc bootstrap deploy" in missing.value.findings[0].hint
    assert verbs.deploy(context(world, own, DEV)).ok


def test_without_a_profile_it_is_as_before(world: World) -> None:
    with pytest.raises(PreconditionError) as missing:
        verbs.deploy(context(world, BARE, None))
    assert code(missing) == "MLCC320"
    assert world.region == "ap-east-1"


def test_a_dry_run_assumes_only_what_nobody_names(world: World) -> None:
    document = verbs.deploy(context(world, BARE, DEV, dry_run=True)).document
    assert {"region", "account_id", "role_arn"} & {*document["assumed"]} == set()
    assert document["calls"][0]["parameters"]["ExecutionRoleArn"] == ROLE
    assert {"account_id", "role_arn"} <= {*verbs.deploy(context(world, BARE, None, dry_run=True)).document["assumed"]}
