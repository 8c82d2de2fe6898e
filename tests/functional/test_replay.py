"""Replays: the same words over the same files are answered from a record, and a record never changes an answer."""

from __future__ import annotations

import atexit
import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import Result, build_tree, run_mlcc

FILES = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "base.yaml": "tags: {team: vision}\n",
    "app/mlcc.yaml": (
        "version: 1\nextends: ../base.yaml\nproject: {name: iris}\ndeployment: {config: http-flask}\n"
        "registries: [./rows]\nenvironments: {prod: {deployment: {instance_count: 2}}}\n"
    ),
    "app/rows/models/mine.yaml": "version: 1\nkind: models\nrows: {}\n",
}
COMMANDS = (
    ("plan",),
    ("plan", "-o", "json"),
    ("plan", "--env", "prod", "--detailed-exitcode"),
    ("validate",),
    ("validate", "-o", "sarif"),
    ("diff",),
    ("explain", "deployment.instance_type"),
    ("show",),
)

# One that reads all there is, and one that reads the file and what stands under it.
CHANGING = (("plan", "-o", "json"), ("show",))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An applied project, below a base file and with registries of its own."""
    shutil.copytree(_applied(), tmp_path / "repo")
    return tmp_path / "repo/app"


@functools.cache
def _applied() -> Path:
    """The same, which every test gets a copy of."""
    place = Path(tempfile.mkdtemp(prefix="mlcc-replay-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    build_tree(place / "repo", FILES)
    assert run_mlcc("apply", "-q", cwd=place / "repo/app").code == 0
    return place / "repo"


def records() -> list[Path]:
    """What is kept."""
    return sorted(Path(os.environ["MLCC_HOME"]).glob("cache/runs/*"))


def fresh(app: Path, *argv: str, **environ: str) -> Result:
    """The answer without records."""
    return run_mlcc(*argv, cwd=app, env={**environ, "MLCC_NO_CACHE": "1"})


def imported(app: Path, *argv: str) -> set[str]:
    """The modules that a run imports."""
    program = Path(sys.executable).with_name("mlcc")
    done = subprocess.run([sys.executable, "-X", "importtime", program, *argv], cwd=app, capture_output=True)
    return {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines() if "|" in line}


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_the_second_run_says_the_same_without_the_command_line(app: Path, argv: tuple[str, ...]) -> None:
    first = run_mlcc(*argv, cwd=app)
    assert len(records()) == 1
    assert run_mlcc(*argv, cwd=app) == first == fresh(app, *argv)
    assert not {"click", "ruamel.yaml", "jsonschema", "mlcc.pipeline"} & imported(app, *argv)


def test_mistakes_are_replayed_too(app: Path) -> None:
    (app / "mlcc.yaml").write_text("version: 1\nproject: {nme: iris}\ndeployment: {config: http-flsk}\n")
    first = run_mlcc("validate", cwd=app)
    assert first.code == 1
    assert run_mlcc("validate", cwd=app) == first
    assert "click" not in imported(app, "validate")


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(app: Path) -> None:
        text = (app / name).read_text()
        assert old in text
        (app / name).write_text(text.replace(old, new, 1))

    return change


def _link(app: Path) -> None:
    (app / "Dockerfile").rename(app / "elsewhere")
    (app / "Dockerfile").symlink_to("elsewhere")


CHANGES: dict[str, Callable[[Path], object]] = {
    "mlcc.yaml": _edit("mlcc.yaml", "count: 2", "count: 3"),
    "its base": _edit("../base.yaml", "vision", "speech"),
    "a registry of the project": _edit("rows/models/mine.yaml", "rows: {}", "rows: {a/b: {title: x, source: y}}"),
    "another registry file": lambda app: (app / "rows/new.yaml").write_text("kind: nonsense\n"),
    "a managed file": _edit("Dockerfile", "EXPOSE 8080", "EXPOSE 8081"),
    "a file that is gone": lambda app: (app / "Dockerfile").unlink(),
    "a mode": lambda app: (app / "do/build").chmod(0o600),
    "a link": _link,
    "the base of the merge": _edit(".mlcc/base/Dockerfile", "EXPOSE 8080", "EXPOSE 8081"),
    "another file in the base": lambda app: (app / ".mlcc/base/more").write_text("x"),
    "the lock": _edit("mlcc.lock", "http-flask", "http-nginx"),
    "a journal": lambda app: build_tree(app, {".mlcc/txn/journal.json": "{}"}),
    "a manifest that was absent": lambda app: (app / "pyproject.toml").write_text(
        "[tool.mlcc.deployment]\nregion = 'eu-west-1'\n"
    ),
    "a second name of the file": lambda app: (app / "mlcc.yml").write_text("version: 1\n"),
    "no mlcc.yaml": lambda app: (app / "mlcc.yaml").unlink(),
    "a hard link": lambda app: os.link(app / "mlcc.lock", app / "lock2"),
    "no registry folder": lambda app: shutil.rmtree(app / "rows"),
    "a directory in a file's place": lambda app: ((app / "do/config").unlink(), (app / "do/config").mkdir()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_is_seen(app: Path, what: str) -> None:
    for argv in CHANGING:
        run_mlcc(*argv, cwd=app)
    CHANGES[what](app)
    for argv in CHANGING:
        assert run_mlcc(*argv, cwd=app) == fresh(app, *argv)


@pytest.mark.parametrize(
    "variables",
    [{"ML_REGION": "eu-west-1"}, {"ML_INSTANCE_TYPE": "ml.m5.large"}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}],
    ids=lambda v: next(iter(v)),
)
def test_any_variable_is_seen(app: Path, variables: dict[str, str]) -> None:
    for argv in CHANGING:
        run_mlcc(*argv, cwd=app)
        assert run_mlcc(*argv, cwd=app, env=variables) == fresh(app, *argv, **variables)


def test_random_histories(app: Path) -> None:
    """Changes back and forth: every answer is the one without records."""
    chance = random.Random(20)
    states = {}
    for name in ("mlcc.yaml", "../base.yaml", "Dockerfile", "mlcc.lock", ".mlcc/base/Dockerfile"):
        text = (app / name).read_text()
        states[name] = [text, text + "# more\n", text.replace("a", "b", 1), None]
    for _ in range(15):
        name = chance.choice(list(states))
        text = chance.choice(states[name])
        if text is None:
            (app / name).unlink(missing_ok=True)
        else:
            (app / name).write_text(text)
        argv = chance.choice(COMMANDS)
        assert run_mlcc(*argv, cwd=app) == fresh(app, *argv)


SPOILS: dict[str, Callable[[Path], object]] = {
    "gone": lambda record: record.unlink(),
    "empty": lambda record: record.write_bytes(b""),
    "cut": lambda record: record.write_bytes(record.read_bytes()[:-10]),
    "other bytes": lambda record: record.write_bytes(record.read_bytes().replace(b"create", b"delete")),
    "no JSON": lambda record: record.write_bytes(b"\xff" * 500),
    "a link": lambda record: (record.rename(record.with_name("x")), record.symlink_to("x")),
    "a folder": lambda record: (record.unlink(), record.mkdir()),
    "open to others": lambda record: record.parent.chmod(0o755),
    "a cache that cannot be written": lambda record: (record.unlink(), record.parent.chmod(0o500)),
}


@pytest.mark.parametrize("how", SPOILS)
def test_a_spoilt_record_changes_nothing(app: Path, how: str) -> None:
    (app / "Dockerfile").write_text("FROM scratch\n")
    wanted = fresh(app, "plan")
    assert run_mlcc("plan", cwd=app) == wanted
    [record] = records()
    SPOILS[how](record)
    assert run_mlcc("plan", cwd=app) == wanted
    assert run_mlcc("plan", cwd=app) == wanted


def test_records_are_private_and_few(app: Path) -> None:
    from mlcc.io import cache

    run_mlcc("plan", cwd=app)
    [record] = records()
    assert record.stat().st_mode & 0o777 == 0o600
    assert record.parent.stat().st_mode & 0o777 == 0o700
    for number in range(cache.MAX_ENTRIES + 5):
        (record.parent / f"{number:064}").write_bytes(b"")
    run_mlcc("show", cwd=app)
    assert len(records()) <= cache.MAX_ENTRIES // 2


def test_what_asks_git_or_walks_is_not_recorded(app: Path) -> None:
    run_mlcc("validate", "--all", cwd=app)
    run_mlcc("validate", "--help", cwd=app)
    run_mlcc("validate", "--no-such-option", cwd=app)
    assert records() == []


def test_a_secret_of_the_environment_is_not_kept(app: Path) -> None:
    run_mlcc("show", cwd=app, env={"AWS_SECRET_ACCESS_KEY": "canary-4711", "MLCC_SECRET_X": "canary-4712"})
    assert records()
    assert not [r for r in records() if b"canary" in r.read_bytes()]
