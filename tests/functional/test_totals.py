"""Many files under every single cap are too much together (mlcc/apply/state)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import SMALLEST, Caller, build_tree

HERE = Path()
MIB = 1024 * 1024


@pytest.fixture
def project(mlcc: Caller) -> None:
    """A rendered project in the working directory."""
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", "-q", code=0)


def fill(folder: str) -> None:
    """Sparse files of 8 MiB with names that the conf writer could produce."""
    os.makedirs(folder, exist_ok=True)
    for number in range(9):
        with open(f"{folder}/c{number}.conf", "wb") as stream:
            stream.truncate(8 * MIB)


@pytest.mark.parametrize("command", ["plan", "diff", "apply"])
def test_a_base_of_many_large_files_is_refused(mlcc: Caller, project: None, command: str) -> None:
    fill(".mlcc/base/do/ic")
    result = mlcc(command, code=1)
    assert ".mlcc/base: error MLCC226: more than 64 MiB" in result.stderr


def test_many_large_files_in_the_place_of_rendered_ones_are_refused(mlcc: Caller, project: None) -> None:
    fill("do/ic")
    lock = HERE / "mlcc.lock"
    entries = "".join(f'  do/ic/c{n}.conf: {{owner: managed, mode: "0644", digest: "x"}}\n' for n in range(9))
    lock.write_text(lock.read_text() + entries)
    assert "MLCC226" in mlcc("plan", code=1).stderr
