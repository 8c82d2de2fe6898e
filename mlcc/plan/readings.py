"""Lines of a text that a later version kept, whichever way the edit is read.  Law: pure; the work is bounded.

Where lines repeat, an edit can be read in several ways: which of two equal blocks was added, whether a block went up
or the other one down.  A merge that follows one reading may put a change into the wrong copy.  So a line counts as kept
where four readings agree: the shortest edits that begin early and late, with deletions or with insertions first, each
change as late in the text as it can stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from mlcc.core.line_diff import Block
from mlcc.core.records import NamedTuple

# Steps of work for one reading: a step looks at a pair of lines.  Beyond it no line is kept between the parts that the
# texts have in common at both ends.
MAX_STEPS = 400_000
# Repeated lines that stand alone among so many times more changed ones are chance: every text has blank lines.
CHANCE = 3
Pair = tuple[int, int]


class _Change(NamedTuple):
    """Lines `a` to `a_end` of the first text became `b` to `b_end` of the second."""

    a: int
    a_end: int
    b: int
    b_end: int


def kept_lines(first: Sequence[bytes], second: Sequence[bytes]) -> list[Block]:
    """Stretches of lines that all readings keep, in order, none touching the next in both texts."""
    numbers: dict[bytes, int] = {}
    a, b = ([numbers.setdefault(line, len(numbers)) for line in text] for text in (first, second))
    sizes = len(a) - 1, len(b) - 1
    back = [(sizes[0] - i, sizes[1] - j) for i, j in reversed(_pairs(a[::-1], b[::-1]))]
    swapped_back = [(sizes[0] - i, sizes[1] - j) for j, i in reversed(_pairs(b[::-1], a[::-1]))]
    swapped = [(i, j) for j, i in _pairs(b, a)]
    readings = (_pairs(a, b), swapped, back, swapped_back)
    agreed = set.intersection(*(_late(pairs, a, b) for pairs in readings))
    return _without_chance(_blocks(sorted(agreed)), a, b)


# ---------------------------------------------------------------- one reading
def _pairs(a: Sequence[int], b: Sequence[int]) -> list[Pair]:
    """Equal lines of a shortest edit that begins as early as it can, deletions first."""
    start, end = 0, 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    ends = range(start, len(a) - end), range(start, len(b) - end)
    both = {a[i] for i in ends[0]} & {b[j] for j in ends[1]}
    # a line without a counterpart is changed in every reading
    rows, columns = [i for i in ends[0] if a[i] in both], [j for j in ends[1] if b[j] in both]
    inner = _shortest([a[i] for i in rows], [b[j] for j in columns])
    head, tail = ((n, n) for n in range(start)), ((len(a) - n, len(b) - n) for n in range(end, 0, -1))
    return [*head, *((rows[i], columns[j]) for i, j in inner), *tail]


def _shortest(a: Sequence[int], b: Sequence[int]) -> list[Pair]:
    """The pairs of a shortest edit, by the greedy algorithm of E. W. Myers (1986); none beyond the budget.

    Diagonal k holds the places (x, y) with x - y = k; `reached[k]` is the farthest x on it after so many edits.
    """
    budget, found = MAX_STEPS, list[list[int]]()
    reached = {1: 0}
    for edits in range(len(a) + len(b) + 1):
        ends = []
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and reached[k - 1] < reached[k + 1])
            start = x = reached[k + 1] if down else reached[k - 1] + 1
            while x < len(a) and x - k < len(b) and a[x] == b[x - k]:
                x += 1
            reached[k] = x
            ends.append(x)
            budget -= x - start + 1
            if x >= len(a) and x - k >= len(b):
                return _followed([*found, ends], k)
        if budget < 0:
            break
        found.append(ends)
    return []


def _followed(found: Sequence[Sequence[int]], k: int) -> list[Pair]:
    """The pairs on the way to the end.  found: the farthest x by number of edits and diagonal; k: the last diagonal."""
    pairs: list[Pair] = []
    for edits in range(len(found) - 1, -1, -1):
        x, start = found[edits][(k + edits) // 2], 0
        before = k
        if edits:
            earlier = found[edits - 1]
            # of diagonal n, `earlier` has the place (n + edits - 1) // 2
            down = k == -edits or (k != edits and earlier[(k + edits) // 2 - 1] < earlier[(k + edits) // 2])
            before = k + 1 if down else k - 1
            start = earlier[(before + edits - 1) // 2] + (not down)
        pairs += [(i, i - k) for i in range(x - 1, start - 1, -1)]
        k = before
    return pairs[::-1]


def _late(pairs: Sequence[Pair], a: Sequence[int], b: Sequence[int]) -> set[Pair]:
    """The same edit with each deletion and each insertion as late as it can stand; those that meet are one change.

    Where one met another on its way, the edit has yet another reading, and what both keep is kept.
    """
    done: list[_Change] = []
    met = False
    for change in reversed(_changes(_blocks(pairs), a, b)):
        moved = False
        while True:
            if done and (done[-1].a, done[-1].b) == (change.a_end, change.b_end):
                after = done.pop()
                change, met = change._replace(a_end=after.a_end, b_end=after.b_end), met or moved
            elif _can_stand_later(change, a, b):
                change, moved = _Change(*(place + 1 for place in change)), True
            else:
                break
        done.append(change)
    kept, i, j = set[Pair](), 0, 0
    for change in (*reversed(done), _Change(len(a), len(a), len(b), len(b))):
        kept.update(zip(range(i, change.a), range(j, change.b), strict=True))
        i, j = change.a_end, change.b_end
    return kept.intersection(pairs) if met else kept


def _can_stand_later(change: _Change, a: Sequence[int], b: Sequence[int]) -> bool:
    if change.a_end == len(a) or change.b_end == len(b):
        return False
    if change.a == change.a_end:
        return b[change.b] == b[change.b_end]
    return change.b == change.b_end and a[change.a] == a[change.a_end]


def _changes(blocks: Iterable[Block], a: Sequence[int], b: Sequence[int]) -> list[_Change]:
    """What lies between the blocks."""
    found, i, j = list[_Change](), 0, 0
    for block in (*blocks, Block(len(a), len(b), 0)):
        if (i, j) != (block.a, block.b):
            found.append(_Change(i, block.a, j, block.b))
        i, j = block.a + block.size, block.b + block.size
    return found


def _blocks(pairs: Iterable[Pair]) -> list[Block]:
    whole: list[Block] = []
    for i, j in pairs:
        last = whole[-1] if whole else None
        if last is not None and (last.a + last.size, last.b + last.size) == (i, j):
            whole[-1] = last._replace(size=last.size + 1)
        else:
            whole.append(Block(i, j, 1))
    return whole


# ---------------------------------------------------------------- chance
def _without_chance(blocks: Sequence[Block], a: Sequence[int], b: Sequence[int]) -> list[Block]:
    """The blocks without those of repeated lines that stand alone among many more changed ones."""
    changes = _changes(blocks, a, b)
    before = {(change.a_end, change.b_end): change for change in changes}
    after = {(change.a, change.b): change for change in changes}
    in_a, in_b = Counter(a), Counter(b)
    kept = []
    for block in blocks:
        left, right = before.get((block.a, block.b)), after.get((block.a + block.size, block.b + block.size))
        if left is not None and right is not None:
            lines = a[block.a : block.a + block.size]
            removed = left.a_end - left.a, right.a_end - right.a
            added = left.b_end - left.b, right.b_end - right.b
            if _is_chance(lines, in_b, removed) or _is_chance(lines, in_a, added):
                continue
        kept.append(block)
    return kept


def _is_chance(lines: Sequence[int], times: Counter[int], around: tuple[int, int]) -> bool:
    """times: how often each line stands in the other text; around: how many lines are changed before and after."""
    return min(around) > 0 and CHANCE * len(lines) < sum(around) and min(times[line] for line in lines) > 1
