"""What in a project is not as it was committed: what `apply --locked` refuses.  Law: reads nothing.

Everything is derived anew from mlcc.yaml, for every environment, and compared with what the project holds: each file
with what is rendered or with the edit that mlcc.lock records, the lock with what would be written, the base with both.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.apply.prepare import Prepared
from mlcc.apply.state import JOURNAL, OWN_FILES
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import BASE_DIR, LOCK_NAME, MANAGED, OWNER_EXECUTES, REMOVED, STAYS_DELETED, OnDisk, Record
from mlcc.plan.changes import CONFLICT, DELETE, Change
from mlcc.plan.line_ends import to_lf
from mlcc.plan.lock_leaves import Leaf, leaf_differences

APPLY = "mlcc apply, and commit what it writes"


class Difference(NamedTuple):
    """One file that is not as it was committed.

    message: what is wrong, in words; hint: what to do; before, after: what stands there and what belongs there; edit:
    it is an edit that the lock does not record, of which they are what was rendered and what stands there; leaves: of
    mlcc.lock; reported: a finding of the plan names it; own: it is mlcc's own, and an apply brings all of that back.
    """

    path: str
    message: str
    before: bytes
    after: bytes
    hint: str = APPLY
    leaves: tuple[Leaf, ...] = ()
    reported: bool = False
    own: bool = False
    edit: bool = False


def differences(prepared: Prepared) -> list[Difference]:
    """All that is not as it was committed, in the order of paths; the lock and what is mlcc's own come last."""
    found = [one for change in prepared.plan.changes if (one := _file(change, prepared)) is not None]
    named = {one.path for one in found}
    found += (one for one in _base(prepared) if one.path.removeprefix(f"{BASE_DIR}/") not in named)
    if prepared.state.journal is not None:
        found.append(Difference(JOURNAL, "an apply was killed before it finished", b"", b"", "mlcc apply finishes it"))
    return [*found, *_lock(prepared)]


def _file(change: Change, prepared: Prepared) -> Difference | None:
    """A rendered file."""
    path, shown = change.path, printable(change.path, 200)
    disk = prepared.known.observed.get(path)
    held = disk.data if disk is not None else b""
    if change.action == CONFLICT:
        return Difference(path, change.reason, held, prepared.plan.base.get(path, b""), reported=True)
    if change.writes or change.action == DELETE:
        message = f"{shown} would change ({change.action})"
        if disk is not None and change.data == held:
            message = f"{shown} would change (mode {disk.mode & 0o777:04o} to {change.mode & 0o777:04o})"
        return Difference(path, message, held, change.data or b"")
    record = prepared.plan.records.get(path)
    if record is None or record.owner != MANAGED or prepared.state.lock is None:
        return None
    return _edit(path, record, prepared.known.records.get(path), disk, prepared)


def _edit(
    path: str, now: Record, recorded: Record | None, disk: OnDisk | None, prepared: Prepared
) -> Difference | None:
    """A managed file that its user has edited, removed, or made executable since the last apply."""
    shown = printable(path, 200)
    rendered, held = prepared.plan.base.get(path, b""), to_lf(disk.data) if disk is not None else b""
    before = recorded if recorded is not None else now._replace(edited="", executable=None)
    hint = f"mlcc apply records it (commit mlcc.lock then), mlcc apply --restore {shown} undoes it"
    if now.edited != before.edited:
        gone = (REMOVED, STAYS_DELETED)
        if now.edited in gone:
            message = f"{shown} was removed, and mlcc.lock does not record that"
        elif before.edited in gone:
            message = f"{shown} is there again, and mlcc.lock records that it was removed"
        elif not now.edited:
            message = f"{shown} is as it is rendered, and mlcc.lock records an edit"
        else:
            message = f"{shown} was edited, and mlcc.lock does not record {'this' if before.edited else 'an'} edit"
        return Difference(path, message, rendered, held, hint, edit=True)
    if now.executable != before.executable and disk is not None:
        able = bool(disk.mode & OWNER_EXECUTES)
        message = f"{shown} {'can' if able else 'cannot'} be executed (mode {disk.mode & 0o777:04o})"
        message += f", and mlcc.lock records that it {'cannot' if able else 'can'}"
        return Difference(path, message, b"", b"", hint, edit=True)
    return None


def _base(prepared: Prepared) -> Iterator[Difference]:
    """Files of mlcc's own state that an apply would write or remove, and those that it knows nothing of."""
    state, plan = prepared.state, prepared.plan
    for path in prepared.own_changes:
        shown, name = printable(path, 200), path.removeprefix(f"{BASE_DIR}/")
        held, wanted = state.base.get(name), plan.base.get(name)
        if path in state.stale:
            held, wanted = state.stale[path], OWN_FILES[path][0]
        what = "is missing" if held is None else "is not as mlcc apply writes it"
        what = what if wanted is not None else "is not rendered any more"
        yield Difference(path, f"{shown} {what}", held or b"", wanted or b"", own=True)
    for name in state.orphans:
        if f"{BASE_DIR}/{name}" not in prepared.own_changes and name not in plan.base:
            path = f"{BASE_DIR}/{name}"
            yield Difference(path, f"{printable(path, 200)} is none that mlcc has written", b"", b"", "remove it")


def _lock(prepared: Prepared) -> Iterator[Difference]:
    if prepared.lock_changes:
        old = prepared.state.lock
        leaves = tuple(leaf_differences(old or b"", prepared.lock))
        message = f"{LOCK_NAME} is {'missing' if old is None else 'not what mlcc.yaml resolves to'}"
        yield Difference(LOCK_NAME, message, old or b"", prepared.lock, APPLY, leaves)
