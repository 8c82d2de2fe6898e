"""A terminal of 80 columns: tables and the lines of steps keep within it; what a program reads stays one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcc.cli.output import table
from mlcc.cli.session import Session
from tests.helpers import applied, run_mlcc

NAME = "a-very-long-project-name-of-forty-chars"
TEXT = f"""version: 1
project: {{name: {NAME}x}}
deployment: {{config: http-fastapi, region: us-east-1, account_id: "123456789012"}}
environments:
  production: {{env: {{LOG_LEVEL: a-long-value-of-a-variable-that-does-not-fit-into-eighty-columns-of-a-terminal}}}}
"""


class Terminal(Session):
    """A session on a terminal of 80 columns."""

    @property
    def room(self) -> int:
        return 80


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return applied(tmp_path / "project", TEXT)


def widest(folder: Path, *arguments: str, tty: bool = True) -> int:
    return max(map(len, run_mlcc(*arguments, cwd=folder, tty=tty).stdout.splitlines()))


def test_what_a_terminal_shows_is_within_80_columns(project: Path) -> None:
    note = "of the fifth attempt with larger instances, after the quota was raised for this account"
    assert run_mlcc("do", "register", "--notes", note, cwd=project).code == 0
    for arguments in (
        ("plan",), ("diff", "--env", "default", "production"), ("registry", "list"), ("registry", "show", "1"),
        ("do", "status", "--target", "local"), ("do", "status", "--target", "local", "--why"), ("do", "validate"),
    ):  # fmt: skip
        assert widest(project, *arguments) <= 80, arguments
    assert widest(project, "registry", "show", "1", tty=False) > 80
    record = json.loads(run_mlcc("registry", "show", "1", "-o", "json", cwd=project).stdout)["record"]
    shown = run_mlcc("registry", "show", "1", cwd=project, tty=True).stdout
    assert record["endpointArn"] in shown.replace("\r", "").replace("\n    ", " ").replace(" ", "")


def test_a_table_parts_the_words_of_the_widest_columns_only_as_far_as_it_must() -> None:
    rows = [{"path": "inference_components.scaling", "before": "b" * 30, "after": "a" * 60, "source": "mlcc.yaml"}]
    lines = table(rows, ["path", "before", "after", "source"], Terminal()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "mlcc.yaml" in lines[2]
    short = table([{"path": "p" * 40, "after": "a" * 38}], ["path", "after"], Terminal()).splitlines()
    assert "p" * 40 in short[2]
