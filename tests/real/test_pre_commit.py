"""The repository's own hooks, by the real pre-commit, in a clean clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

pytestmark = pytest.mark.real


def test_the_hooks_pass_on_a_clean_checkout(tmp_path: Path) -> None:
    clone, programs = tmp_path / "mlcc", Path(sys.prefix)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    (clone / ".venv").symlink_to(programs)
    environ = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "MYPY_CACHE_DIR": str(tmp_path / "mypy")}
    done = subprocess.run(
        [programs / "bin/pre-commit", "run", "--all-files"], cwd=clone, env=environ, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 4
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True)
    assert changed.stdout == "?? .venv\n"
