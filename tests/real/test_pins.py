"""The pins of every row of mlcc's own servers, asked of the index: each has a wheel, and nothing comes along unpinned."""

from __future__ import annotations

import os
import sys

import pytest

from tests.helpers import ROOT
from tests.real.rig import must, run
from tools.pins.rows import PACKAGES

pytestmark = pytest.mark.real


@pytest.mark.parametrize("framework", PACKAGES)
def test_pins_resolve(framework: str) -> None:
    """For the Python of the image and the others that the row names, with each deployment config."""
    argv = (sys.executable, "-m", "tools.pins", "--check", framework)
    done = must(run(*argv, cwd=ROOT, env=dict(os.environ), timeout=900), " ".join(argv[1:]))
    assert done.stdout.count(": ok\n") == len(done.stdout.splitlines()) >= 10


def test_a_conflict_is_seen() -> None:
    """What the row of TensorFlow 2.13 would need is what keeps it out; where that has changed, it can have one."""
    argv = (sys.executable, "-m", "tools.pins", "tensorflow", "2.13.1", "--python", "3.11")
    done = must(run(*argv, cwd=ROOT, env=dict(os.environ), timeout=300), " ".join(argv[1:]), code=1)
    assert "typing-extensions>=3.6.6,<4.6.0" in done.stderr
    assert not done.stdout
