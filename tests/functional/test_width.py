"""A terminal of 80 columns: every command keeps within it, whatever the values; a program gets whole lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click
import pytest
from rich.cells import cell_len

from mlcc.cli import boundary
from mlcc.cli.catalog_tables import TABLES
from mlcc.cli.main import cli
from mlcc.cli.output import table
from mlcc.cli.session import Session
from tests.helpers import SMALLEST, applied, build_tree, run_mlcc

NAME = "a-very-long-project-name-of-forty-chars"
FOLDER = "a-folder-whose-name-is-longer-than-many-a-terminal-is-wide/and-another-one-that-is-below-it/project"
WIDE = "日本語の長い値" * 12
WORD = "x" * 150
TEXT = f"""version: 1
project: {{name: {NAME}x, description: {WIDE}}}
deployment: {{config: http-fastapi, region: us-east-1, account_id: "123456789012"}}
env: {{WIDE_VALUE: {WIDE}, {"LONG_NAME_" * 6}X: {WORD}, EMOJI: {"🚀" * 60}, SPACED: {"many short words " * 12}}}
tags: {{team: {"t" * 120}}}
environments:
  production: {{env: {{LOG_LEVEL: a-long-value-of-a-variable-that-does-not-fit-into-eighty-columns-of-a-terminal}}}}
  {"e" * 20}: {{deployment: {{instance_count: 3}}, ttl: 2h}}
"""
ENGINE = f"""version: 1
project: {{name: {NAME}}}
deployment: {{config: transformers-vllm, instance_type: ml.g5.2xlarge}}
model: {{name: "{"organisation-with-a-name" * 2}/{"model" * 12}"}}
engine: {{max_model_len: 4096, served_model_name: {"y" * 100}}}
env: {{VLLM_LOGGING_LEVEL: {"D" * 90}, {"LONG_NAME_" * 6}X: {"日本" * 40}}}
"""


class Terminal(Session):
    """A session whose streams are shown by a terminal of 80 columns."""

    def columns_of(self, stream: TextIO) -> int:
        """80."""
        return 80

    @property
    def home(self) -> str:
        """That of the test."""
        return self.environ["MLCC_HOME"]


class Shown:
    """Runs command lines as on a terminal of 80 columns."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.done: list[tuple[str, ...]] = []

    def __call__(self, *words: str) -> str:
        """What a run shows, both streams; no line of it may be wider."""
        self.capsys.readouterr()
        boundary.run(cli, words, session=Terminal())
        out, err = self.capsys.readouterr()
        assert "bug in mlcc" not in err, (words, err)
        files = ("+", "-", " ") if words[0] == "diff" else ()  # lines of files stay as they are there
        wide = [line for line in (out + err).split("\n") if cell_len(line) > 80 and line[:1] not in files]
        assert wide == [], words
        self.done.append(words)
        return out + err


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    return Shown(capsys)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = applied(tmp_path / FOLDER, TEXT)
    monkeypatch.chdir(folder)
    return folder


def leaves(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that is no group."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, *path, name)


COMMANDS = [*leaves(cli)]
# These print a script or a document, or serve.
NOT_FOR_PEOPLE = (("schema",), ("completion",), ("dev", "aws"), ("bootstrap", "policy"))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command(shown: Shown, words: tuple[str, ...]) -> None:
    assert shown(*words, "--help").startswith("Usage: ")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("more", [(), (WORD,), (f"--{WORD}",)], ids=["alone", "word", "option"])
def test_the_mistakes_of_every_command(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    """In a folder without a project, with a word and with an option that nobody knows."""
    (tmp_path / FOLDER).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / FOLDER)
    if words not in NOT_FOR_PEOPLE or more == (f"--{WORD}",):
        shown(*words, *more)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_of_the_catalog(shown: Shown, name: str) -> None:
    shown("catalog", name)
    rows = json.loads(run_mlcc("catalog", name, "-o", "json").stdout)["rows"]
    for row in rows[:3]:
        shown("catalog", name, row["name"])
    piped = run_mlcc("catalog", name).stdout
    assert piped == "(none)\n" or len(piped.splitlines()) == len(rows) + 2, "a line a row, where a program reads it"


def test_a_project_whose_values_are_long_and_wide(shown: Shown, project: Path) -> None:
    for words in (
        ("plan",), ("plan", "--env", "production", "--set", f"ttl={WORD}"), ("plan", "--set", f"env.WIDE_VALUE={WORD}"),
        ("diff",), ("diff", "--env", "default", "production"), ("diff", "--env", "production", "e" * 20),
        ("apply",), ("apply", "--check"), ("apply", "--locked"), ("validate",), ("validate", "-v"),
        ("validate", "--set", f"deployment.instance_type={WORD}"), ("explain",), ("explain", "env.WIDE_VALUE"),
        ("explain", "tags.team", "--set", f"tags.team={WIDE}"), ("explain", "--precedence"), ("explain", "MLCC108"),
        ("explain", WORD), ("show",), ("show", "--env", "production"), ("show", "--container"),
        ("set", "env.MORE", WIDE), ("set", "env.MORE", "--unset"), ("set", f"env.{WORD}", WIDE), ("set", WORD, "1"),
        ("doctor",), ("plugins",), ("inspect", f"./{WORD}.onnx"), ("upgrade",), ("upgrade", "--check"),
        ("schema", "--options"), ("registry", "list"), ("init", "other"), ("init", WORD, "-C", "other"),
        ("ci", "register", "--dry-run", "--env", WORD),
    ):  # fmt: skip
        shown(*words)


def test_steps_and_records_of_a_project(shown: Shown, project: Path) -> None:
    shown(
        "do", "register", "--notes", f"of the fifth attempt, after the quota was raised; {WIDE}", "--status", "failed"
    )
    shown("do", "register", "--notes", WORD)
    for words in (
        ("registry", "list"), ("registry", "show", "1"), ("registry", "diff", "1", "2"), ("do", "manifest"),
        ("do", "status", "--target", "local"), ("do", "status", "--target", "local", "--why"), ("do", "validate"),
        ("do", "validate", "--env", WORD), ("do", "clean", "--target", "local"),
        ("bootstrap", "add", "dev", "--region", "us-east-1"), ("bootstrap", "list"), ("bootstrap", "show", "dev"),
    ):  # fmt: skip
        shown(*words)
    assert cell_len(max(run_mlcc("registry", "show", "1").stdout.splitlines(), key=len)) > 80
    record = json.loads(run_mlcc("registry", "show", "1", "-o", "json").stdout)["record"]
    text = shown("registry", "show", "1")
    assert record["notes"].replace(" ", "") in "".join(text.split()), "nothing is lost where a line is folded"


def test_an_engine_whose_names_are_long(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(applied(tmp_path / FOLDER, ENGINE))
    for words in (("show", "--container"), ("explain",), ("validate",), ("plan", "--set", "ttl=1h")):
        shown(*words)
    build_tree(".", {"mlcc.yaml": ENGINE.replace("transformers-vllm", "transformers-sglang")})
    for words in (("plan",), ("diff",), ("apply", "--check")):
        assert "engine: vllm" in shown(*words)


def test_many_projects_with_long_names(shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SMALLEST.replace("http-fastapi", WORD)
    build_tree(tmp_path, {".git/HEAD": "", f"{FOLDER}/mlcc.yaml": TEXT, f"other/{FOLDER}/mlcc.yaml": broken})
    monkeypatch.chdir(tmp_path)
    for words in (("validate", "--all"), ("plan", "--all"), ("apply", "--all")):
        shown(*words)


def test_a_program_gets_values_whole_and_on_one_line(project: Path) -> None:
    build_tree(".", {"mlcc.yaml": TEXT.replace(f"X: {WORD}", f"X: {WORD}z")})
    for words in (("plan",), ("diff",), ("explain",), ("show",), ("show", "--container")):
        found = run_mlcc(*words).stdout.splitlines()
        assert [line for line in found if f"{WORD}z" in line], words
    wide = run_mlcc("explain", "env.WIDE_VALUE").stdout
    assert WIDE in wide
    assert "..." not in wide


def test_a_real_terminal(project: Path) -> None:
    """Its width is found where COLUMNS does not name it."""
    for words in (("plan", "--set", "ttl=1h"), ("explain",)):
        lines = run_mlcc(*words, tty=True, env={"NO_COLOR": "1"}).stdout.replace("\r", "").splitlines()
        assert max(map(cell_len, lines)) <= 80


def test_a_table_parts_the_words_of_the_widest_columns_only_as_far_as_it_must() -> None:
    rows = [{"path": "inference_components.scaling", "before": "b" * 30, "after": "a" * 60, "source": "mlcc.yaml"}]
    lines = table(rows, ["path", "before", "after", "source"], Terminal()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "mlcc.yaml" in lines[2]
    short = table([{"path": "p" * 40, "after": "a" * 38}], ["path", "after"], Terminal()).splitlines()
    assert "p" * 40 in short[2]
