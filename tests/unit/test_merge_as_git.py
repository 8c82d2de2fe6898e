"""Our merge beside Git's: never clean where `git merge-file --diff3` conflicts, and the same bytes where both are clean.

The full figure is in tests/stress/test_merges.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.triples import compared, triple

CHUNK = 40


@pytest.mark.parametrize("chunk", range(8))
def test_a_merge_is_as_careful_as_git_s(tmp_path: Path, chunk: int) -> None:
    # other ones than those of `make stress`
    found = compared(range(100_000 + chunk * CHUNK, 100_000 + (chunk + 1) * CHUNK), tmp_path)
    assert found.clean_where_git_conflicts == []
    assert found.other_bytes == []
    # each kind is among them
    assert found.both_clean > CHUNK // 4
    assert found.both_conflict > CHUNK // 8


def test_a_number_stands_for_one_triple() -> None:
    assert triple(7) == triple(7)
    assert len({triple(number) for number in range(50)}) == 50
