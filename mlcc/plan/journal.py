"""What an unfinished apply was doing.  Law: it is evidence; no byte of it is ever written to the project.

A journal lists, for each path, the digests before and after, on disk and in the base tree.  After a crash it shows
which files had been switched already, so that files which mlcc itself wrote are not taken for a user's edits; the tree
is then brought to what the config renders *now* by an ordinary plan.  It comes from the checkout and may be forged:
it is read under caps, and only about paths that some layer can produce.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.json_data import read_json
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.tree import MANAGED, OnDisk, Record, digest
from mlcc.plan.changes import DELETE, Change, Known, Plan

MAX_BYTES = 4 * 1024 * 1024


class Entry(NamedTuple):
    """One path: digests on disk and in the base before and after; None: absent."""

    old: str | None
    new: str | None
    base_old: str | None
    base_new: str | None
    mode: int = 0o644


class Journal(NamedTuple):
    """stage: the folder below .mlcc/txn that holds the staged bytes; entries: by path."""

    stage: str
    entries: Mapping[str, Entry] = EMPTY

    def dump(self) -> bytes:
        """The journal's bytes."""
        entries = {p: [e.old, e.new, e.base_old, e.base_new, e.mode] for p, e in sorted(self.entries.items())}
        return json.dumps({"version": 1, "stage": self.stage, "entries": entries}, indent=0).encode()


def read_journal(data: bytes) -> Journal | None:
    """Reads a journal; None when it is not one (planted, torn, of another version)."""
    try:
        document = read_json(data)
        if document["version"] != 1 or document["stage"] not in ("stage-1", "stage-2"):
            return None
        entries = {str(p): _entry(e) for p, e in document["entries"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None
    return Journal(document["stage"], entries)


def _entry(fields: Any) -> Entry:
    *digests, mode = fields
    if len(digests) != 4 or not all(d is None or (isinstance(d, str) and len(d) == 71) for d in digests):
        raise ValueError("not a journal entry")
    old, new, base_old, base_new = digests
    return Entry(old, new, base_old, base_new, int(mode) & 0o777)


def journal_of_plan(stage: str, plan: Plan, known: Known, earlier: Journal | None) -> Journal:
    """The journal of a plan.  It takes over the entries of an unfinished one, which it replaces."""
    changes = {change.path: change for change in plan.changes}
    unfinished = {p: e for p, e in earlier.entries.items() if known.producible(p)} if earlier is not None else {}
    entries = {}
    for path in sorted({*changes, *unfinished}):
        entry = _change(path, changes.get(path), plan, known, unfinished.get(path))
        if path in unfinished or entry.old != entry.new or entry.base_old != entry.base_new:
            entries[path] = entry
    return Journal(stage, entries)


def _change(path: str, change: Change | None, plan: Plan, known: Known, unfinished: Entry | None) -> Entry:
    """One path before and after.  unfinished: its entry in the unfinished journal."""
    disk, base_old, base_new = known.observed.get(path), known.base.get(path), plan.base.get(path)
    old = new = digest(disk.data) if disk is not None else None
    mode = change.mode if change is not None else 0o644
    if change is not None and change.action == DELETE:
        new = None
    elif change is not None and change.data is not None:
        new = digest(change.data)
    elif unfinished is not None:
        mode = unfinished.mode
    return Entry(
        old,
        new,
        digest(base_old) if base_old is not None else None,
        digest(base_new) if base_new is not None else None,
        mode,
    )


class Recovered(NamedTuple):
    """The base tree and the lock's table of files as they must be understood after the crash."""

    base: Mapping[str, bytes]
    records: Mapping[str, Record]


def recover_state(
    journal: Journal,
    observed: Mapping[str, OnDisk],
    base: Mapping[str, bytes],
    records: Mapping[str, Record],
    staged: Mapping[str, bytes],
    producible: Callable[[str], bool],
) -> Recovered:
    """Reads a half-applied tree.

    observed, base, records: as they are on disk; staged: bytes of the transaction's folder by digest.
    """
    new_base, new_records = dict(base), dict(records)
    for path, entry in journal.entries.items():
        if not producible(path):
            continue
        disk = digest(observed[path].data) if path in observed else None
        if disk == entry.new and entry.new != entry.old:
            wanted = entry.base_new
        elif disk == entry.old:
            wanted = entry.base_old
        else:
            continue
        pool = [base.get(path), observed[path].data if path in observed else None]
        found = staged.get(wanted or "") or next((d for d in pool if d is not None and digest(d) == wanted), None)
        if wanted is None:
            new_base.pop(path, None)
        elif found is not None:
            new_base[path] = found
            before = records.get(path, Record(MANAGED, entry.mode, wanted))
            new_records[path] = before._replace(mode=entry.mode, digest=wanted)
    return Recovered(new_base, new_records)
