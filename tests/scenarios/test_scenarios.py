"""One story a file: files, commands, and what is expected after each.  The stories are for reading too.

Steps: `run` (a command line, with `exit`, default 0, and lists of texts that `stdout` and `stderr` hold), `write`,
`append`, `replace` (path: [old, new]), `remove`, `commit` (in a Git repository), `file` (path, `has` and `lacks`
texts) and `absent`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.helpers import build_tree, commit, git, run_mlcc

HERE = Path(__file__).parent
STORIES = sorted(p.stem for p in HERE.glob("*.yaml"))


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, tmp_path: Path) -> None:
    story = YAML(typ="safe", pure=True).load(HERE / f"{name}.yaml")
    build_tree(tmp_path, story["files"])
    if story.get("git"):
        git(tmp_path, "init", "-q")
    for number, step in enumerate(story["steps"], 1):
        play(tmp_path, step, f"{name} step {number}")


def play(root: Path, step: Mapping[str, Any], where: str) -> None:
    if "run" in step:
        run(root, step, where)
    for path, text in step.get("write", {}).items():
        build_tree(root, {path: text})
    for path, text in step.get("append", {}).items():
        (root / path).write_text((root / path).read_text() + text)
    for path, (old, new) in step.get("replace", {}).items():
        before = (root / path).read_text()
        assert old in before, f"{where}: {path} does not hold {old!r}"
        (root / path).write_text(before.replace(old, new))
    if "remove" in step:
        (root / step["remove"]).unlink()
    if "commit" in step:
        commit(root, step["commit"])
    if "file" in step:
        text = (root / step["file"]["path"]).read_text()
        assert [t for t in step["file"].get("has", []) if t not in text] == [], f"{where}: {text}"
        assert [t for t in step["file"].get("lacks", []) if t in text] == [], f"{where}: {text}"
    if "absent" in step:
        assert not (root / step["absent"]).exists(), where


def run(root: Path, step: Mapping[str, Any], where: str) -> None:
    program, *arguments = shlex.split(step["run"])
    assert program == "mlcc"
    result = run_mlcc(*arguments, cwd=root / step.get("in", "."), env=step.get("env"))
    assert result.code == step.get("exit", 0), f"{where}: {result}"
    for stream in ("stdout", "stderr"):
        text = getattr(result, stream)
        assert [t for t in step.get(stream, []) if t not in text] == [], f"{where}: {stream}: {text}"


def test_there_are_stories() -> None:
    assert len(STORIES) >= 6
