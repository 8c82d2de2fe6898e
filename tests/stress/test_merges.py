"""G7 (docs/guarantees.md): a merge is clean only where Git's is, and then gives the same bytes.

2,000 triples of files as people edit them, each merged by `git merge-file --diff3` too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stress.faults import figure
from tests.triples import compared

CHUNK = 250


@pytest.mark.parametrize("chunk", range(figure(2000 // CHUNK, 1)))
def test_merges_beside_those_of_git(tmp_path: Path, chunk: int) -> None:
    count = figure(CHUNK, 40)
    found = compared(range(chunk * CHUNK, chunk * CHUNK + count), tmp_path)
    print(f"\n{found}")
    assert found.clean_where_git_conflicts == []
    assert found.other_bytes == []
    # a person is asked where Git would not ask: rarely
    assert len(found.conflict_where_git_is_clean) <= 0.05 * (found.both_clean + len(found.conflict_where_git_is_clean))
