"""The only writer of a project.  Law: atomic, inside the target, nothing of the user's is lost.

Everything is staged and synced first; renaming the journal into place is the commit point; then each staged file is
renamed over its path, disk files before the base tree and the lock last; removing the journal ends it.  A kill before
the commit point leaves the old tree, a kill after it leaves files that are each wholly old or wholly new and a journal
that says which, and the next apply finishes the job.  No lock file: the kernel's lock on the target directory itself
goes when its holder goes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress

from mlcc.apply.state import OWN_FILES, STAGES, TXN_DIR, State, unfinished
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.records import NamedTuple
from mlcc.core.tree import BASE_DIR, LOCK_NAME, MAX_FILE_BYTES, OnDisk, digest
from mlcc.io.disk import writer
from mlcc.io.disk.reader import Directory, Refused
from mlcc.io.disk.writer import make_directories, remove_empty, remove_files, remove_flat, signals_wait, write_file
from mlcc.load.locate import FILE_NAMES
from mlcc.plan.changes import DELETE, SAVED_SUFFIX, Known, Plan
from mlcc.plan.journal import Journal, journal_of_plan
from mlcc.plan.notes import saved_note


def _failed(doing: str, problem: OSError | Refused, after_commit: bool = False) -> UserError:
    if isinstance(problem, Refused):
        why = problem.findings[0].message
    else:
        why = (problem.strerror or "input/output error").lower()
    if after_commit:
        later = "the change is recorded: run mlcc apply again to finish it"
        return UserError([error("MLCC208", f"could not {doing}: {why}", hint=later)])
    message = f"could not {doing}: {why}; nothing was changed"
    return UserError([error("MLCC208", message, hint="free the cause, run again")])


# ---------------------------------------------------------------- writing
class _Write(NamedTuple):
    """A staged file and where it goes.

    before: digest of what was read at its place, None where nothing was; own: a file of mlcc's own state, which nobody
    edits; copy: a copy beside a file, under a name that is free.
    """

    staged: str
    path: str
    data: bytes
    mode: int
    before: str | None = None
    own: bool = False
    copy: bool = False


class ChangedMeanwhile(Exception):
    """A file was saved or created while the new ones were staged: the plan no longer holds, and nothing was written."""


class Outcome(NamedTuple):
    """wrote: whether anything was written; findings: about files that were saved in the last moment, and where."""

    wrote: bool
    findings: tuple[Finding, ...] = ()


def execute_plan(target: Directory, plan: Plan, lock: bytes, state: State, known: Known) -> Outcome:
    """Carries a plan out.

    target: locked; plan: not blocked; lock: the bytes that mlcc.lock shall have; state: as read from the disk; known:
    what the plan was made from (its base may be a recovered one).  Raises ChangedMeanwhile where a file is not what it
    was when the plan was made, and UserError when the disk fails: before the commit point nothing is changed, after it
    the next apply finishes.
    """
    first, last, deletes = _work(target, plan, lock, state, known.observed)
    if not (first or last or deletes or state.journal is not None or state.findings):
        _sweep(target)
        return Outcome(False)
    changed = [*(w.path for w in (*first, *last)), *(path for path, _ in deletes)]
    closed = writer.unwritable(target, [*changed, f"{TXN_DIR}/stage"])
    if closed:
        refused = writer.not_writable(f"{target.path}/{closed}", "apply writes there; nothing was changed")
        raise UserError([refused])
    stage = "stage-2" if state.journal is not None and state.journal.stage == "stage-1" else "stage-1"
    with ExitStack() as undo:
        undo.callback(_abandon, target, stage)
        try:
            earlier = known.base.values() if state.journal is not None else ()
            _prepare(target, stage, (*first, *last), earlier)
        except OSError as problem:
            raise _failed("stage the new files", problem) from None
        _compare(target, (*first, *last), deletes)
        with signals_wait():
            undo.pop_all()
            _commit(target, stage, journal_of_plan(stage, plan, known, state.journal), first=state.journal is None)
            findings: list[Finding] = []
            try:
                findings += _replay(target, stage, first, last, deletes)
                _finish(target)
            except (OSError, Refused) as problem:
                # without its journal it is done, and what could not be tidied up the next apply sweeps
                if unfinished(target):
                    raise _failed("finish writing the new files", problem, after_commit=True) from None
    return Outcome(True, tuple(findings))


def _compare(target: Directory, writes: Iterable[_Write], deletes: Iterable[tuple[str, str]]) -> None:
    """Raises ChangedMeanwhile when a file that will be replaced is not what the plan was made from."""
    for path, before in (*((w.path, w.before) for w in writes if not w.copy), *deletes):
        if _digest_at(target, path) != before:
            raise ChangedMeanwhile(path)


def _digest_at(target: Directory, path: str) -> str | None:
    found = target.read(path, MAX_FILE_BYTES)
    return digest(found[0]) if found is not None else None


def _work(
    target: Directory, plan: Plan, lock: bytes, state: State, observed: Mapping[str, OnDisk]
) -> tuple[list[_Write], list[_Write], list[tuple[str, str]]]:
    """Files of the project, then files of the base and the lock, then deletions with the digest they must have."""
    first: list[_Write] = []
    for change in plan.changes:
        disk = observed.get(change.path)
        if change.saved and disk is not None:
            # a copy is for reading: it gets no set-user-ID bit
            first.append(_Write(f"d{len(first)}", change.saved, disk.data, disk.mode & 0o777, copy=True))
        if change.beside is not None:
            first.append(_Write(f"d{len(first)}", change.beside.path, change.beside.data, change.mode, copy=True))
        if change.data is not None:
            before = digest(disk.data) if disk is not None else None
            first.append(_Write(f"d{len(first)}", change.path, change.data, change.mode, before))
    own: dict[str, tuple[bytes, bytes | None]] = {
        f"{BASE_DIR}/{p}": (d, state.base.get(p)) for p, d in plan.base.items() if state.base.get(p) != d
    }
    own |= {path: (OWN_FILES[path][0], before) for path, before in state.stale.items()}
    if state.lock != lock:
        own[LOCK_NAME] = (lock, state.lock)
    last = [
        _Write(f"b{n}", path, data, 0o644, digest(before) if before is not None else None, own=True)
        for n, (path, (data, before)) in enumerate(own.items())
    ]
    deletes = [(c.path, digest(observed[c.path].data)) for c in plan.changes if c.action == DELETE]
    deletes += [(f"{BASE_DIR}/{p}", digest(d)) for p, d in state.base.items() if p not in plan.base]
    return first, last, deletes


def _prepare(target: Directory, stage: str, writes: Iterable[_Write], earlier: Iterable[bytes]) -> None:
    """Stages every file, and (`earlier`) the base bytes that an unfinished transaction's folder may hold alone."""
    remove_flat(target, f"{TXN_DIR}/{stage}")
    remove_files(target, TXN_DIR, ["journal.tmp"])
    fd = make_directories(target, f"{TXN_DIR}/{stage}")
    try:
        for write in writes:
            write_file(fd, write.staged, write.data, write.mode)
        for number, data in enumerate(earlier):
            write_file(fd, f"o{number}", data, 0o644)
        os.fsync(fd)
    finally:
        os.close(fd)


def _commit(target: Directory, stage: str, journal: Journal, first: bool) -> None:
    """Publishes the journal: the commit point.  Raises UserError when the disk fails.

    first: no earlier apply left a journal, which would be what else stands for a half-applied tree.
    """
    try:
        _publish_journal(target, journal, first)
    except OSError as problem:
        committed = unfinished(target)
        if not committed:
            _abandon(target, stage)
        raise _failed("stage the new files", problem, after_commit=committed) from None


def _publish_journal(target: Directory, journal: Journal, first: bool) -> None:
    fd = make_directories(target, TXN_DIR)
    try:
        write_file(fd, "journal.tmp", journal.dump(), 0o644)
        os.rename("journal.tmp", "journal.json", src_dir_fd=fd, dst_dir_fd=fd)
        try:
            os.fsync(fd)
        except OSError:
            if first:
                # whether it would be there after a power cut nobody knows: it is taken back
                os.unlink("journal.json", dir_fd=fd)
            raise
    finally:
        os.close(fd)


def _replay(
    target: Directory, stage: str, first: list[_Write], last: list[_Write], deletes: list[tuple[str, str]]
) -> list[Finding]:
    staging = make_directories(target, f"{TXN_DIR}/{stage}")
    try:
        project = [d for d in deletes if not d[0].startswith(".mlcc/")]
        findings = _publish(target, staging, first)
        _delete(target, project)
        _publish(target, staging, [w for w in last if w.path != LOCK_NAME])
        _delete(target, [d for d in deletes if d[0].startswith(".mlcc/")])
        _publish(target, staging, [w for w in last if w.path == LOCK_NAME])
        return findings
    finally:
        os.close(staging)


def _publish(target: Directory, staging: int, writes: Iterable[_Write]) -> list[Finding]:
    """Renames staged files into place; what somebody saved there since it was compared is kept beside it."""
    folders: dict[str, list[_Write]] = {}
    for write in writes:
        folders.setdefault(write.path.rpartition("/")[0], []).append(write)
    findings: list[Finding] = []
    for folder, inside in folders.items():
        parent = make_directories(target, folder)
        try:
            for write in inside:
                name = write.path.rpartition("/")[2]
                if write.copy:
                    _link_free(write.staged, staging, name, parent)
                    os.unlink(write.staged, dir_fd=staging)
                    continue
                if not write.own:
                    findings += _keep_late_edit(target, parent, write)
                os.rename(write.staged, name, src_dir_fd=staging, dst_dir_fd=parent)
            os.fsync(parent)
        finally:
            os.close(parent)
    return findings


def _keep_late_edit(target: Directory, parent: int, write: _Write) -> list[Finding]:
    """Copies what somebody saved at a file's place since it was compared, until what stands there has been copied."""
    findings, known = list[Finding](), {write.before, digest(write.data)}
    while (found := target.read(write.path, MAX_FILE_BYTES)) is not None and digest(found[0]) not in known:
        folder, _, name = write.path.rpartition("/")
        staged = f".{name}.mlcc-new"
        remove_files(target, folder, [staged])
        write_file(parent, staged, found[0], found[1] & 0o777)
        kept = _link_free(staged, parent, f"{name}{SAVED_SUFFIX}", parent)
        os.unlink(staged, dir_fd=parent)
        findings.append(saved_note(write.path, f"{folder}/{kept}" if folder else kept))
        known.add(digest(found[0]))
    return findings


_NUMBERED = re.compile(r"(.*\.mlcc-(?:saved|new))-([0-9]+)\Z", re.DOTALL)


def _link_free(source: str, source_folder: int, name: str, folder: int) -> str:
    """Gives a file a second name that nothing has: `name`, else with the next free number; the name that it got."""
    numbered = _NUMBERED.match(name)
    stem, tried = (numbered[1], int(numbered[2])) if numbered is not None else (name, 1)
    while True:
        try:
            os.link(source, name, src_dir_fd=source_folder, dst_dir_fd=folder, follow_symlinks=False)
            return name
        except FileExistsError:
            tried += 1
            name = f"{stem}-{tried}"


def _delete(target: Directory, deletes: Iterable[tuple[str, str]]) -> None:
    for path, expected in deletes:
        found = target.read(path, MAX_FILE_BYTES)
        if found is None or digest(found[0]) != expected:
            continue
        folder, _, name = path.rpartition("/")
        parent = make_directories(target, folder)
        try:
            os.unlink(name, dir_fd=parent)
            os.fsync(parent)
        finally:
            os.close(parent)
        remove_empty(target, folder)


def _finish(target: Directory) -> None:
    """Un-commits by one unlink, then clears the transaction's folder."""
    remove_files(target, TXN_DIR, ["journal.json"])
    _sweep(target)


def _sweep(target: Directory) -> None:
    """Removes what finished or killed transactions left, and a killed `set`."""
    for name in FILE_NAMES:
        with suppress(FileNotFoundError):
            os.unlink(f".{name}.mlcc-new", dir_fd=target.fd)
    if target.exists(TXN_DIR):
        for stage in STAGES:
            remove_flat(target, f"{TXN_DIR}/{stage}")
        remove_files(target, TXN_DIR, ["journal.tmp"])
        remove_empty(target, TXN_DIR)


def _abandon(target: Directory, stage: str) -> None:
    try:
        remove_flat(target, f"{TXN_DIR}/{stage}")
        remove_files(target, TXN_DIR, ["journal.tmp"])
        remove_empty(target, TXN_DIR)
    except (OSError, UserError):
        pass  # the next apply sweeps
