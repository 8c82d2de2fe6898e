"""Three-way merge of text by lines.  Law: pure; a merge is clean only where one side alone changed, or both alike.

The regions are found as in diff3: stretches of the base that both sides kept are common ground, and between two of
them lies one region that is taken from the side that changed it.  What can be read in several ways is no common ground
(`readings`), so that a merge which Git calls a conflict is one here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlcc.core.conflict_marks import conflicts
from mlcc.core.line_diff import Block, lines_of
from mlcc.core.records import NamedTuple
from mlcc.core.tree import is_binary
from mlcc.plan.readings import kept_lines

# Beyond so many lines a person decides.
MAX_LINES = 20_000
LABELS = ("yours", "before", "mlcc")
BRANCH_LABELS = ("yours", "before", "theirs")
SIGNS = ("<<<<<<<", "|||||||", ">>>>>>>")
# Finds the stretches of lines that a later version of a text kept.
Matcher = Callable[[Sequence[bytes], Sequence[bytes]], list[Block]]


class Merged(NamedTuple):
    """The merged bytes, and how many regions conflict (0: clean)."""

    data: bytes
    conflicts: int


class _Region(NamedTuple):
    base: list[bytes]
    ours: list[bytes]
    theirs: list[bytes]


def merge_texts(
    base: bytes, ours: bytes, theirs: bytes, labels: tuple[str, str, str] = LABELS, matcher: Matcher = kept_lines
) -> Merged:
    """Merges two descendants of `base`.

    ours: what the user has; theirs: what is rendered now; labels: names for ours, base and theirs in diff3 markers.
    The bytes hold markers when there are conflicts, but for binary files: those stay as the user has them.
    matcher: another one than `kept_lines` may merge cleanly what Git calls a conflict.
    """
    if ours == theirs or base == theirs:
        return Merged(ours, 0)
    if base == ours:
        return Merged(theirs, 0)
    lines = [lines_of(side) for side in (base, ours, theirs)]
    if any(map(is_binary, (base, ours, theirs))):
        return Merged(ours, 1)
    if max(map(len, lines)) > MAX_LINES:
        return Merged(_markers(_Region(*lines), labels), 1)
    out: list[bytes] = []
    conflicts = 0
    for region in _regions(matcher, *lines):
        if region.ours == region.theirs or region.base == region.theirs:
            out.extend(region.ours)
        elif region.base == region.ours:
            out.extend(region.theirs)
        else:
            out.append(_markers(region, labels))
            conflicts += 1
    return Merged(b"".join(out), conflicts)


def has_markers(data: bytes, rendered: bytes = b"") -> bool:
    """True when markers that `merge` wrote, or Git, still stand in a text.

    rendered: what mlcc renders there; conflicts that stand in it too are nobody's.
    """
    return has_own_markers(data) or len(conflicts(data)) > len(conflicts(rendered))


def has_own_markers(data: bytes) -> bool:
    """True when markers that `merge` wrote stand in a text, or the one of them that is easily forgotten."""
    lines = {line.rstrip(b"\r\n") for line in lines_of(data)}
    for labels in (LABELS, BRANCH_LABELS):
        begin, before, end = (f"{sign} {label}".encode() for sign, label in zip(SIGNS, labels, strict=True))
        if before in lines or {begin, end} <= lines:
            return True
    return False


def _regions(matcher: Matcher, base: list[bytes], ours: list[bytes], theirs: list[bytes]) -> Iterator[_Region]:
    """Regions in order: common ground (all three equal) and what lies between."""
    b = o = t = 0
    for common_b, common_o, common_t, size in _common(matcher(base, ours), matcher(base, theirs)):
        if (b, o, t) != (common_b, common_o, common_t):
            yield _Region(base[b:common_b], ours[o:common_o], theirs[t:common_t])
        b, o, t = common_b + size, common_o + size, common_t + size
        same = base[common_b:b]
        yield _Region(same, same, same)
    if (b, o, t) != (len(base), len(ours), len(theirs)):
        yield _Region(base[b:], ours[o:], theirs[t:])


def _common(left: Sequence[Block], right: Sequence[Block]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of the base that both sides kept: (base, ours, theirs, size).  left, right: what each kept."""
    i = j = 0
    while i < len(left) and j < len(right):
        (lb, lo, ln), (rb, rt, rn) = left[i], right[j]
        start, end = max(lb, rb), min(lb + ln, rb + rn)
        if start < end:
            yield start, lo + start - lb, rt + start - rb, end - start
        if lb + ln < rb + rn:
            i += 1
        else:
            j += 1


def _markers(region: _Region, labels: tuple[str, str, str]) -> bytes:
    ours, base, theirs = labels
    parts = [
        f"<<<<<<< {ours}\n".encode(),
        _ended(region.ours),
        f"||||||| {base}\n".encode(),
        _ended(region.base),
        b"=======\n",
        _ended(region.theirs),
        f">>>>>>> {theirs}\n".encode(),
    ]
    return b"".join(parts)


def _ended(lines: list[bytes]) -> bytes:
    text = b"".join(lines)
    return text if not text or text.endswith(b"\n") else text + b"\n"
