"""One plugin of each kind for mlcc: what docs/plugins.md explains, installed by a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from mlcc.api import Context, Finding, Question, Result
from mlcc.checks import Subject
from mlcc.lifecycle import Step

HERE = Path(__file__).parent


def rows() -> Path:
    """mlcc.registries: a folder of rows, over the packaged ones and under the operator's."""
    return HERE / "rows"


def layers() -> Path:
    """mlcc.cookiecutters: a folder of layers; a row's `layer` names one below it."""
    return HERE / "layers"


def check(subject: Subject) -> Iterator[Finding]:
    """mlcc.checks: every project says which team it belongs to."""
    if subject.resolved.get("tags.team") is None:
        yield subject.finding("EXAMPLE001", ("project", "name"), "the project has no team", "tags: {team: NAME}")


def _greet(context: Context) -> Result:
    return Result({"greeting": context.project.name}, [f"hello, {context.project.name}"])


GREET = Step("Say hello to the project.", _greet)


@click.command("hello")
def hello() -> int:
    """Say hello."""
    click.echo("hello from a plugin")
    return 0


def pick(question: Question) -> Mapping[str, str]:
    """mlcc.pickers: what is missing in a new mlcc.yaml."""
    return {"deployment.config": "http-nginx", "tags.team": f"team-of-{question.given['project.name']}"}
