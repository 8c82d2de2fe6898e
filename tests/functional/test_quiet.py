"""-q says only what is wrong, and errors go to standard error: asked of every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mlcc.cli.main import cli
from tests.helpers import SMALLEST, Caller, applied, build_tree

HERE = Path()
TEXT = SMALLEST.replace("http-fastapi", "http-fastapi, target: local")
# What acts or checks: a run that goes well has nothing to say.
SILENT = (
    ("validate",), ("validate", "--all"), ("apply",), ("apply", "--check"), ("apply", "--locked"), ("plan",), ("diff",),
    ("diff", "--env", "default", "prod"), ("set", "ttl", "2h"), ("apply",), ("doctor",), ("upgrade", "--check"),
    ("fmt",), ("fmt", "--check"), ("registry", "list"), ("do", "validate"), ("do", "register"), ("registry", "diff", "1", "1"), ("do", "clean"),
    ("bootstrap", "add", "dev", "--region", "us-east-1"), ("bootstrap", "use", "dev"), ("bootstrap", "remove", "dev"),
    ("bootstrap", "list"), ("init", "other", "-C", "other"),
)  # fmt: skip
# What is asked for something prints it all the same, and nothing else.
ANSWERS = (
    ("show",), ("show", "--container"), ("explain",), ("explain", "ttl"), ("explain", "--precedence"), ("plugins",),
    ("explain", "MLCC108"), ("catalog", "targets"), ("catalog", "targets", "local"), ("schema",), ("bootstrap", "modules"),
    ("schema", "--options"), ("do", "config"), ("do", "export"), ("do", "status"),
    ("do", "manifest"), ("do", "deploy", "--dry-run"), ("do", "build", "--dry-run"), ("ci", "register", "--dry-run"),
    ("bootstrap", "policy", "deploy"), ("plan", "--set", "ttl=3h"), ("diff", "--set", "ttl=3h"),
)  # fmt: skip


@pytest.fixture
def project() -> Path:
    applied(HERE, TEXT + "environments: {prod: {}}\n")
    build_tree(HERE, {".git/HEAD": ""})
    return HERE


def quietly(mlcc: Caller, words: tuple[str, ...], code: int | None = 0):
    group = words[:2] if words[0] in ("do", "registry", "bootstrap", "ci") else words[:1]
    return mlcc(*group, "-q", *words[len(group) :], code=code)


def test_what_goes_well_says_nothing(mlcc: Caller, project: Path) -> None:
    spoken = []
    for words in SILENT:
        result = quietly(mlcc, words)
        if words == ("do", "register"):  # nothing shows that it was deployed: that is wrong, and said
            assert result.stderr.startswith("warning: ")
            assert result.stdout == ""
        elif result.stdout or result.stderr:
            spoken.append((words, result.stdout, result.stderr))
    assert spoken == []


@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_an_answer_is_printed_and_nothing_beside_it(mlcc: Caller, project: Path, words: tuple[str, ...]) -> None:
    loud, quiet = mlcc(*words, code=0), quietly(mlcc, words)
    assert quiet.stderr == ""
    assert [line for line in quiet.stdout.splitlines() if line not in loud.stdout.splitlines()] == []
    assert quiet.stdout or not loud.stdout or words == ("plugins",)


def test_what_is_wrong_is_said(mlcc: Caller, project: Path) -> None:
    build_tree(HERE, {"Dockerfile": "FROM scratch\n", "mlcc.yaml": TEXT + "model: {format: joblib}\nttl: soon\n"})
    assert "MLCC" in quietly(mlcc, ("validate",), 1).stdout
    for words in (("plan",), ("apply",), ("diff",), ("show",), ("set", "ttl", "later"), ("do", "test"), ("do", "logs")):
        assert " error MLCC" in quietly(mlcc, words, None).stderr, words


def leaves(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaves(found, *path, name)


COMMANDS = [*leaves(cli)]


def test_every_command_is_looked_at() -> None:
    """Those that ask AWS, serve, or are not in this version have nothing to say here but a mistake."""
    walked = {words[: len(path)] for words in (*SILENT, *ANSWERS) for path in COMMANDS}
    left = {path for path in COMMANDS if path not in walked}
    assert {path[0] for path in left} <= {"bootstrap", "ci", "completion", "dev", "do", "inspect", "reap", "registry"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("folder", ["nothing", "broken"])
def test_errors_go_to_standard_error(mlcc: Caller, words: tuple[str, ...], folder: str) -> None:
    if folder == "broken":
        build_tree(HERE, {"mlcc.yaml": "version: 1\nproject: {name: [}\n"})
    result = mlcc(*words, "--no-such-option")
    assert result.code == 2
    assert (result.stdout, result.stderr[:6]) == ("", "mlcc: ")
    if words[0] in ("plan", "diff", "apply", "explain", "show", "set", "upgrade", "do", "inspect"):
        result = mlcc(*words, *{"set": ("ttl", "1h"), "inspect": ("m.onnx",)}.get(words[0], ()))
        assert result.code in (1, 2, 3), words
        assert result.stdout == ""
        assert "MLCC" in result.stderr or "mlcc: " in result.stderr
