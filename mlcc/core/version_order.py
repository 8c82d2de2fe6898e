"""Versions in order."""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"\d{1,18}")
# What comes before a release, the farthest first.
EARLY = ("dev", "a", "alpha", "b", "beta", "rc")
_EARLY = re.compile(r"(\d)[.-]?(dev|alpha|beta|rc|a|b)[.-]?(\d{0,18})(?![a-z])")


def order(version: str) -> tuple[int, ...]:
    """A version for comparing: `0.10.2` is after `0.9.1` and its candidate `0.10.2rc1`, `26.05-py3` is of May 2026.

    Four numbers, absent ones 0, then how near it is to the release, and the candidate's number.
    """
    early = _EARLY.search(version)
    numbers = [int(n) for n in _NUMBERS.findall(version[: early.end(1)] if early else version)[:4]]
    before = (EARLY.index(early[2]), int(early[3] or 0)) if early else (len(EARLY), 0)
    return (*numbers, *(0,) * (4 - len(numbers)), *before)
