"""Two branches that changed one project, and Git could not merge what was rendered.  Law: pure.

mlcc.yaml is what people write, and Git merges it; what is rendered from it conflicts in the lock, in do/config, in the
base.  Each side's own lock says which bytes are a rendering: those give way to the rendering of the merged mlcc.yaml.
What a person edited on a side is carried over by the same three-way merge as every edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from mlcc.core.paths import EMPTY, Path
from mlcc.core.records import NamedTuple
from mlcc.core.tree import STAYS_DELETED, Record, digest, is_binary
from mlcc.core.values import HeldChoice
from mlcc.load.lock_choices import Choices
from mlcc.plan.line_ends import to_lf
from mlcc.plan.lock import Lock
from mlcc.plan.merge import BRANCH_LABELS, Merged, merge_texts

Key = TypeVar("Key")
Item = TypeVar("Item")
# The branch that is checked out, and the one that is merged into it.
OURS, THEIRS = "ours", "theirs"


class Side(NamedTuple):
    """What one branch holds, or their common ancestor.

    lock: its lock; choices: those in its lock; files: its version of files that are in conflict; base: what it
    rendered, of files of which Git could not merge the base.
    """

    lock: Lock = Lock()
    choices: Choices = EMPTY
    files: Mapping[str, bytes] = EMPTY
    base: Mapping[str, bytes] = EMPTY

    def rendered(self, path: str, data: bytes) -> bool:
        """True for bytes that this side rendered and nobody edited."""
        record = self.lock.files.get(path)
        return self.base.get(path) == data or (record is not None and record.digest == digest(data))


class Branches(NamedTuple):
    """Both sides of an unfinished merge, and where they parted (empty where that is not known).

    settled: lock and choices where somebody settled the conflict in the lock, None while it is one.
    """

    ours: Side
    theirs: Side
    ancestor: Side = Side()
    settled: Side | None = None

    @property
    def lock(self) -> Lock:
        """The lock as the sides have it together: of each file the record of the side that changed it."""
        if self.settled is not None:
            return self.settled.lock
        sides = (self.ancestor.lock.files, self.ours.lock.files, self.theirs.lock.files)
        records: dict[str, Record] = three_way(*sides)
        for path in records:
            if any(files[path].edited == STAYS_DELETED for files in sides[1:] if path in files):
                records[path] = records[path]._replace(edited=STAYS_DELETED)  # the answer of one side is one for both
        return self.ours.lock._replace(files=records)

    @property
    def choices(self) -> Choices:
        """The choices of the side that made them otherwise than the ancestor; ours where both did."""
        if self.settled is not None:
            return self.settled.choices
        return three_way(self.ancestor.choices, self.ours.choices, self.theirs.choices)

    @property
    def disputed(self) -> dict[Path, tuple[HeldChoice, HeldChoice]]:
        """Choices that both sides made otherwise than the ancestor, and with different values: ours and theirs."""
        if self.settled is not None:
            return {}
        before, ours, theirs = (side.choices for side in (self.ancestor, self.ours, self.theirs))
        both = {path: (ours[path], theirs[path]) for path in ours if path in theirs}
        return {
            path: pair for path, pair in both.items() if pair[0].value != pair[1].value and before.get(path) not in pair
        }

    def base(self, path: str) -> bytes | None:
        """What was rendered of a file, with the changes of both sides, where Git could not merge it; else None."""
        before, ours, theirs = (side.base.get(path) for side in (self.ancestor, self.ours, self.theirs))
        if ours is None or theirs is None:
            return ours if theirs is None else theirs
        merged = merge_texts(before or b"", ours, theirs)
        return ours if merged.conflicts else merged.data

    def is_rendered(self, path: str, data: bytes) -> bool:
        """True for bytes that one of the sides rendered."""
        return self.ours.rendered(path, data) or self.theirs.rendered(path, data)

    def versions(self, path: str, base: bytes | None) -> tuple[Version, ...]:
        """The versions of a file in conflict; none where it is not in conflict.  base: what lies in .mlcc/base."""
        found = []
        for side, branch in ((self.ours, OURS), (self.theirs, THEIRS)):
            data = side.files.get(path)
            if data is not None:
                data = to_lf(data)
                known = next((b for b in (side.base.get(path), base) if b is not None and side.rendered(path, b)), None)
                found.append(Version(branch, data, side.rendered(path, data), known))
        return tuple(found)


class Version(NamedTuple):
    """One side's version of a file: whether it is as it was rendered there, and that rendering where it is known."""

    branch: str
    data: bytes
    is_rendered: bool
    base: bytes | None


def with_edits(new: bytes, versions: Iterable[Version]) -> Merged | None:
    """The new rendering with what people edited on both sides; None where it is not known what was edited."""
    merged, count = new, 0
    for version in versions:
        if version.is_rendered:
            continue
        if version.base is None or is_binary(version.data + merged):
            return None
        if version.branch == OURS:
            step = merge_texts(version.base, version.data, merged)
        else:  # what stands there by now has the edits of this branch
            step = merge_texts(version.base, merged, version.data, BRANCH_LABELS)
        merged, count = step.data, count + step.conflicts
    return Merged(merged, count)


def three_way(before: Mapping[Key, Item], ours: Mapping[Key, Item], theirs: Mapping[Key, Item]) -> dict[Key, Item]:
    """Of each entry the one of the side that changed it, ours where both did; what one side keeps stays."""
    merged = {}
    for key in {**ours, **theirs}:
        mine, other = ours.get(key), theirs.get(key)
        taken = other if mine is None or (mine == before.get(key) and other is not None) else mine
        gone_on_one = (mine is None or other is None) and before.get(key) == (other if mine is None else mine)
        if taken is not None and not gone_on_one:
            merged[key] = taken
    return merged
