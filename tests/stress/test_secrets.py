"""G25 (docs/guarantees.md): a secret reaches no file, no log and no message.

This is so when a command succeeds, fails, is killed, or has a bug.  Canaries stand wherever secrets stand: in variables
with every usual name, in files of the home and of the project that tools read, and (against the rules) in mlcc.yaml
itself.  Then everything that was printed or written is searched for them, in every disguise.
"""

from __future__ import annotations

import base64
import json
import random
import shlex
import shutil
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import applied, build_tree
from tests.stress import cases
from tests.stress.faults import Fault, copied, figure, mlcc, run

PLAIN = "Zq7Kx2Wm9Rt4Vb6Np3Ls8Hd"
CANARY = f"{PLAIN}'x\"$&<é>"
SHAPED = f"hf_{PLAIN}{PLAIN[:8]}"
VARIABLES = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "GITHUB_TOKEN",
    "PGPASSWORD", "TOKEN_OF_THIS_MACHINE", "MLCC_API_TOKEN", "ML_API_TOKEN", "DOCKER_AUTH_CONFIG", "PIP_PASSWORD",
)  # fmt: skip
FILES = {
    "home/.aws/credentials": f"[default]\naws_secret_access_key = {CANARY}\n",
    "home/.netrc": f"machine x login y password {CANARY}\n",
    "home/.docker/config.json": json.dumps({"auths": {"x": {"auth": CANARY}}}),
    "home/.cache/huggingface/token": SHAPED,
    "iris/.env": f"HF_TOKEN={SHAPED}\n",
    "iris/code/.env": f"API_TOKEN={CANARY}\n",
}
# Ways to write a secret down in mlcc.yaml, and one that is no mlcc.yaml at all.
LITERAL = {
    "by name": f"env: {{GREETING: x, HF_TOKEN: {json.dumps(CANARY)}}}\n",
    "by format": f"env: {{GREETING: {SHAPED}}}\n",
    "in a list": f"test: {{payload: {json.dumps('Bearer ' + PLAIN)}}}\n",
    "in secrets": f"secrets: {{API_TOKEN: {json.dumps(CANARY)}}}\n",
    "in a wrong key": f"secrets: {{API_TOKEN: {{value: {json.dumps(CANARY)}}}}}\n",
    "in a tag": f"tags: {{token: {SHAPED}}}\n",
    "not YAML": f"env: {{HF_TOKEN: '{PLAIN}\n",
    "of another type": f"env: {{HF_TOKEN: [{json.dumps(CANARY)}]}}\n",
    "in an overlay": f"environments: {{prod: {{env: {{DB_PASSWORD: {json.dumps(CANARY)}}}}}}}\n",
    "as a URL": f"model: {{name: 's3://b/m?X-Amz-Signature={PLAIN}'}}\n",
}
HEAD = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n"


def disguises() -> Iterator[bytes]:
    """The canary as it could turn up: as it is, quoted for something, encoded, changed, or cut."""
    for text in (PLAIN, CANARY, SHAPED):
        raw = text.encode()
        yield from (raw, raw.lower(), raw.upper(), raw[::-1], raw.hex().encode(), urllib.parse.quote(text).encode())
        yield from (json.dumps(text)[1:-1].encode(), shlex.quote(text)[1:-1].encode(), repr(text)[1:-1].encode())
        for skip in range(3):
            yield base64.b64encode(raw[skip : skip + (len(raw) - skip) // 3 * 3])
    for at in range(len(PLAIN) - 8):
        yield PLAIN[at : at + 9].encode()


NEEDLES = sorted(set(disguises()))


def sightings(folder: Path, known: set[str]) -> list[str]:
    """Files below a folder that hold a canary, but for those in which it was put."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.relative_to(folder).as_posix() not in known:
            data = path.read_bytes()
            found += [f"{path.relative_to(folder)}: {n!r}" for n in NEEDLES if n in data]
    return found


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a home, a temporary folder and an applied project, full of canaries."""
    place = tmp_path / "world"
    build_tree(place, FILES)
    (place / "tmp").mkdir()
    applied(place / "iris", cases.CONFIG)
    for number, name in enumerate(VARIABLES):
        monkeypatch.setenv(name, SHAPED if number % 2 else CANARY)
    monkeypatch.setenv("HOME", str(place / "home"))
    monkeypatch.delenv("MLCC_HOME")
    return place


def test_the_search_finds(world: Path) -> None:
    (world / "iris/leak.log").write_text(f"token={PLAIN[3:13]}...")
    assert len(sightings(world, set(FILES))) > 0
    (world / "iris/leak.log").write_bytes(base64.b64encode(b"xx" + SHAPED.encode()))
    assert len(sightings(world, set(FILES))) > 0


def test_the_first_apply(world: Path) -> None:
    shutil.rmtree(world / "iris")
    build_tree(world, FILES)
    cases.project(world / "iris")
    assert run(mlcc("apply", "-q"), world / "iris").code == 0
    assert sightings(world, set(FILES)) == []


@pytest.mark.parametrize("name", cases.COMMANDS)
def test_commands_that_succeed(world: Path, name: str) -> None:
    outcome = run(mlcc(*cases.COMMANDS[name]), world / "iris")
    # 3: nothing was started whose log could be shown
    assert outcome.code == (3 if name == "do logs" else 0), outcome.output_text
    assert sightings(world, set(FILES)) == []


FAILING = ("validate", "diff", "apply", "show json", "set")


@pytest.mark.parametrize("kind", LITERAL)
def test_commands_that_fail(world: Path, kind: str) -> None:
    section = LITERAL[kind].partition(":")[0]
    (world / "iris/mlcc.yaml").write_text(HEAD + LITERAL[kind])
    # a sample is two of five for each kind, so that each of the five has four kinds
    number = [*LITERAL].index(kind)
    sample = [FAILING[number % len(FAILING)], FAILING[(number + 2) % len(FAILING)]]
    for name in cases.COMMANDS if figure(1, 0) else sample:
        outcome = run(mlcc(*cases.COMMANDS[name]), world / "iris")
        assert "Traceback" not in outcome.output_text, f"{name}: {outcome.output_text}"
        assert sightings(world, {*FILES, "iris/mlcc.yaml"}) == [], f"{name} ({section}): {outcome.output_text}"
    for form in ("json", "sarif", "github", "junit", "yaml"):
        assert run(mlcc("validate", "-o", form), world / "iris").code == 1
        assert sightings(world, {*FILES, "iris/mlcc.yaml"}) == [], form


@pytest.mark.parametrize(
    "word", [f"env.HF_TOKEN={CANARY}", f"env.GREETING={SHAPED}", f"secrets.API_TOKEN={CANARY}", f"nothing={SHAPED}"]
)
def test_words_of_the_command_line(world: Path, word: str) -> None:
    for argv in (
        ["set", *word.split("=", 1)],
        ["validate", "--set", word],
        ["plan", "--set", word],
        ["apply", "--set", word],
    ):
        outcome = run(mlcc(*argv), world / "iris")
        assert outcome.code in (1, 2), outcome.output_text
        assert sightings(world, set(FILES)) == [], argv[0]


@pytest.mark.parametrize("name", cases.WRITING)
def test_commands_that_are_killed(world: Path, name: str) -> None:
    place, whole = world / "iris", world.parent / "whole"
    copied(world, whole)
    calls = run(mlcc(*cases.WRITING[name]), place).calls
    chance = random.Random(name)
    for point in chance.sample(range(calls), min(calls, figure(40, 3))):
        copied(whole, world)
        run(mlcc(*cases.WRITING[name]), place, Fault(point))
        assert sightings(world, set(FILES)) == [], f"{name} killed at {point}"


def test_a_bug_in_mlcc(world: Path) -> None:
    """Whatever an exception says, the values of secret variables are not in the report."""

    def action() -> int:
        from mlcc.cli.boundary import run as run_command
        from mlcc.cli.commands import validate

        def broken() -> None:
            raise RuntimeError(f"connection to https://user:{CANARY}@host with {SHAPED} failed")

        assert validate.command.callback is not None
        validate.command.callback = broken
        validate.command.params = []
        return run_command(validate.command, [])

    outcome = run(action, world / "iris")
    assert outcome.code == 70, outcome.output_text
    assert "crash.log" in outcome.output_text
    assert "RuntimeError" in (world / "home/.mlcc/crash.log").read_text()
    assert sightings(world, set(FILES)) == []
