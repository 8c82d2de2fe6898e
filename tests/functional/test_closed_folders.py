"""A project in a folder that whoever runs mlcc may not write, or not read: which folder, who, why, and what to do."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, applied, build_tree, state_of
from tests.stress import faults


@pytest.fixture
def project() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlcc-test-") as place:
        folder = applied(Path(place) / "project")
        yield folder
        for path in (folder, folder / ".mlcc", folder / ".mlcc/run"):
            if path.exists():
                path.chmod(0o755)


def refused(folder: Path, *arguments: str, code: int = 3) -> str:
    """The message of a run as an owner who is nobody special; it names no file of mlcc's own."""
    outcome = faults.run(faults.without_capabilities(*arguments), folder)
    assert outcome.code == code, outcome
    assert "Traceback" not in outcome.output_text
    assert not re.search(r"\.json|\.here|journal|stage-", outcome.output_text)
    return outcome.output_text


STEPS = [
    ("do", "build"), ("do", "deploy", "--target", "local"), ("do", "run", "--target", "local"), ("do", "push"),
]  # fmt: skip


@pytest.fixture
def home(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """mlcc's own folder, with one record."""
    folder = project.parent / "home"
    monkeypatch.setenv("MLCC_HOME", str(folder))
    build_tree(project, {"given.jsonl": json.dumps({"id": "one", "projectName": "p", "deploymentConfig": "c"})})
    assert faults.run(faults.mlcc("registry", "log", "--from", "given.jsonl"), project).code == 0
    yield folder
    for path in (folder, folder / "registry"):
        if path.exists():
            path.chmod(0o755)


def close(home: Path) -> None:
    (home / "registry").chmod(0o555)
    home.chmod(0o555)


READS = [("list",), ("show", "1"), ("diff", "1", "one"), ("export",)]


@pytest.mark.parametrize("words", READS, ids=lambda words: words[0])
def test_records_are_read_where_nothing_may_be_written(project: Path, home: Path, words: tuple[str, ...]) -> None:
    close(home)
    before = state_of(home)
    done = faults.run(faults.without_capabilities("registry", *words), project)
    assert done.code == 0, done
    assert ("one" in done.output_text) == (words[0] != "diff" and words[0] != "list")
    assert state_of(home) == before


def test_a_record_cannot_be_added_to_a_closed_home(project: Path, home: Path) -> None:
    close(home)
    for words in (("do", "register"), ("registry", "log", "--project", "p", "--deployment-config", "c")):
        shown = refused(project, *words)
        assert f"MLCC208: the folder {home}/registry is not writable for " in shown
        assert "MLCC_HOME" in shown
        assert "moved away" not in shown
    home.chmod(0o755)
    for name in ("deployments.db", "deployments.db-wal", "deployments.db-shm"):
        (home / "registry" / name).unlink(missing_ok=True)
    (home / "registry").chmod(0o755)
    (home / "registry").rmdir()
    home.chmod(0o555)
    assert f"the folder {home} is not writable for " in refused(project, "do", "register")


def test_what_a_writer_has_left_is_not_passed_over(project: Path, home: Path) -> None:
    (home / "registry/deployments.db-wal").write_bytes(b"x")
    close(home)
    shown = refused(project, "registry", "list")
    assert f"the folder {home}/registry is not writable for " in shown
    assert "-wal" in shown


def test_a_home_that_may_not_be_looked_into_is_not_empty(project: Path, home: Path) -> None:
    home.chmod(0)
    assert f"the folder {home} is not readable for " in refused(project, "registry", "list")


@pytest.mark.parametrize("step", STEPS, ids=" ".join)
def test_a_step_that_writes_says_which_folder_is_closed_and_to_whom(project: Path, step: tuple[str, ...]) -> None:
    (project / ".mlcc").chmod(0o555)
    shown = refused(project, *step)
    assert f"MLCC208: the folder {project}/.mlcc is not writable for " in shown
    assert "work in a copy" in shown


def test_a_build_looks_first_whether_it_may_write_the_sample_model(project: Path) -> None:
    (project / "sample_model").chmod(0o555)
    assert f"the folder {project}/sample_model is not writable for " in refused(project, "do", "build")
    assert not (project / ".mlcc/run").exists(), "nothing was made yet"


@pytest.mark.parametrize("step", [("status",), ("test",), ("logs",), ("clean",), ("deploy",), ("run",)], ids=" ".join)
def test_state_that_another_user_does_not_share(project: Path, step: tuple[str, ...]) -> None:
    build_tree(project, {".mlcc/run/server.json": "{}", ".mlcc/run/build.json": "{}"})
    for name in ("server.json", "build.json"):
        (project / ".mlcc/run" / name).chmod(0)
    shown = refused(project, "do", *step, "--target", "local")
    assert f"MLCC208: the folder {project}/.mlcc/run is not readable for " in shown
    (project / ".mlcc/run").chmod(0)
    assert f"MLCC208: the folder {project}/.mlcc/run is not readable for " in refused(
        project, "do", *step, "--target", "local"
    )


def test_what_is_there_cannot_be_cleaned_in_a_closed_folder(project: Path) -> None:
    build_tree(project, {".mlcc/run/build.json": "{}"})
    (project / ".mlcc/run").chmod(0o555)
    assert f"the folder {project}/.mlcc/run is not writable" in refused(project, "do", "clean", "--target", "local")


@pytest.mark.parametrize("closed", ["", "/.mlcc"])
def test_apply_says_the_same(project: Path, closed: str) -> None:
    (project / "mlcc.yaml").write_text(SMALLEST + "ttl: 3d\n")
    os.chmod(f"{project}{closed}", 0o555)
    shown = refused(project, "apply", code=1)
    assert f"MLCC208: the folder {project}{closed} is not writable for " in shown
    assert "nothing was changed" in shown


@pytest.mark.parametrize("arguments", [("set", "ttl", "3d"), ("init", "iris", "--deployment-config", "http-fastapi")])
def test_so_do_set_and_init(project: Path, arguments: tuple[str, ...]) -> None:
    if arguments[0] == "init":
        (project / "mlcc.yaml").unlink()
    project.chmod(0o555)
    assert f"the folder {project} is not writable for " in refused(project, *arguments, code=1)


@pytest.mark.parametrize("step", [("status", "--target", "local"), ("push", "--dry-run"), ("validate",)], ids=" ".join)
def test_what_only_reads_works_in_a_closed_folder(project: Path, step: tuple[str, ...]) -> None:
    for path in (project / ".mlcc", project):
        path.chmod(0o555)
    outcome = faults.run(faults.without_capabilities("do", *step), project)
    assert outcome.code == 0, outcome
    assert "not writable" not in outcome.output_text
