"""What a target holds of mlcc's own, and what stands where its files belong.  Law: reads only; all may be forged.

The base tree, the lock and the journal come from the checkout, as the files themselves do: links and worse in their
place are refused, and what cannot be believed is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, error
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.core.tree import BASE_DIR, LOCK_MAX_BYTES, LOCK_NAME, MAX_FILE_BYTES, MAX_TOTAL_BYTES, OnDisk, digest
from mlcc.io.disk.reader import DENIED, Directory, Refused
from mlcc.plan.journal import MAX_BYTES, Journal, read_journal

OWN_DIR = ".mlcc"
TXN_DIR = f"{OWN_DIR}/txn"
JOURNAL = f"{TXN_DIR}/journal.json"
STAGES = ("stage-1", "stage-2")
MAX_FILES = 10_000
# What mlcc keeps beside the base tree: Git ignores its state, never rewrites line ends of the base, shows the base in
# no diff and puts no conflict markers into it.  Each file's forms in earlier releases follow the present one.
OWN_FILES = {
    ".mlcc/.gitignore": (b"/run/\n/txn/\n",),
    ".mlcc/.gitattributes": (
        b"base/** -text -diff -merge linguist-generated\n",
        b"base/** -text linguist-generated\n",
    ),
}


class State(NamedTuple):
    """What the target holds of mlcc's own.

    base: the base tree; lock: bytes of mlcc.lock or None; journal: of an unfinished apply; staged: its bytes by
    digest; findings: about what could not be believed; orphans: paths of the base that no layer can render; stale:
    those of OWN_FILES that are missing (None) or have the form of an earlier release, which an apply writes.
    """

    base: Mapping[str, bytes]
    lock: bytes | None
    journal: Journal | None
    staged: Mapping[str, bytes]
    findings: tuple[Finding, ...] = ()
    orphans: tuple[str, ...] = ()
    stale: Mapping[str, bytes | None] = EMPTY


def read_state(target: Directory, producible: Callable[[str], bool]) -> State:
    """Reads base, lock and journal.  Raises Refused where a link or worse stands in their place."""
    base, orphans, total = {}, [], 0
    prefix = BASE_DIR + "/"
    with _own_place():
        recorded = [*target.walk(BASE_DIR, MAX_FILES)]
    for path in recorded:
        relative = path.removeprefix(prefix)
        if not producible(relative):
            orphans.append(relative)
        else:
            found = target.read(path, MAX_FILE_BYTES)
            if found is not None:
                base[relative] = found[0]
                total = _within(total + len(found[0]), BASE_DIR)
    lock = target.read(LOCK_NAME, LOCK_MAX_BYTES)
    journal = journal_of(target)
    _check_stages(target)
    findings = []
    if journal is None and target.exists(JOURNAL):
        message = f"{JOURNAL} is not a journal of this mlcc; it is ignored"
        findings.append(error("MLCC206", message, file=JOURNAL, hint="mlcc apply removes it"))
    staged = _staged(target, journal) if journal is not None else {}
    held = lock[0] if lock is not None else None
    return State(base, held, journal, staged, tuple(findings), tuple(orphans), dict(_stale(target)))


def _stale(target: Directory) -> Iterator[tuple[str, bytes | None]]:
    for path, (_, *earlier) in OWN_FILES.items():
        with _own_place():
            found = target.read(path, MAX_FILE_BYTES)
        if found is None or found[0] in earlier:
            yield path, found[0] if found is not None else None


def _within(total: int, where: str) -> int:
    """A number of bytes that were read; raises UserError when it is more than one project may hold."""
    if total > MAX_TOTAL_BYTES:
        message = f"more than {MAX_TOTAL_BYTES >> 20} MiB of files that mlcc writes"
        hint = "bring the files back from Git, or remove what mlcc did not write"
        raise UserError([error("MLCC226", message, file=where, hint=hint)])
    return total


def journal_of(target: Directory) -> Journal | None:
    """The journal of an apply that was killed; None where there is none, or none that can be believed.

    Raises UserError where a link or worse stands in the place of it or of its folder.
    """
    with _own_place():
        raw = target.read(JOURNAL, MAX_BYTES)
    return read_journal(raw[0]) if raw is not None else None


def _check_stages(target: Directory) -> None:
    """Raises UserError where no folder stands in the place of one that files are staged in."""
    if target.exists(TXN_DIR):
        with _own_place():
            for stage in STAGES:
                target.has_parent(f"{TXN_DIR}/{stage}/x")


@contextmanager
def _own_place() -> Iterator[None]:
    """What stands in the place of mlcc's own folders: a refusal says what to do with it."""
    try:
        yield
    except Refused as problem:
        raise UserError([f._replace(hint=_hint(f)) for f in problem.findings]) from None


def _hint(refused: Finding) -> str:
    """The transaction's folder is nobody's work; the base is committed."""
    if refused.message.endswith(DENIED):
        return refused.hint
    if TXN_DIR in refused.file:
        return f"remove it: only mlcc writes in {TXN_DIR}, and nothing of yours belongs there"
    if refused.file.endswith((OWN_DIR, BASE_DIR)):
        return "remove it, and bring the folder back from Git: only mlcc writes there"
    return refused.hint


def _staged(target: Directory, journal: Journal) -> dict[str, bytes]:
    found, total = {}, 0
    for path in target.walk(f"{TXN_DIR}/{journal.stage}", MAX_FILES):
        read = target.read(path, MAX_FILE_BYTES)
        if read is not None:
            found[digest(read[0])] = read[0]
            total = _within(total + len(read[0]), TXN_DIR)
    return found


def observe(target: Directory, paths: Iterable[str]) -> dict[str, OnDisk]:
    """Plain files among `paths`.  Raises UserError with all that is something else, or too large in total."""
    found, refused, total = {}, list[Finding](), 0
    for path in paths:
        try:
            read = target.read(path, MAX_FILE_BYTES)
        except Refused as problem:
            refused.extend(problem.findings)
            continue
        if read is not None:
            found[path] = OnDisk(read[0], read[1])
            total = _within(total + len(read[0]), printable(path, 200))
    if refused:
        # a link in a folder's place stands in the way of all that is below it, and is reported once
        raise UserError(dict.fromkeys(refused))
    return found


def unfinished(target: Directory) -> bool:
    """True when an apply was killed after its commit point and nobody finished it."""
    return target.exists(JOURNAL)
