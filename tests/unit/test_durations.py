"""Durations as people write them."""

from __future__ import annotations

import pytest

from mlcc.core.durations import seconds


@pytest.mark.parametrize(("text", "found"), [("1m", 60), ("8h", 28800), ("7d", 604800), ("99999d", 8639913600)])
def test_a_duration(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "8", "h", "0h", "-1h", "1.5h", "8h\n", "8 h", "8w", "100000d"])
def test_a_text_that_is_none(text: str) -> None:
    assert seconds(text) is None
