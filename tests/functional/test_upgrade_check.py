"""`mlcc upgrade --check` for bots: what would move, of every project, and an exit code that says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlcc.io import packaged
from mlcc.registries import load
from tests.helpers import SMALLEST, Caller, applied, build_tree, state_of

HERE = Path()
NEWEST, OLDER, OLDEST = [
    v for v, row in load().framework("sklearn").versions.items() if row.validation_level == "tested"
][:3]  # type: ignore[union-attr]


def held(folder: str, version: str, text: str = SMALLEST) -> None:
    """A project whose lock holds an older choice than the registries make now."""
    applied(HERE / folder, text + f"framework: {{version: {version!r}}}\n")
    lock = (HERE / folder / "mlcc.lock").read_text()
    entry = f'  framework.version: {{value: "{version}", for: sklearn}}\n'
    assert "choices:\n" in lock
    (HERE / folder / "mlcc.lock").write_text(lock.replace("choices:\n", f"choices:\n{entry}"))
    (HERE / folder / "mlcc.yaml").write_text(text)


def checked(mlcc: Caller, *words: str, code: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(mlcc("upgrade", "--offline", "--json", *words, code=code).stdout)
    assert [e.message for e in jsonschema.Draft7Validator(packaged.schema("output-plan")).iter_errors(document)] == []
    return document


def moves(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = [v for v in document["values"] if v["path"] == "framework.version"]
    return [(v.get("file", ""), v["before"], v["after"]) for v in found]


def test_one_project(mlcc: Caller) -> None:
    held(".", OLDER)
    before = state_of(HERE)
    found = checked(mlcc, "--check", code=2)
    assert moves(found) == [("", OLDER, NEWEST)]
    assert {"path": "mlcc.lock", "action": "update"} in found["changes"]
    assert found["summary"]["update"] == 1
    assert state_of(HERE) == before
    said = mlcc("upgrade", "--offline", "--check", code=2)
    assert f"framework.version: {OLDER} -> {NEWEST}  [lock]" in said.stdout
    assert "would change" in said.stderr


def test_every_project_of_a_repository(mlcc: Caller) -> None:
    held("a", OLDER)
    held("b/c", OLDEST)
    applied(HERE / "new")
    before = state_of(HERE)
    found = checked(mlcc, "--all", "--check", code=2)
    assert moves(found) == [("a/mlcc.yaml", OLDER, NEWEST), ("b/c/mlcc.yaml", OLDEST, NEWEST)]
    assert [c["path"] for c in found["changes"]] == ["a/mlcc.lock", "b/c/mlcc.lock"]
    assert {p["file"]: len(p["values"]) > 0 for p in found["projects"]} == {
        "a/mlcc.yaml": True, "b/c/mlcc.yaml": True, "new/mlcc.yaml": False,
    }  # fmt: skip
    assert state_of(HERE) == before
    text = mlcc("upgrade", "--offline", "--all", "--check", code=2).stdout
    assert text.index("a/mlcc.yaml:") < text.index(OLDER) < text.index("b/c/mlcc.yaml:") < text.index(OLDEST)
    assert "new/mlcc.yaml:" not in text


def test_what_moves_is_written_and_then_nothing_is_left(mlcc: Caller) -> None:
    held("a", OLDER)
    held("b", OLDER)
    assert moves(checked(mlcc, "--all", code=0)) == [("a/mlcc.yaml", OLDER, NEWEST), ("b/mlcc.yaml", OLDER, NEWEST)]
    assert moves(checked(mlcc, "--all", "--check", code=0)) == []
    mlcc("apply", "--all", "-q", code=0)
    mlcc("apply", "--all", "--locked", code=0)
    assert f"'{NEWEST}'" in (HERE / "a/do/config").read_text()


@pytest.mark.parametrize("broken", ["a", "z"])
def test_a_failure_is_no_mere_change_and_hides_none(mlcc: Caller, broken: str) -> None:
    held("m", OLDER)
    build_tree(HERE, {f"{broken}/mlcc.yaml": SMALLEST + "nope: 1\n"})
    found = checked(mlcc, "--all", "--check", code=1)
    assert moves(found) == [("m/mlcc.yaml", OLDER, NEWEST)]
    assert [(f["code"], f["file"]) for f in found["findings"]] == [("MLCC020", f"{broken}/mlcc.yaml")]
    said = mlcc("upgrade", "--offline", "--all", "--check", code=1)
    assert (OLDER in said.stdout, "MLCC020" in said.stderr) == (True, True)


def test_a_project_that_fails_is_seen_beside_one_that_changes(mlcc: Caller) -> None:
    """Of plan, apply --check and apply --detailed-exitcode, too."""
    for name in ("a", "b"):
        applied(HERE / name)
    for name in ("a", "b"):
        (HERE / name / "mlcc.yaml").write_text(SMALLEST + "ttl: 3h\n")
    config = HERE / "a/do/config"
    config.write_text(config.read_text().replace("TTL='8h'", "TTL='5h'"))
    mlcc("plan", "--all", "--detailed-exitcode", code=1)
    mlcc("apply", "--all", "--check", code=1)
    assert mlcc("apply", "--all", "--detailed-exitcode", code=1).stderr.count("a/do/config: error MLCC201") == 1


def test_apply_says_in_its_exit_code_that_it_wrote(mlcc: Caller) -> None:
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", "--detailed-exitcode", code=2)
    mlcc("apply", "-q", "--detailed-exitcode", code=0)
    (HERE / "mlcc.lock").unlink()
    mlcc("apply", "-q", "--detailed-exitcode", code=2)
