"""Mistakes are on standard error, always: every command and every step in every kind of wrong surroundings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlcc.cli.main import cli
from mlcc.core.text import inert_json
from mlcc.lifecycle import STEPS
from tests.helpers import SMALLEST, Caller, applied, assert_no_traceback, build_tree

HERE = Path()
BROKEN = "version: 1\nproject: {nme: iris}\ndeployment: {config: http-fastapi}\n"
# These listen until they are interrupted; a word that they do not know ends them.
LISTENING = (["dev", "aws"],)
# What a command must be given, where it is more than a project.
WORDS = {
    "completion": ["bash"],
    "explain": ["deployment.config"],
    "init": ["iris"],
    "inspect": ["model.onnx"],
    "set": ["deployment.region", "us-east-1"],
    "schema": ["nope"],
}
# Python's way to spell values, which no other program reads.
REPRS = re.compile(r"\b(?:None|True|False)\b|\{'|\['|\(\(|Path\(|<[a-z_.]+ object")


def leaves(command: click.Command, path: list[str]) -> Iterator[list[str]]:
    """The words of every command that is no group."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, [*path, name])
    else:
        yield path


LEAVES = sorted(leaves(cli, []))
RUN = [words for words in LEAVES if words not in LISTENING]


def failed(mlcc: Caller, *words: str) -> str:
    """Runs what may fail: its mistakes are on standard error alone.  Returns what is on standard output."""
    result = mlcc(*words)
    assert_no_traceback(result)
    assert result.code in (0, 1, 2, 3), result
    if result.code:
        assert result.stderr.strip(), result
        # what validate finds is its result
        assert " error MLCC" not in result.stdout or words[0] == "validate", result
        assert "mlcc: " not in result.stdout, result
    return result.stdout


def test_the_walk_sees_every_step_and_nested_commands() -> None:
    assert {tuple(words) for words in LEAVES} >= {("do", step) for step in STEPS}
    assert ["bootstrap", "secrets", "set"] in LEAVES or len([w for w in LEAVES if len(w) == 3]) > 0
    assert len(LEAVES) > len(STEPS) + 20


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_usage(mlcc: Caller, words: list[str]) -> None:
    result = mlcc(*words, "--no-such-option", code=2)
    assert result.stdout == ""
    # `bootstrap secrets` repeats no word: it may be a secret
    assert "--no-such-option" in result.stderr or "it is not shown" in result.stderr


@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_no_project(mlcc: Caller, words: list[str]) -> None:
    failed(mlcc, *words, *WORDS.get(words[-1], []))


@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_a_broken_project(mlcc: Caller, words: list[str]) -> None:
    build_tree(HERE, {"mlcc.yaml": BROKEN, "do/config": "rm -rf /\n", "mlcc.lock": "[", "registries/x.yaml": "- {"})
    failed(mlcc, *words, *WORDS.get(words[-1], []))


@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_nothing_to_reach(mlcc: Caller, words: list[str]) -> None:
    """A sound project; no AWS, no container engine, nothing built, nothing that serves."""
    applied(HERE, SMALLEST.replace("http-fastapi", "http-fastapi, target: local"))
    more = ["--dry-run"] if words in (["do", "build"], ["do", "run"]) else []
    shown = failed(mlcc, *words, *more, *WORDS.get(words[-1], []), *(["--force"] if words == ["init"] else []))
    assert not REPRS.search(shown.partition("Example")[0]), shown


@pytest.mark.parametrize("step", sorted(STEPS))
@pytest.mark.parametrize("env", ["nope", "prod"])
def test_a_step_in_an_environment(mlcc: Caller, step: str, env: str) -> None:
    text = SMALLEST + "environments: {prod: {env: {LOG_LEVEL: warning}, deployment: {instance_count: 3}}}\n"
    applied(HERE, text)
    shown = failed(mlcc, "do", step, "--env", env, *(["--dry-run"] if step in ("build", "run") else []))
    assert not REPRS.search(shown), shown
    assert not shown.startswith("{") or json.loads(inert_json(shown))


@pytest.mark.parametrize("step", sorted(name for name, found in STEPS.items() if found.run))
def test_a_dry_run_has_no_reprs(mlcc: Caller, step: str) -> None:
    applied(HERE)
    shown = failed(mlcc, "do", step, "--dry-run")
    assert not REPRS.search(shown), shown
    assert not shown or json.loads(shown)
