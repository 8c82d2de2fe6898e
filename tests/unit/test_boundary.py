"""What becomes of exceptions: a code and one line, whatever wraps them."""

from __future__ import annotations

import click
import pytest

from mlcc.cli import boundary
from mlcc.core.errors import Terminated, UserError
from mlcc.io.plugins import Plugin


class Interrupting:
    """A descriptor on which a signal arrives while its class is being made."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem

    def __set_name__(self, owner: type, name: str) -> None:
        raise self.problem


@pytest.mark.parametrize(
    ("problem", "code", "word"),
    [
        (KeyboardInterrupt(), boundary.INTERRUPTED, "interrupted"),
        (Terminated(), boundary.TERMINATED, "terminated"),
    ],
)
def test_a_signal_while_a_class_is_made_is_a_signal(problem: BaseException, code: int, word: str, capsys):
    @click.command()
    def command() -> None:
        type("Made", (), {"field": Interrupting(problem)})

    assert boundary.run(command, []) == code
    assert capsys.readouterr().err == f"mlcc: {word}\n"


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), Terminated()])
def test_a_signal_in_a_plugin_s_code_is_none_of_its_mistakes(problem: BaseException):
    plugin = Plugin("mlcc.checks", "naming", "acme:check", "acme", "1.0", None)
    with pytest.raises((RuntimeError, type(problem))), plugin.guarded():
        type("Made", (), {"field": Interrupting(problem)})
    with pytest.raises(UserError), plugin.guarded():
        raise RuntimeError("no signal") from ValueError("nor here")


def test_an_exception_of_its_own_is_a_bug(capsys):
    @click.command()
    def command() -> None:
        raise RuntimeError("no signal") from ValueError("nor here")

    assert boundary.run(command, []) == boundary.BUG
    assert "this is a bug in mlcc (runtime error)" in capsys.readouterr().err
