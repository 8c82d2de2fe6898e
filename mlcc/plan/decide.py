"""Desired, observed and recorded files to one decision each.  Law: pure; a table of cases, line by line.

Nothing here reads or writes: apply executes a plan, and plan and diff show the same one, so that what is shown is what
happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from mlcc.core import tree
from mlcc.core.findings import Finding
from mlcc.core.tree import MANAGED, REMOVED, SEED, STAYS_DELETED, OnDisk, Record, Rendered, Tree, digest, is_binary
from mlcc.plan.branches import Branches, Version, with_edits
from mlcc.plan.changes import (
    CONFLICT,
    CREATE,
    DELETE,
    KEEP,
    MERGE,
    NEW_SUFFIX,
    SAVED_SUFFIX,
    UNCHANGED,
    UPDATE,
    Beside,
    Change,
    Known,
    Options,
    Plan,
)
from mlcc.plan.line_ends import has_crlf, to_crlf, to_lf
from mlcc.plan.merge import has_markers, merge_texts
from mlcc.plan.notes import (
    BESIDE,
    BRANCHES,
    EDITED,
    MARKED,
    NO_BASE,
    NOT_OURS,
    OLD_SEED,
    REMOVED_HERE,
    Facts,
    findings_of,
)

EXECUTABLE = 0o111


def make_plan(desired: Tree, known: Known, options: Options = Options()) -> Plan:
    """Makes the plan that turns the observed tree into the desired one."""
    raw = {path for path, new in desired.items() if b"\r" in new.data}
    restored = frozenset(matching([str(word) for word in options.restore], desired))
    options, raw = options._replace(restore=restored), raw | restored  # such a file gets the ends that are rendered
    crlf = {path for path, disk in known.observed.items() if path not in raw and has_crlf(disk.data)}
    observed = {p: d._replace(data=to_lf(d.data)) if p in crlf else d for p, d in known.observed.items()}
    known = known._replace(observed=observed, base={p: d if p in raw else to_lf(d) for p, d in known.base.items()})
    if known.branches is not None:
        known = known._replace(base=_base_of_branches(known, known.branches))
    changes: list[Change] = []
    findings: list[Finding] = []
    records: dict[str, Record] = {}
    for path in sorted({*desired, *known.base, *known.records}):
        new = desired.get(path)
        change = _gone(path, known) if new is None else _rendered(path, new, known, options)
        if change is None:
            records.update(_remembered(path, known))
            continue
        findings.extend(findings_of(_facts(change, new, known, path in crlf)))
        if new is not None:
            records[path] = _record(path, new, change, known, options)
        changes.append(_with_ends(change) if path in crlf else change)
    base = {path: rendered.data for path, rendered in desired.items()}
    marked = tuple(c.path for c in changes if c.action == CONFLICT and c.writes and not c.saved)
    return Plan(tuple(changes), base, records, tuple(findings), marked)


def matching(words: Collection[str], paths: Iterable[str]) -> list[str]:
    """The paths that are named: each word is a path, a folder, or a pattern in which `*` stands for anything."""
    return [path for path in paths if any(_means(word, path) for word in words)]


def _means(word: str, path: str) -> bool:
    return word in (path, ".") or path.startswith(f"{word}/") or fnmatchcase(path, word)


def _with_ends(change: Change) -> Change:
    """The change of a file whose lines end with CR LF."""
    return change._replace(data=to_crlf(change.data)) if change.data is not None else change


# ---------------------------------------------------------------- one file
def _rendered(path: str, new: Rendered, known: Known, options: Options) -> Change:
    """A file that is rendered."""
    disk = known.observed.get(path)
    if path in options.restore:
        change = _restored(path, new, known)
    elif disk is None:
        change = _not_on_disk(path, new, known, options)
    else:
        change = _present(path, new, disk, known, options)
    return change._replace(owner=new.owner)


def _present(path: str, new: Rendered, disk: OnDisk, known: Known, options: Options) -> Change:
    base = _base(path, known)
    mode = _mode(new, disk, known.records.get(path))
    versions = known.branches.versions(path, base) if known.branches is not None else ()
    if versions:
        return _of_branches(path, new, mode, versions, known, options)
    if disk.data == new.data:
        changed = (mode ^ disk.mode) & EXECUTABLE
        data = new.data if changed else None
        return Change(path, UPDATE if changed else UNCHANGED, data, mode, reason="mode" if changed else "")
    if has_markers(disk.data, new.data):
        if options.force:
            return Change(path, UPDATE, new.data, mode, _saved(path, known.observed), MARKED)
        return Change(path, CONFLICT, disk.data if options.merge else None, mode, reason=MARKED)
    if base == new.data:
        return _edited(path, known, options)
    if disk.data == base:
        return Change(path, UPDATE, new.data, mode)
    if base is not None:
        merged = merge_texts(base, disk.data, new.data)
        if not merged.conflicts and known.acceptable(path, merged.data):
            return Change(path, MERGE, merged.data, mode, reason="your edits and the new lines do not touch")
    elif _is_old_seed(path, new, known):
        return Change(path, KEEP, reason=OLD_SEED)
    return _conflict(path, new, disk, mode, known, options)


def _of_branches(
    path: str, new: Rendered, mode: int, versions: Collection[Version], known: Known, options: Options
) -> Change:
    """A file that two branches have otherwise, and that Git could not merge."""
    merged = with_edits(new.data, versions)
    if all(version.is_rendered for version in versions) or (merged is not None and merged.data == new.data):
        return Change(path, UPDATE, new.data, mode, reason="rendered by both branches, and rendered anew")
    if merged is not None and not merged.conflicts and known.acceptable(path, merged.data):
        return Change(path, MERGE, merged.data, mode, reason="edits of the branches and the new lines do not touch")
    if options.force:
        return Change(path, UPDATE, new.data, mode, _saved(path, known.observed), MARKED)
    if options.merge and merged is not None:
        return Change(path, CONFLICT, merged.data, mode, reason=BRANCHES)
    return Change(path, CONFLICT, reason=BRANCHES if merged is not None else MARKED)


def _base_of_branches(known: Known, branches: Branches) -> dict[str, bytes]:
    """The base of a project whose base Git could not merge: with the changes of both sides.

    A file that equals what one of them rendered is nobody's edit: it is its own base.
    """
    base = dict(known.base)
    for path in {*known.base, *known.observed}:
        disk, merged = known.observed.get(path), branches.base(path)
        if disk is not None and merged is not None and branches.is_rendered(path, disk.data):
            merged = disk.data
        if merged is not None:
            base[path] = merged
    return base


def _edited(path: str, known: Known, options: Options) -> Change:
    """A file that the user edited and that is rendered as before.

    A binary file has no markers: its conflict stands as long as the new version lies beside it.
    """
    if path + NEW_SUFFIX in known.observed and not options.force:
        return Change(path, CONFLICT, reason=BESIDE)
    return Change(path, KEEP, reason="edited; nothing new to merge")


def _not_on_disk(path: str, new: Rendered, known: Known, options: Options) -> Change:
    """A file that is rendered and not on disk."""
    base, record = _base(path, known), known.records.get(path)
    if path in options.keep_deleted or (record is not None and record.edited == STAYS_DELETED):
        return Change(path, KEEP, reason="stays deleted; --restore brings it back")
    if new.owner == SEED and record is not None and record.owner == SEED:
        return Change(path, KEEP, reason="deleted by you; --restore brings it back")
    if base is None:
        return Change(path, CREATE, new.data, new.mode)
    if base == new.data:
        return Change(path, KEEP, reason="removed; nothing new to write")
    if options.force:
        return Change(path, CREATE, new.data, new.mode, reason="was removed")
    return Change(path, CONFLICT, reason=REMOVED_HERE)


def _base(path: str, known: Known) -> bytes | None:
    """What was rendered before.

    Earlier releases kept no base of seeds, but the digest: where it is that of the file, the file is its own base.
    """
    base, record, disk = known.base.get(path), known.records.get(path), known.observed.get(path)
    if base is None and record is not None and record.owner == SEED and disk is not None:
        return disk.data if digest(disk.data) == record.digest else None
    return base


def _is_old_seed(path: str, new: Rendered, known: Known) -> bool:
    """True for an edited seed of which no base was kept: there is nothing that it could be merged with."""
    record = known.records.get(path)
    return new.owner == SEED and record is not None and record.owner == SEED


def _conflict(path: str, new: Rendered, disk: OnDisk, mode: int, known: Known, options: Options) -> Change:
    base, record = known.base.get(path), known.records.get(path)
    # the lock alone makes no file mlcc's: it may be forged, and the base is what a merge needs
    recorded = record is not None and record.owner == MANAGED
    reason = EDITED if base is not None else NO_BASE if recorded else NOT_OURS
    if options.force:
        return Change(path, UPDATE, new.data, mode, _saved(path, known.observed), reason)
    if not options.merge:
        return Change(path, CONFLICT, reason=reason)
    if is_binary((base or b"") + disk.data + new.data):
        beside = Beside(_saved(path, known.observed, NEW_SUFFIX), new.data)
        return Change(path, CONFLICT, mode=mode, reason=reason, beside=beside)
    return Change(path, CONFLICT, merge_texts(base or b"", disk.data, new.data).data, mode, reason=reason)


def _restored(path: str, new: Rendered, known: Known) -> Change:
    """A file that the user wants as it is rendered.  What nobody edited needs no copy."""
    disk, record = known.observed.get(path), known.records.get(path)
    if disk is None:
        return Change(path, CREATE, new.data, new.mode, reason="restored")
    if disk.data == new.data:
        changed = (disk.mode ^ new.mode) & EXECUTABLE
        return Change(path, UPDATE, new.data, new.mode, reason="mode") if changed else Change(path, UNCHANGED)
    data = to_lf(disk.data)
    unedited = data in (known.base.get(path), new.data) or (record is not None and record.digest == digest(data))
    return Change(path, UPDATE, new.data, new.mode, "" if unedited else _saved(path, known.observed), "restored")


def _saved(path: str, observed: Collection[str], suffix: str = SAVED_SUFFIX) -> str:
    """A name beside a file that no other copy has."""
    name, number = path + suffix, 1
    while name in observed:
        number += 1
        name = f"{path}{suffix}-{number}"
    return name


def _mode(new: Rendered, disk: OnDisk, record: Record | None) -> int:
    """The executable bits are a value of their own: the user's unless only mlcc changed them."""
    if record is None:
        return new.mode
    edited = (disk.mode ^ record.mode) & EXECUTABLE
    return (new.mode & ~EXECUTABLE) | (disk.mode & EXECUTABLE) if edited else new.mode


def _gone(path: str, known: Known) -> Change | None:
    """A file that the config no longer renders."""
    disk, base, record = known.observed.get(path), known.base.get(path), known.records.get(path)
    if disk is None:
        return None
    versions = known.branches.versions(path, base) if known.branches is not None else ()
    if versions and known.producible(path) and all(version.is_rendered for version in versions):
        return Change(path, DELETE)
    ours = record is not None and known.producible(path) and disk.data == base and record.digest == digest(disk.data)
    if ours:
        return Change(path, DELETE)
    return Change(path, KEEP, reason="no longer rendered, but edited or not recorded as mlcc's")


def _record(path: str, new: Rendered, change: Change, known: Known, options: Options) -> Record:
    """What the lock says of a file afterwards.  It does not know the edits of a seed, which is taken as it is."""
    disk, old = known.observed.get(path), known.records.get(path)
    after = change.data if change.data is not None else disk.data if disk is not None else None
    if after is not None:
        edited = "" if after == new.data or new.owner == SEED else digest(after)
    elif path in options.keep_deleted or (old is not None and old.edited == STAYS_DELETED):
        edited = STAYS_DELETED
    else:
        edited = "" if new.owner == SEED else REMOVED
    mode = change.mode if change.data is not None else disk.mode if disk is not None else new.mode
    executable = None if new.owner == SEED else tree.changed_x(mode, new.mode)
    return Record(new.owner, new.mode, digest(new.data), edited, executable)


def _remembered(path: str, known: Known) -> dict[str, Record]:
    """The record of a file that is neither rendered nor there: its user's answer that it stays deleted is kept.

    Else the file would come back with the next configuration that renders it.
    """
    record = known.records.get(path)
    if record is None or not known.producible(path) or not (record.owner == SEED or record.edited == STAYS_DELETED):
        return {}
    return {path: record._replace(edited=STAYS_DELETED)}


def _facts(change: Change, new: Rendered | None, known: Known, crlf: bool) -> Facts:
    """What the findings about a change are made from.  crlf: whether the file's lines end with CR LF."""
    disk = known.observed.get(change.path)
    lost_x = new is not None and disk is not None and not change.writes and new.mode & EXECUTABLE & ~disk.mode & 0o100
    beside = change.beside.path if change.beside is not None else ""
    return Facts(
        change.path,
        change.reason,
        conflict=change.action == CONFLICT,
        writes=change.writes,
        not_rendered=change.action == KEEP and new is None,
        saved=change.saved,
        beside=beside,
        not_executable=bool(lost_x),
        crlf_script=crlf and new is not None and bool(new.mode & EXECUTABLE) and new.data.startswith(b"#!"),
    )
