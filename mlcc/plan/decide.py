"""Desired, observed and recorded files to one decision each.  Law: pure; a table of cases, line by line.

Nothing here reads or writes: apply executes a plan, and plan and diff show the same one, so that what is shown is what
happens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from mlcc.core.findings import Finding, Severity, printable
from mlcc.core.paths import EMPTY
from mlcc.core.tree import MANAGED, REMOVED, SEED, OnDisk, Record, Rendered, Tree, digest
from mlcc.plan.merge import has_markers, merge_texts

if TYPE_CHECKING:
    from mlcc.io.disk.callers import StrPath


CREATE, UPDATE, DELETE, UNCHANGED, KEEP, MERGE, CONFLICT = (
    "create",
    "update",
    "delete",
    "unchanged",
    "keep",
    "merge",
    "conflict",
)
ACTIONS = (CREATE, UPDATE, DELETE, UNCHANGED, KEEP, MERGE, CONFLICT)
EXECUTABLE = 0o111
SAVED_SUFFIX = ".mlcc-saved"
MARKED = "conflict markers stand in it"
REMOVED_HERE = "removed on disk, but the new file differs from what was rendered before"
NO_BASE = "mlcc.lock records it, but .mlcc/base holds no copy to tell your edits by"


class Change(NamedTuple):
    """What happens to one file.

    action: one of ACTIONS; data and mode: what is written (None: nothing is); saved: where the bytes that are replaced
    go first; reason: one sentence for people.
    """

    path: str
    action: str
    data: bytes | None = None
    mode: int = 0o644
    saved: str = ""
    reason: str = ""
    owner: str = MANAGED

    @property
    def writes(self) -> bool:
        """True when the file is written."""
        return self.data is not None


class Options(NamedTuple):
    """How conflicts are settled: markers, taking the new file after a copy was saved, files to bring back."""

    merge: bool = False
    force: bool = False
    restore: Collection[StrPath] = ()


class Plan(NamedTuple):
    """Every decision, in path order.

    base: the base tree afterwards; records: the lock's table of files afterwards; blocked: nothing may be written.
    """

    changes: tuple[Change, ...]
    base: Mapping[str, bytes]
    records: Mapping[str, Record]
    findings: tuple[Finding, ...] = ()
    marked: tuple[str, ...] = ()

    @property
    def blocked(self) -> bool:
        """True when a conflict forbids writing anything."""
        return any(c.action == CONFLICT and not c.writes for c in self.changes)

    @property
    def summary(self) -> dict[str, int]:
        """How many files have each action."""
        return summary(self.changes)


def summary(changes: Iterable[Change]) -> dict[str, int]:
    """How many files have each action."""
    counts = Counter(change.action for change in changes)
    return {action: counts[action] for action in ACTIONS}


class Known(NamedTuple):
    """All that is known about the target before anything is decided.

    observed: plain files on disk among the paths of interest; base and records: of the last apply; producible: whether
    some layer can render a path (nothing else is ever deleted); acceptable: whether merged bytes have the form that
    their path promises.
    """

    observed: Mapping[str, OnDisk]
    base: Mapping[str, bytes] = EMPTY
    records: Mapping[str, Record] = EMPTY
    producible: Callable[[str], bool] = lambda path: False
    acceptable: Callable[[str, bytes], bool] = lambda path, data: True


def make_plan(desired: Tree, known: Known, options: Options = Options()) -> Plan:
    """Makes the plan that turns the observed tree into the desired one."""
    changes: list[Change] = []
    findings: list[Finding] = []
    for path in sorted({*desired, *known.base, *known.records}):
        new = desired.get(path)
        if new is None:
            change = _gone(path, known)
        elif new.owner == SEED:
            change = _seed(path, new, known, options)
        else:
            change = _managed(path, new, known, options)
        if change is not None:
            changes.append(change)
            findings.extend(_notes(change, new, known))
    base = {p: f.data for p, f in desired.items() if f.owner == MANAGED}
    records = {p: _record(p, f, changes, known) for p, f in desired.items()}
    marked = tuple(c.path for c in changes if c.action == CONFLICT and c.writes and not c.saved)
    return Plan(tuple(changes), base, dict(sorted(records.items())), tuple(findings), marked)


# ---------------------------------------------------------------- one file
def _managed(path: str, new: Rendered, known: Known, options: Options) -> Change:
    disk, base = known.observed.get(path), known.base.get(path)
    if path in options.restore:
        return _restored(path, new, disk, known.observed)
    if disk is None:
        return _absent(path, new, base, options)
    mode = _mode(new, disk, known.records.get(path))
    if disk.data == new.data:
        changed = (mode ^ disk.mode) & EXECUTABLE
        data = new.data if changed else None
        return Change(path, UPDATE if changed else UNCHANGED, data, mode, reason="mode" if changed else "")
    if has_markers(disk.data, new.data):
        if options.force:
            return Change(path, UPDATE, new.data, mode, _saved(path, known.observed), MARKED)
        return Change(path, CONFLICT, disk.data if options.merge else None, mode, reason=MARKED)
    if base == new.data:
        return Change(path, KEEP, reason="edited; nothing new to merge")
    if disk.data == base:
        return Change(path, UPDATE, new.data, mode)
    if base is not None:
        merged = merge_texts(base, disk.data, new.data)
        if not merged.conflicts and known.acceptable(path, merged.data):
            return Change(path, MERGE, merged.data, mode, reason="your edits and the new lines do not touch")
    return _conflict(path, new, disk, mode, known, options)


def _absent(path: str, new: Rendered, base: bytes | None, options: Options) -> Change:
    if base is None:
        return Change(path, CREATE, new.data, new.mode)
    if base == new.data:
        return Change(path, KEEP, reason="removed; nothing new to write")
    if options.force:
        return Change(path, CREATE, new.data, new.mode, reason="was removed")
    return Change(path, CONFLICT, reason=REMOVED_HERE)


def _conflict(path: str, new: Rendered, disk: OnDisk, mode: int, known: Known, options: Options) -> Change:
    base, record = known.base.get(path), known.records.get(path)
    # the lock alone makes no file mlcc's: it may be forged, and the base is what a merge needs
    recorded = record is not None and record.owner == MANAGED
    foreign = NO_BASE if recorded else "exists, and mlcc did not write it"
    reason = "edited where the new file changes too" if base is not None else foreign
    if options.force:
        return Change(path, UPDATE, new.data, mode, _saved(path, known.observed), reason)
    if options.merge:
        merged = merge_texts(base or b"", disk.data, new.data)
        return Change(path, CONFLICT, merged.data, mode, reason=reason)
    return Change(path, CONFLICT, reason=reason)


def _restored(path: str, new: Rendered, disk: OnDisk | None, observed: Collection[str]) -> Change:
    if disk is None:
        return Change(path, CREATE, new.data, new.mode, reason="restored", owner=new.owner)
    if disk.data == new.data:
        if (disk.mode ^ new.mode) & EXECUTABLE:
            return Change(path, UPDATE, new.data, new.mode, reason="mode", owner=new.owner)
        return Change(path, UNCHANGED, owner=new.owner)
    return Change(path, UPDATE, new.data, new.mode, _saved(path, observed), "restored", new.owner)


def _saved(path: str, observed: Collection[str]) -> str:
    name, number = path + SAVED_SUFFIX, 1
    while name in observed:
        number += 1
        name = f"{path}{SAVED_SUFFIX}-{number}"
    return name


def _mode(new: Rendered, disk: OnDisk, record: Record | None) -> int:
    """The executable bits are a value of their own: the user's unless only mlcc changed them."""
    if record is None:
        return new.mode
    edited = (disk.mode ^ record.mode) & EXECUTABLE
    return (new.mode & ~EXECUTABLE) | (disk.mode & EXECUTABLE) if edited else new.mode


def _seed(path: str, new: Rendered, known: Known, options: Options) -> Change:
    disk, record = known.observed.get(path), known.records.get(path)
    if path in options.restore:
        return _restored(path, new, disk, known.observed)
    if disk is None and (record is None or record.owner != SEED):
        return Change(path, CREATE, new.data, new.mode, owner=SEED)
    if disk is None:
        return Change(path, KEEP, reason="deleted by you; --restore brings it back", owner=SEED)
    if disk.data == new.data:
        return Change(path, UNCHANGED, owner=SEED)
    untouched = record is not None and record.digest == digest(disk.data)
    reason = "as it was seeded from an older configuration" if untouched else "yours since it was seeded"
    return Change(path, KEEP, reason=reason, owner=SEED)


def _gone(path: str, known: Known) -> Change | None:
    """A file that the config no longer renders."""
    disk, base, record = known.observed.get(path), known.base.get(path), known.records.get(path)
    if disk is not None and record is not None and record.owner == SEED:
        return Change(path, KEEP, reason="seeded by an earlier configuration", owner=SEED)
    if disk is None or base is None:
        return None
    ours = (
        record is not None
        and record.owner == MANAGED
        and known.producible(path)
        and disk.data == base
        and record.digest == digest(base)
    )
    if ours:
        return Change(path, DELETE)
    return Change(path, KEEP, reason="no longer rendered, but edited or not recorded as mlcc's")


def _record(path: str, new: Rendered, changes: list[Change], known: Known) -> Record:
    change = next(c for c in changes if c.path == path)
    old = known.records.get(path)
    if new.owner == SEED:
        written = change.action in (CREATE, UPDATE) or old is None or old.owner != SEED
        return Record(SEED, new.mode, digest(new.data) if written or old is None else old.digest)
    disk = known.observed.get(path)
    after = change.data if change.writes else disk.data if disk is not None else None
    edited = REMOVED if after is None else "" if after == new.data else digest(after)
    return Record(MANAGED, new.mode, digest(new.data), edited)


def _notes(change: Change, new: Rendered | None, known: Known) -> list[Finding]:
    shown = printable(change.path, 200)
    if change.action == CONFLICT:
        return [_conflict_note(change, shown)]
    if change.action == KEEP and new is None:
        message = f"{change.reason}; it is yours now"
        return [Finding("MLCC202", Severity.WARNING, message, file=shown, hint="remove it if it is not needed")]
    found = [*_seed_notes(change, new, known, shown), *_mode_notes(change, new, known, shown)]
    return [*found, saved_note(change.path, change.saved)] if change.saved else found


def saved_note(path: str, copy: str) -> Finding:
    """Where the bytes are kept that stood in a file's place."""
    message = f"yours was saved as {printable(copy, 200)}"
    return Finding("MLCC204", Severity.NOTE, message, file=printable(path, 200))


def _conflict_note(change: Change, shown: str) -> Finding:
    if change.writes or change.reason == MARKED:
        what = change.reason if change.reason == MARKED else f"{change.reason}; conflict markers were written"
        hint = "edit the file, remove the markers, run mlcc apply again; --force takes mlcc's after saving yours"
        return Finding("MLCC201", Severity.ERROR, what, file=shown, hint=hint)
    hint = f"--merge writes both with markers, --force takes mlcc's after saving yours, --restore {shown} likewise"
    if change.reason == REMOVED_HERE:
        hint = f"--restore {shown} writes the new file, --force each such file; --merge has nothing to merge"
    elif change.reason == NO_BASE:
        hint = f"bring .mlcc/base back from Git, and commit it with the files; else {hint}"
    return Finding("MLCC201", Severity.ERROR, change.reason, file=shown, hint=hint)


def _seed_notes(change: Change, new: Rendered | None, known: Known, shown: str) -> list[Finding]:
    """A seeded file stays as it is when the configuration changes; whether it still fits, its owner must know."""
    record, disk = known.records.get(change.path), known.observed.get(change.path)
    if new is None or new.owner != SEED or change.action != KEEP or record is None or disk is None:
        return []
    if record.owner != SEED or record.digest == digest(new.data):
        return []
    if record.digest == digest(disk.data):
        message = "was seeded from an older configuration and may not fit the new one"
        return [Finding("MLCC203", Severity.WARNING, message, file=shown, hint=f"mlcc apply --restore {shown}")]
    message = "was seeded from an older configuration and is yours now"
    hint = f"--restore {shown} writes the new one after saving yours"
    return [Finding("MLCC203", Severity.NOTE, message, file=shown, hint=hint)]


def _mode_notes(change: Change, new: Rendered | None, known: Known, shown: str) -> list[Finding]:
    disk = known.observed.get(change.path)
    if new is None or disk is None or change.writes or not new.mode & EXECUTABLE & ~disk.mode & 0o100:
        return []
    hint = f"chmod +x {shown}, or mlcc apply --restore {shown}"
    return [Finding("MLCC220", Severity.WARNING, "is not executable any more", file=shown, hint=hint)]
