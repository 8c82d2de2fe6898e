"""Hints name steps as they must be typed: with the environment and the target of the run, and nothing else changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mlcc import lifecycle
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.lifecycle import step_words
from mlcc.lifecycle.context import STEPS, Silent
from mlcc.lifecycle.interruption import COSTS_ON, GOES_ON
from mlcc.lifecycle.rendered_project import load_project
from tests.aws.account import World, rendered
from tests.aws.test_deploy import CLASSIC

PROD = CLASSIC + "environments: {prod: {deployment: {instance_count: 2}}}\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("do/deploy", "do/deploy --env prod"),
        ("do/status --why; do/logs", "do/status --env prod --why; do/logs --env prod"),
        ("(do/deploy makes it)", "(do/deploy --env prod makes it)"),
        ("do/clean.", "do/clean --env prod."),
        ("the service's own; do/status shows 'it'", "the service's own; do/status --env prod shows 'it'"),
        ("do/adapter add legal", "do/adapter --env prod add legal"),
        ("do/clean repository --env dev", "do/clean repository --env dev"),
        ("mlcc set x 1; mlcc apply; do/deploy", "mlcc set x 1; mlcc apply; do/deploy --env prod"),
        ("do/deploy --target local", "do/deploy --env prod --target local"),
        ("two\ndo/deploy lines", "two\ndo/deploy --env prod lines"),
        # other words
        ("mlcc apply --restore do/config brings it back", "mlcc apply --restore do/config brings it back"),
        ("no part is called 'do/deploy'", "no part is called 'do/deploy'"),
        ('`do/clean` and "do/clean"', '`do/clean` and "do/clean"'),
        ("    a program's line: do/deploy", "    a program's line: do/deploy"),
        ("s3://bucket/do/deploy, do/deployed, do/deploy/x, do/deploy-it, do/deploy.sh",) * 2,
    ],
)
def test_a_step_carries_the_environment(text: str, shown: str) -> None:
    assert step_words.completed(text, STEPS, "prod") == shown
    assert step_words.completed(shown, STEPS, "prod") == shown, "once"
    assert step_words.completed(text, STEPS) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("do/deploy", "do/deploy --env prod --target local"),
        ("do/adapter --target realtime-inference", "do/adapter --env prod --target realtime-inference"),
        ("do/clean --env dev", "do/clean --target local --env dev"),
    ],
)
def test_a_step_carries_the_target(text: str, shown: str) -> None:
    assert step_words.completed(text, STEPS, "prod", "local") == shown


def test_what_goes_on_is_named_whole() -> None:
    assert step_words.completed(GOES_ON, STEPS, "prod").count("--env prod") == 2
    assert "do/clean --env prod continues" in step_words.completed(COSTS_ON, STEPS, "prod")


def test_every_step_that_acts_is_known() -> None:
    assert {name for name, step in lifecycle.STEPS.items() if step.run is not None} - {"config"} == set(STEPS)


def context(env: str | None, target: str = "") -> Any:
    found: Any = World().context(rendered(PROD))
    return dataclasses.replace(found, project=load_project(found.project.directory, env=env, target=target))


def test_a_run_names_no_option_that_it_did_not_have() -> None:
    assert context(None).completed("do/deploy") == "do/deploy"
    assert context(None, "async-inference").completed("do/deploy") == "do/deploy", "its own target"
    assert context("prod").completed("do/deploy") == "do/deploy --env prod"
    assert context("prod", "local").completed("do/deploy") == "do/deploy --env prod --target local"


def test_the_default_environment_may_be_named() -> None:
    given = context("default")
    assert (given.project.env, given.completed("do/deploy")) == (None, "do/deploy")
    with pytest.raises(UserError):
        context("defaults")


def test_findings_and_talk_of_a_step_carry_them() -> None:
    given = context("prod")

    def failing(seen: Any) -> Any:
        seen.progress.say("do/test asks it")
        seen.progress.warn(GOES_ON)
        seen.progress.detail("do/test of a program")
        raise UserError([error("MLCC323", "do/deploy failed", hint="do/status --why")])

    with pytest.raises(UserError) as caught:
        lifecycle.run("status", lifecycle.Step("Fails.", failing), given)
    assert caught.value.findings[0].hint == "do/status --env prod --why"
    assert caught.value.findings[0].message == "do/deploy failed"
    assert isinstance(given.progress, Silent)
    assert given.progress.lines[0] == "do/test --env prod asks it"
    assert "do/clean --env prod takes it away" in given.progress.lines[1]
    assert given.progress.details == ["do/test of a program"]


def test_a_deployment_that_a_signal_ends_names_its_environment() -> None:
    def arrives(seconds: float) -> None:
        raise KeyboardInterrupt

    given = dataclasses.replace(context("prod"), sleep=arrives)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.run("deploy", lifecycle.STEPS["deploy"], given)
    assert isinstance(given.progress, Silent)
    assert "do/deploy --env prod continues it, do/clean --env prod takes it away" in given.progress.lines[-1]
