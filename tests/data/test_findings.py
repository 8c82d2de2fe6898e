"""What is written about each finding: every code has a row, and every example shows what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT, Caller, Result, assert_no_traceback, build_tree, read_yaml, run_mlcc

FILE = ROOT / "registries" / "findings.yaml"
ROWS: dict[str, dict[str, Any]] = read_yaml(FILE)["rows"]
SHOWN = [code for code, row in ROWS.items() if "bad" in row]
USUAL = ["mlcc validate"]
MAX_WIDTH = 110
Run = Callable[[dict[str, Any], list[str]], Result]


def codes_of_the_source() -> set[str]:
    """Every code that stands in the program."""
    return {c for path in (ROOT / "mlcc").rglob("*.py") for c in re.findall(r"MLCC[0-9]{3}", path.read_text())}


@pytest.fixture
def run(mlcc: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Makes an example's project and runs its commands; what the last one printed."""

    def run(example: dict[str, Any], usual: list[str]) -> Result:
        project = build_tree(tmp_path / "project", example.get("files", {}))
        project.mkdir(exist_ok=True)
        for name, target in example.get("links", {}).items():
            (project / name).symlink_to(target)
        monkeypatch.chdir(project)
        for name, value in example.get("env", {}).items():
            monkeypatch.setenv(name, value)
        results = []
        for command in example.get("run", usual):
            program, *argv = shlex.split(command)
            assert program == "mlcc"
            # a module path is for a new process only
            path = "PYTHONPATH" in example.get("env", {})
            results.append(run_mlcc(*argv, env=example["env"]) if path else mlcc(*argv))
        return results[-1]

    return run


def output_text(result: Result) -> str:
    return result.stdout + result.stderr


# ---------------------------------------------------------------- rows
def test_every_code_has_a_row_and_no_row_is_without_code():
    assert set(ROWS) == codes_of_the_source()


@pytest.mark.parametrize("code", ROWS)
def test_rows_are_plain_text(code):
    row = ROWS[code]
    assert len(row["title"].split()) <= 9, "a title is a few words"
    for key, most in (("meaning", 4), ("remedy", 3), ("because", 1)):
        sentences = re.split(r"(?<=\.) (?=[A-Z`])", row.get(key, ""))
        assert len(sentences) <= most, f"{key}: {sentences}"
    words = " ".join(str(row.get(key, "")) for key in ("title", "meaning", "remedy", "because"))
    assert "!" not in re.sub(r"`[^`]*`", "", words)
    assert words.isascii()


def test_a_row_has_two_examples_or_a_reason():
    for code, row in ROWS.items():
        given = {key for key in ("bad", "good", "example", "because") if key in row}
        assert given in ({"bad", "good"}, {"example", "because"}), code


def test_titles_are_unique():
    titles = [row["title"] for row in ROWS.values()]
    assert len(titles) == len(set(titles))


def test_lines_are_short():
    assert not [n for n, line in enumerate(FILE.read_text().splitlines(), 1) if len(line) > MAX_WIDTH]


# ---------------------------------------------------------------- examples
@pytest.mark.parametrize("code", SHOWN)
def test_the_bad_example_shows_the_finding(code, run):
    row = ROWS[code]
    result = run(row["bad"], USUAL)
    assert_no_traceback(result)
    severity = row["severity"]
    reported = re.compile(rf'\b{severity} {code}\b|"code": "{code}",\s+"severity": "{severity}"')
    assert reported.search(output_text(result)), output_text(result)


@pytest.mark.parametrize("code", SHOWN)
def test_the_good_example_does_not(code, run):
    row = ROWS[code]
    result = run(row["good"], row["bad"].get("run", USUAL))
    assert_no_traceback(result)
    assert code not in output_text(result), output_text(result)
    assert result.code == 0, output_text(result)
