"""A merge that Git left unfinished in a project, as both sides have it.  Law: reads only; Git by plumbing.

Git's index holds both versions of a file in conflict; of one that was added, the commits that are merged do.  Where
there are none (no repository), the conflict marks in the files tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.conflict_marks import conflicts, sides
from mlcc.core.errors import UserError
from mlcc.core.line_diff import matching_blocks
from mlcc.core.records import NamedTuple
from mlcc.core.tree import BASE_DIR, LOCK_MAX_BYTES, LOCK_NAME, OnDisk
from mlcc.io import git
from mlcc.io.disk.reader import Directory
from mlcc.load.lock_choices import Choices, choices_of
from mlcc.plan.branches import Branches, Side
from mlcc.plan.line_ends import to_lf
from mlcc.plan.lock import Lock, read_lock
from mlcc.plan.merge import has_own_markers, merge_texts
from mlcc.plan.readings import kept_lines

PREFIX = BASE_DIR + "/"
ANCESTOR, OURS, THEIRS = 1, 2, 3
Stages = Mapping[str, Mapping[int, bytes]]


class Found(NamedTuple):
    """What lies in the project: the lock, the base, the rendered files."""

    lock: bytes | None
    base: Mapping[str, bytes]
    disk: Mapping[str, OnDisk]


def read_branches(target: Directory, found: Found, environ: Mapping[str, str]) -> Branches | None:
    """Both sides of an unfinished merge; None where nothing shows one.

    environ: the caller's, for Git.  Raises UserError where a side's lock is none.
    """
    marked = {path: disk.data for path, disk in found.disk.items() if _from_git(disk.data)}
    marked |= {PREFIX + path: data for path, data in found.base.items() if _from_git(data)}
    if not marked and not _from_git(found.lock or b""):
        return None
    stages = git.unmerged(target.path, environ)
    settled = _settled(found.lock) if LOCK_NAME not in stages and not _from_git(found.lock or b"") else None
    # what was added has left the index; the commits that are merged still have it
    added = {LOCK_NAME, *marked, *(PREFIX + path for path in marked)} - {*stages}
    stages |= git.merge_commits(target.path, environ, sorted(added)) if added else {}
    # what somebody typed into a file in conflict is in no version of Git's: such a file is left to them
    marked = {path: data for path, data in marked.items() if _as_git_left(data, stages.get(path))}
    for path, data in [*marked.items(), (LOCK_NAME, found.lock or b"")]:
        if path not in stages and _from_git(data):
            ours, theirs = sides(data)
            stages[path] = {OURS: ours, THEIRS: theirs}
    if not stages:
        return None
    whole = settled.lock if settled is not None else None
    ancestor, ours_, theirs_ = (_side(stages, number, whole, marked) for number in (ANCESTOR, OURS, THEIRS))
    return Branches(ours_, theirs_, ancestor, settled)


def _settled(lock: bytes | None) -> Side | None:
    """A lock that is in no conflict (any more)."""
    return Side(read_lock(lock), choices_of(lock)) if lock is not None else None


def _as_git_left(data: bytes, versions: Mapping[int, bytes] | None) -> bool:
    """True for a text with conflict marks in which nothing but the two versions stands (None: not in the index)."""
    if versions is None:
        return True
    ours, theirs = versions.get(OURS, b""), versions.get(THEIRS, b"")
    three, found = (versions.get(ANCESTOR, b""), ours, theirs), sides(to_lf(data))
    # Git decides what is a conflict as one or the other of these does
    merged = (merge_texts(*three, matcher=matcher).data for matcher in (kept_lines, matching_blocks))
    return found == (ours, theirs) or any(found == sides(text) for text in merged)


def _side(stages: Stages, number: int, whole: Lock | None, marked: Mapping[str, bytes]) -> Side:
    """One side.  whole: the lock where it is not in conflict; marked: files in which conflict marks stand."""
    versions = {path: by_stage[number] for path, by_stage in stages.items() if number in by_stage}
    lock, choices = whole or Lock(), choices_of(b"")
    if LOCK_NAME in versions:
        lock, choices = _lock(versions[LOCK_NAME], number), choices_of(versions[LOCK_NAME])
    base = {path.removeprefix(PREFIX): data for path, data in versions.items() if path.startswith(PREFIX)}
    files = {path: data for path, data in versions.items() if path in marked and not path.startswith(PREFIX)}
    return Side(lock, choices, files, base)


def _lock(data: bytes, number: int) -> Lock:
    try:
        return read_lock(data)
    except UserError:
        if number == ANCESTOR:
            return Lock()
        raise


def choices_in(target: Directory, environ: Mapping[str, str]) -> Choices:
    """The choices that a target's lock holds, those of both sides where a merge left it undecided."""
    try:
        found = target.read(LOCK_NAME, LOCK_MAX_BYTES)
        lock = found[0] if found is not None else b""
        branches = read_branches(target, Found(lock, {}, {}), environ)
    except UserError:  # the plan that follows says what is wrong with it
        return choices_of(b"")
    return branches.choices if branches is not None else choices_of(lock)


def _from_git(data: bytes) -> bool:
    """True for a text with conflict marks that are not mlcc's own."""
    return bool(conflicts(data)) and not has_own_markers(data)
