"""Whole rendered trees, byte for byte.  `make golden` writes them anew; the change is reviewed with git diff.

Each case is a mlcc.yaml in cases/; its tree lies in trees/ under the same name.  The lock is left out: it holds digests
that change with every registry row, and has tests of its own.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlcc import pipeline
from mlcc.core.tree import Rendered

HERE = Path(__file__).parent
CASES = sorted(p.stem for p in (HERE / "cases").glob("*.yaml"))
MAX_FILES = 25


def render(name: str) -> dict[str, Rendered]:
    project = pipeline.read(str(HERE / "cases" / f"{name}.yaml"))
    assert project.ok, project.findings
    return dict(pipeline.render(project, (os.environ.get("TMPDIR", ""), "/tmp")))


def recorded(name: str) -> dict[str, bytes]:
    root = HERE / "trees" / name
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def write(name: str, tree: dict[str, Rendered]) -> None:
    root = HERE / "trees" / name
    shutil.rmtree(root, ignore_errors=True)
    for path, rendered in tree.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rendered.data)


@pytest.mark.parametrize("name", CASES)
def test_tree(name: str) -> None:
    tree = render(name)
    if os.environ.get("UPDATE_GOLDEN"):
        write(name, tree)
    assert {p: r.data for p, r in tree.items()} == recorded(name)


@pytest.mark.parametrize("name", CASES)
def test_few_files(name: str) -> None:
    # mlcc.yaml and mlcc.lock stand beside the rendered files
    assert len(render(name)) + 2 <= MAX_FILES


def test_every_tree_has_a_case() -> None:
    assert sorted(p.name for p in (HERE / "trees").iterdir()) == CASES


def test_steps_are_executable_and_conf_files_are_not() -> None:
    tree = render("http-flask")
    assert all(r.mode == 0o755 for p, r in tree.items() if p.startswith("do/") and p != "do/config")
    assert tree["do/config"].mode == 0o644
    assert tree["code/serve"].mode == 0o755
