"""The plan of an apply, from what the target holds.  Law: reads only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from mlcc.apply.branches import Found, read_branches
from mlcc.apply.notices import disputed_choices, records_missing, refused_values
from mlcc.apply.state import State, observe, read_state
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.tree import BASE_DIR, LOCK_MAX_BYTES, LOCK_NAME, MAX_FILE_BYTES, OnDisk, Tree, digest, is_binary
from mlcc.core.version import VERSION
from mlcc.io.disk.callers import StrPath, make_folder, texts
from mlcc.io.disk.lock import locked
from mlcc.io.disk.reader import Directory
from mlcc.plan import changes, journal
from mlcc.plan.branches import Branches
from mlcc.plan.changes import NEW_SUFFIX, SAVED_SUFFIX, Change, Known, Options, Plan
from mlcc.plan.decide import make_plan
from mlcc.plan.line_ends import has_crlf, to_crlf
from mlcc.plan.lock import Lock, lock_bytes, lock_differences, outdated_lock, read_lock, value_problems
from mlcc.plan.notes import Facts, findings_of
from mlcc.render.conf_lines import acceptable
from mlcc.render.layers import producible
from mlcc.resolve.choices import newer_choices
from mlcc.resolve.project import Project


class Prepared(NamedTuple):
    """A plan with all that apply needs to carry it out.

    lock: bytes that mlcc.lock shall have; before: the lock as it was; state and known: what the plan was made from;
    made_by_others: the lock was written with other registries, or by another version of mlcc, and its values can be
    resolved again to compare; causes: of files that are rendered otherwise than recorded, where it is not somebody's
    words alone (resolve/causes).
    """

    plan: Plan
    lock: bytes
    before: Lock
    state: State
    known: Known
    made_by_others: bool = False
    causes: Mapping[str, str] = EMPTY

    @property
    def lock_changes(self) -> bool:
        """True when mlcc.lock would get other bytes."""
        return self.state.lock != self.lock

    @property
    def own_changes(self) -> list[str]:
        """Files of the base, and of Git's beside it, that would come, change or go."""
        old, new = self.state.base, self.plan.base
        base = (f"{BASE_DIR}/{path}" for path in {*old, *new} if old.get(path) != new.get(path))
        return sorted([*base, *self.state.stale])

    @property
    def changes_own_only(self) -> bool:
        """True when nothing but these would change, as where they were not committed."""
        return bool(self.own_changes) and not self.lock_changes and not self.changes_files

    @property
    def all_changes(self) -> tuple[Change, ...]:
        """What happens to every file, mlcc.lock among them where it would get other bytes, in path order."""
        if not self.lock_changes:
            return self.plan.changes
        old = self.state.lock
        reason = lock_differences(self.before, old, self.lock) if old is not None else ""
        change = Change(LOCK_NAME, changes.CREATE if old is None else changes.UPDATE, self.lock, reason=reason)
        return tuple(sorted((*self.plan.changes, change), key=lambda c: c.path))

    @property
    def summary(self) -> dict[str, int]:
        """How many files have each action, mlcc.lock among them."""
        return changes.summary(self.all_changes)

    @property
    def changes_files(self) -> bool:
        """True when apply would write or delete a file of the project."""
        return any(c.writes or c.action == changes.DELETE for c in self.plan.changes)

    @property
    def blocked(self) -> bool:
        """True when a conflict forbids the change: apply refuses, writes nothing, and the plan's findings say why."""
        return self.plan.blocked

    @property
    def changes(self) -> bool:
        """True when apply would write anything."""
        return self.lock_changes or self.changes_files or bool(self.own_changes)


def prepare_plan(project: Project, desired: Tree, target: Directory, options: Options = Options()) -> Prepared:
    """Plans the change from what `target` holds to the desired tree.  Reads only."""
    options = options._replace(restore=normal(options.restore), keep_deleted=normal(options.keep_deleted))
    can_render = producible(project.registries, project.inputs.plugged.layers)
    state = read_state(target, can_render)
    first = {*desired, *state.base, *(state.journal.entries if state.journal is not None else ())}
    observed = observe(target, sorted(p for p in first if p in desired or can_render(p)))
    branches = read_branches(target, Found(state.lock, state.base, observed), project.inputs.environ)
    before = _lock_of(state, branches)
    state, orphans = _without_orphans(target, state, before)
    observed |= observe(target, sorted(p for p in before.files if p not in first and can_render(p)))
    observed |= _copies(target, observed, options)
    known = Known(observed, state.base, before.files, can_render, acceptable, branches)
    if state.journal is not None:
        found = journal.recover_state(state.journal, observed, state.base, before.files, state.staged, can_render)
        known = known._replace(base=found.base, records=found.records)
    plan = make_plan(desired, known, options)
    newer = newer_choices(resolved.choices for resolved in project.every)
    missing = () if branches is not None else records_missing(state, before, plan)
    notices = (*missing, *disputed_choices(branches), *refused_values(plan, desired, observed), *newer)
    plan = plan._replace(findings=(*plan.findings, *orphans, *outdated_lock(before), *notices))
    lock = lock_bytes(project.default, project.environments, project.registries.digests(), plan.records)
    if len(lock) > LOCK_MAX_BYTES:
        message = f"the resolved values take {len(lock):,} bytes, more than mlcc.lock may hold"
        raise UserError([error("MLCC210", message, hint="shorten values, or move long ones into files of code/")])
    if state.lock is not None and has_crlf(state.lock):
        lock = to_crlf(lock)
    others = before.version != VERSION or before.registries != project.registries.digests()
    return Prepared(plan, lock, before, state, known, others and _can_be_compared(before))


def _can_be_compared(lock: Lock) -> bool:
    """True where a lock has values, and mlcc.yaml's schema allows them: it may have been forged."""
    every = (lock.environment(name) for name in (None, *lock.environments))
    return bool(lock.values) and not any(map(value_problems, every))


def _without_orphans(target: Directory, state: State, before: Lock) -> tuple[State, list[Finding]]:
    """Takes into the base what an earlier mlcc put there and no layer can render now, so that it leaves the base.

    Only what the lock records with the same digest; the files themselves stay, with a finding, and are not opened.
    """
    base, findings = dict(state.base), list[Finding]()
    for path in state.orphans:
        found = target.read(f"{BASE_DIR}/{path}", MAX_FILE_BYTES) if path in before.files else None
        if found is not None and digest(found[0]) == before.files[path].digest:
            base[path] = found[0]
            if target.exists(path):
                findings += findings_of(Facts(path, "no layer of this mlcc renders it any more", not_rendered=True))
    return state._replace(base=base), findings


def _lock_of(state: State, branches: Branches | None) -> Lock:
    """The lock of the last apply, or of both sides of an unfinished merge."""
    if branches is not None:
        return branches.lock
    return read_lock(state.lock) if state.lock is not None else Lock()


def normal(paths: StrPath | Iterable[StrPath]) -> tuple[str, ...]:
    """Paths relative to the target as they stand in the table of files: without `./` and a `/` at the end.

    Raises UsageError for an empty one: it would name the whole project.
    """
    words = texts(paths)
    if "" in words:
        raise UsageError([error("MLCC901", "an empty path names no file")])
    return tuple(map(os.path.normpath, words))


def _copies(target: Directory, observed: Mapping[str, OnDisk], options: Options) -> dict[str, OnDisk]:
    """Copies that earlier applies wrote beside the files: their names are taken.

    Without an option that writes copies only new versions of binary files matter: their conflict stands.
    """
    if not (options.force or options.restore or options.merge):
        new = (path + NEW_SUFFIX for path, disk in observed.items() if is_binary(disk.data))
        return {name: OnDisk(b"") for name in new if target.exists(name)}
    suffixes = (SAVED_SUFFIX, NEW_SUFFIX)
    folders = {path.rpartition("/")[0] for path in observed}
    beside = {name for folder in folders for name in target.names(folder) if any(s in name for s in suffixes)}
    starts = tuple(path + suffix for path in observed for suffix in suffixes)
    return {name: OnDisk(b"") for name in beside if name.startswith(starts)}


@contextmanager
def held_target(path: str, sleep: Callable[[float], None], make: bool = True) -> Iterator[Directory]:
    """The target directory, made if absent, open and held for one apply at a time."""
    if make:
        make_folder(path)
    with Directory(path, follow=False) as target, locked(target, sleep):
        yield target
