"""Progress of long commands: on a terminal only, after a second, and never in the way of what is printed."""

from __future__ import annotations

import itertools
import os
import pty
import sys

import pytest

from mlcc.cli.session import Session

NAMES = ["a/mlcc.yaml", "b/mlcc.yaml", "c\x1b/mlcc.yaml"]


def seen(monkeypatch: pytest.MonkeyPatch, step_s: float, *, verbosity: int = 0, names: list[str] = NAMES) -> str:
    """What a terminal gets on stderr while a command goes through names, `step_s` apart, and says one line."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        session = Session(clock=itertools.count(0.0, step_s).__next__, verbosity=verbosity)
        for name in session.counted(names, "planning"):
            if name == names[-1]:
                session.say("line", -1)
        terminal.flush()
        found = b""
        while not found.endswith(b"line\r\n"):
            found += os.read(master, 65536)
    os.close(master)
    return found.decode().replace("\r\n", "\n")


def test_a_long_command_counts_on_a_terminal_and_takes_the_line_away(monkeypatch):
    bars = {2: "[######..............]", 3: "[#############.......]"}
    names = ((2, "b/mlcc.yaml"), (3, "c\\x1b/mlcc.yaml"))
    lines = [f"planning {bars[number]} {number} of 3: {name}" for number, name in names]
    gone = [f"\r{' ' * len(line)}\r" for line in lines]
    assert seen(monkeypatch, 0.6) == f"{lines[0]}{gone[0]}{lines[1]}{gone[1]}line\n"


@pytest.mark.parametrize(
    ("step_s", "more"), [(0.1, {}), (9.0, {"verbosity": -1}), (9.0, {"names": ["only/mlcc.yaml"]})]
)
def test_a_short_command_a_quiet_one_and_one_project_do_not_count(monkeypatch, step_s, more):
    assert seen(monkeypatch, step_s, **more) == "line\n"


def test_nothing_counts_where_there_is_no_terminal(capsys):
    session = Session(clock=itertools.count(0.0, 9.0).__next__)
    assert list(session.counted(NAMES, "planning")) == NAMES
    assert capsys.readouterr() == ("", "")
