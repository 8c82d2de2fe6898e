"""How two texts differ, line by line.  Law: stdlib only, pure; the work is bounded, whatever the texts are.

Lines that stand once in both texts are matched first (patience diff), then what lies between them.  Where texts are
made to be expensive, lines stay unmatched: a difference looks larger than it is, and is never wrong.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import TypeVar

from mlcc.core.records import NamedTuple

Line = TypeVar("Line", str, bytes)
# Steps of work: a step looks at a line, or at a pair of equal lines.
STEPS_PER_LINE, MIN_STEPS, MAX_STEPS = 40, 200_000, 4_000_000
MAX_PAIRS = 20_000


NO_NEWLINE = "\\ No newline at end of file"


class Block(NamedTuple):
    """`size` lines from `a` on in the first text equal those from `b` on in the second."""

    a: int
    b: int
    size: int


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a text as Git counts them, with their ends: a line feed ends one, and nothing else does."""
    return BytesIO(data).readlines()


class _Region(NamedTuple):
    a: int
    a_end: int
    b: int
    b_end: int


def matching_blocks(first: Sequence[Line], second: Sequence[Line]) -> list[Block]:
    """Stretches of lines that both texts have, in order, none touching the next in both."""
    budget = min(MIN_STEPS + STEPS_PER_LINE * (len(first) + len(second)), MAX_STEPS)
    found: list[Block] = []
    pending = [_Region(0, len(first), 0, len(second))]
    while pending:
        region = _trimmed(first, second, pending.pop(), found)
        size = region.a_end - region.a + region.b_end - region.b
        budget -= size
        if region.a == region.a_end or region.b == region.b_end or budget < 0:
            continue
        anchors = _anchors(first, second, region)
        if anchors:
            pending += _between(region, anchors)
            found += [Block(a, b, 1) for a, b in anchors]
        elif (cost := _cost(first, second, region)) <= min(MAX_PAIRS, budget):
            budget -= cost
            found += _compared(first, second, region)
    return _joined(sorted(found))


def _trimmed(first: Sequence[Line], second: Sequence[Line], region: _Region, found: list[Block]) -> _Region:
    """The region without the lines that are equal at its ends, which are matched."""
    a, a_end, b, b_end = region
    while a < a_end and b < b_end and first[a] == second[b]:
        a, b = a + 1, b + 1
    if a > region.a:
        found.append(Block(region.a, region.b, a - region.a))
    while a < a_end and b < b_end and first[a_end - 1] == second[b_end - 1]:
        a_end, b_end = a_end - 1, b_end - 1
    if a_end < region.a_end:
        found.append(Block(a_end, b_end, region.a_end - a_end))
    return _Region(a, a_end, b, b_end)


def _anchors(first: Sequence[Line], second: Sequence[Line], region: _Region) -> list[tuple[int, int]]:
    """Lines that stand once in both parts: the longest run of them that has one order in both."""
    once = Counter(first[region.a : region.a_end])
    twice = Counter(second[region.b : region.b_end])
    place = {second[j]: j for j in range(region.b, region.b_end) if twice[second[j]] == 1}
    pairs = [(i, place[first[i]]) for i in range(region.a, region.a_end) if once[first[i]] == 1 and first[i] in place]
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(tops[at - 1] if at else -1)
        if at == len(ends):
            ends.append(j)
            tops.append(number)
        else:
            ends[at], tops[at] = j, number
    chain, number = [], tops[-1] if tops else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _between(region: _Region, anchors: Sequence[tuple[int, int]]) -> Iterator[_Region]:
    a, b = region.a, region.b
    for i, j in anchors:
        if i > a and j > b:
            yield _Region(a, i, b, j)
        a, b = i + 1, j + 1
    if region.a_end > a and region.b_end > b:
        yield _Region(a, region.a_end, b, region.b_end)


def _cost(first: Sequence[Line], second: Sequence[Line], region: _Region) -> int:
    """What comparing every pair of equal lines costs, at the most."""
    times = Counter(second[region.b : region.b_end])
    pairs = sum(times[line] for line in first[region.a : region.a_end])
    return pairs * min(region.a_end - region.a, region.b_end - region.b)


def _compared(first: Sequence[Line], second: Sequence[Line], region: _Region) -> list[Block]:
    from difflib import SequenceMatcher

    parts = first[region.a : region.a_end], second[region.b : region.b_end]
    blocks = SequenceMatcher(None, *parts, autojunk=False).get_matching_blocks()
    return [Block(region.a + m.a, region.b + m.b, m.size) for m in blocks if m.size]


def _joined(blocks: Sequence[Block]) -> list[Block]:
    whole: list[Block] = []
    for block in blocks:
        last = whole[-1] if whole else None
        if last is not None and (last.a + last.size, last.b + last.size) == (block.a, block.b):
            whole[-1] = last._replace(size=last.size + block.size)
        else:
            whole.append(block)
    return whole


def unified_diff(
    first: Sequence[str], second: Sequence[str], before: str = "", after: str = "", context: int = 3
) -> Iterator[str]:
    """The lines of a unified diff, without line ends; none where the texts are equal.

    before, after: the files' names, without which there is no heading; context: equal lines around each difference.
    """
    from difflib import Match, SequenceMatcher

    matcher = SequenceMatcher(None, "", "")
    # it groups what it is given here, and is spared its own comparison
    blocks = [*matching_blocks(first, second), Block(len(first), len(second), 0)]
    matcher.get_matching_blocks = lambda: [Match(*block) for block in blocks]  # type: ignore[method-assign]
    started = not before
    for group in matcher.get_grouped_opcodes(context):
        if not started:
            yield from (f"--- {before}", f"+++ {after}")
            started = True
        old, new = _range(group[0][1], group[-1][2]), _range(group[0][3], group[-1][4])
        yield f"@@ -{old} +{new} @@"
        for tag, i, i_end, j, j_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in first[i:i_end])
                continue
            yield from (f"-{line}" for line in first[i:i_end])
            yield from (f"+{line}" for line in second[j:j_end])


def file_hunks(before: bytes, after: bytes, old: str = "", new: str = "", context: int = 3) -> Iterator[str]:
    """A unified diff of two files, as `unified_diff`; none where they are equal.

    old, new: their names; of binary files it is only told that they differ.  A file that does not end with a line feed
    is marked as `diff` does.
    """
    if before != after and b"\0" in before + after:
        yield f"Binary files {old or 'before'} and {new or 'after'} differ"
        return
    first, second = ([line.decode("utf-8", "backslashreplace") for line in lines_of(side)] for side in (before, after))
    headings = 2 if old else 0
    for number, line in enumerate(unified_diff(first, second, old, new, context)):
        yield line.removesuffix("\n")
        if number >= headings and not line.endswith("\n") and not line.startswith("@@"):
            yield NO_NEWLINE


def _range(start: int, end: int) -> str:
    """Line numbers as the headings of hunks have them."""
    length = end - start
    if length == 1:
        return str(start + 1)
    return f"{start + bool(length)},{length}"


# ---------------------------------------------------------------- long lines
# Nobody reads a line that is longer than this; of a list in one line, what came and what went is read.
LONG, SHOWN = 500, 400
_WORDS = r"[^\s\"'\[\]{},:]+"


def shortened(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a unified diff for people: of a long line only the words that differ, or its beginning.

    Lines of usual length stay as they are.  A long line is compared with the one of the other side that begins with
    the same word.
    """
    block: list[str] = []
    for line in lines:
        if block and line[:1] not in ("+", "-"):
            yield from _shortened(block)
            block = []
        if line[:1] in ("+", "-"):
            block.append(line)
        else:
            yield _beginning(line)
    yield from _shortened(block)


def _shortened(block: Sequence[str]) -> Iterator[str]:
    """The same of lines that all went or came."""
    long = {(line[:1], _first_word(line)): line for line in block if len(line) > LONG}
    for line in block:
        sign, first = line[:1], _first_word(line)
        other = long.get(("+" if sign == "-" else "-", first))
        yield line if len(line) <= LONG else _beginning(line) if other is None else _changed_words(line, other)


def _first_word(line: str) -> str:
    """What a line begins with, as far as the end of its first word."""
    found = re.match(rf"[+-]\W*(?:{_WORDS})[\"':]*", line[:LONG])
    return found[0][1:] if found is not None else ""


def _changed_words(line: str, other: str) -> str:
    """A line by its words that the other side's line does not have."""
    known = set(re.findall(_WORDS, other[1:]))
    words = [word for word in dict.fromkeys(re.findall(_WORDS, line[1:])) if word not in known]
    shown = _cut(" ".join(words)) if words else "nothing, for all its words are on the other side"
    return f"{line[0]}{_first_word(line)} ... {'gone' if line[0] == '-' else 'new'}: {shown}"


def _beginning(line: str) -> str:
    return line if len(line) <= LONG else f"{line[:SHOWN]} ... ({len(line):,} characters)"


def _cut(text: str) -> str:
    """A text of words, and how many more there are where it is too long."""
    if len(text) <= SHOWN:
        return text
    kept = text[:SHOWN].rpartition(" ")[0] or text[:SHOWN]
    return f"{kept} and {len(text[len(kept) :].split())} more"
