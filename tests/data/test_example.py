"""mlcc.example.yaml: valid as it stands and with every block taken into use, and complete."""

from __future__ import annotations

import re

import pytest

from mlcc.core.paths import Item
from mlcc.io.schema import keys
from mlcc.io.yaml import reader
from mlcc.load import document
from tests.helpers import ROOT

TEXT = (ROOT / "mlcc.example.yaml").read_text()
FREE = re.compile(r"(?m)^# ")
FULL = FREE.sub("", TEXT)


def load(text: str) -> document.Config:
    return document.load_document(text.encode(), "mlcc.example.yaml")


def test_it_is_valid_as_it_stands():
    found = load(TEXT)
    assert found.findings == ()


def test_it_is_valid_with_every_block():
    found = load(FULL)
    assert not found.findings, [f"{f.line}: {f.path}: {f.message}" for f in found.findings]


def blocks() -> list[tuple[int, int]]:
    """Ranges of lines that are commented as one block."""
    found, start = [], None
    lines = [*TEXT.splitlines(), ""]
    for number, line in enumerate(lines):
        inside = line.startswith("# ")
        if inside and start is None:
            start = number
        if not inside and start is not None:
            found.append((start, number))
            start = None
    return found


BLOCKS = blocks()


@pytest.mark.parametrize(("start", "end"), BLOCKS, ids=[f"line-{s + 1}" for s, _ in BLOCKS])
def test_it_is_valid_with_each_block(start, end):
    lines = TEXT.splitlines(keepends=True)
    for number in range(start, end):
        lines[number] = lines[number][2:]
    found = load("".join(lines))
    assert not found.findings, [f"{f.line}: {f.path}: {f.message}" for f in found.findings]


def shown() -> set[tuple[str, ...]]:
    """Every key of the file with all blocks, in the form of the schema's index."""
    loaded = reader.load_yaml(FULL.encode(), "x")
    assert loaded.root is not None
    found: set[tuple[str, ...]] = set()

    def visit(value: object, path: tuple) -> None:
        prop = keys.find(path)
        if prop is not None:
            found.add(prop.path)
        if isinstance(value, dict):
            for key, child in value.items():
                visit(child, (*path, key))
        elif isinstance(value, list):
            for child in value:
                visit(child, (*path, Item("x")))

    for key, child in loaded.root.plain().items():
        visit(child, (key,))
    return found


def test_it_shows_every_key_of_the_schema():
    there = shown()
    missing = [p.name for path, p in keys.index().items() if path not in there]
    assert not missing


def test_it_shows_every_key_once():
    """Twins would be MLCC006; a key that stands live and in a comment would be one when the comment is taken off."""
    assert not [f for f in load(FULL).findings if f.code in ("MLCC006", "MLCC028")]


def test_its_lines_fit_a_screen():
    assert not [n for n, line in enumerate(TEXT.splitlines(), 1) if len(line) > 120]


def test_explanations_and_keys_are_distinguished():
    for number, line in enumerate(TEXT.splitlines(), 1):
        if line.startswith("#"):
            assert line.startswith(("# ", "## ")) or line == "##", f"line {number}"
