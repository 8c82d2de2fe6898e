"""Folders for temporary files of the stress tests: each worker's own, so that no other process changes what a run does."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """TMPDIR of this worker."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("temporary"))
    yield
    del os.environ["TMPDIR"]
    if before is not None:
        os.environ["TMPDIR"] = before
