"""docs/guarantees.md: each guarantee stands there once, with tests that exist; no file names an absent document."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.helpers import ROOT

PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
CLAIMED, _, NOT_YET = PAGE.partition("\n## Not yet\n")
FILE = re.compile(r"`(tests/[^`]+\.py)`")
NUMBER = re.compile(r"\bG([0-9]+)\b")
# A paragraph of one guarantee begins with its number: **G7.**
ROWS = {int(found[1]): text for text in CLAIMED.split("\n\n") if (found := re.match(r"\*\*G([0-9]+)\.\*\*", text))}
STRESS = sorted((ROOT / "tests/stress").glob("test_*.py"))
# Names of documents that are not in the repository, in pieces, so that this file does not hold them.
WORDS = ("DES" + "IGN", "RELIA" + "BILITY", *(name + r"\.md" for name in ("FEATURES", "FACTS", "PEER", "STYLE")))
ABSENT = re.compile(rf"\b(?:{'|'.join(WORDS)})\b")


def numbers(path: Path) -> set[int]:
    """Guarantees that a file's docstring names."""
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return {int(n) for n in NUMBER.findall(words)}


def tracked() -> list[Path]:
    """Files of the repository that are text, but for the history of changes."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    paths = [ROOT / name for name in names.split("\0") if name and name != "CHANGELOG.md"]
    return [p for p in paths if p.is_file() and not p.is_symlink() and b"\0" not in p.read_bytes()]


def test_each_guarantee_stands_on_the_page_once() -> None:
    first, last = map(int, re.findall(r"^G([0-9]+) to G([0-9]+) ", NOT_YET, re.MULTILINE)[0])
    missing = [*range(first, last + 1), *map(int, re.findall(r"^- \*\*G([0-9]+)\*\*", NOT_YET, re.MULTILINE))]
    assert sorted([*ROWS, *missing]) == list(range(1, 45))
    assert len(re.findall(r"^\*\*G[0-9]+\.\*\*", CLAIMED, re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_guarantee_has_limits_and_tests_that_exist(number: int) -> None:
    row = ROWS[number]
    assert "*Limits:*" in row
    assert "*Tests:*" in row.replace("\n", " ")
    named = FILE.findall(row.partition("*Tests:*")[2])
    assert named
    assert len(named) == len(set(named))
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_file_that_the_page_names_exists() -> None:
    assert [name for name in FILE.findall(PAGE) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", STRESS, ids=lambda p: p.stem)
def test_a_stress_test_and_the_page_name_each_other(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    found = numbers(path)
    assert found
    assert found == {number for number, row in ROWS.items() if f"`{name}`" in row}


def test_no_file_names_a_document_that_is_not_here() -> None:
    found = []
    for path in tracked():
        text = path.read_text(encoding="utf-8", errors="replace")
        lines = [n for n, line in enumerate(text.splitlines(), 1) if ABSENT.search(line)]
        found += [f"{path.relative_to(ROOT).as_posix()}:{n}" for n in lines]
    assert found == []


def test_the_pattern_finds() -> None:
    for words in ("the table of DES" + "IGN section 2", "see FEATURES" + ".md"):
        assert ABSENT.search(words)
    assert not ABSENT.search("FACTS = {}  # and DES" + "IGNS")
