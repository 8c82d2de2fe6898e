"""The decisions about a project's files: what a plan holds, and what it is made from.  Law: data only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from mlcc.core.findings import Finding
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.tree import MANAGED, OnDisk, Record
from mlcc.plan.branches import Branches

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
SAVED_SUFFIX, NEW_SUFFIX = ".mlcc-saved", ".mlcc-new"


class Beside(NamedTuple):
    """Bytes that are written beside a file, under a name that is free."""

    path: str
    data: bytes


class Change(NamedTuple):
    """What happens to one file.

    action: one of ACTIONS; data and mode: what is written (None: the file stays as it is); saved: where the bytes that
    are replaced go first; reason: one sentence for people; beside: what is written beside the file.
    """

    path: str
    action: str
    data: bytes | None = None
    mode: int = 0o644
    saved: str = ""
    reason: str = ""
    owner: str = MANAGED
    beside: Beside | None = None

    @property
    def writes(self) -> bool:
        """True when something is written, to the file or beside it."""
        return self.data is not None or self.beside is not None


class Options(NamedTuple):
    """How conflicts are settled.

    merge: with markers; force: by the new file, after a copy was saved; restore: files to bring back, by path, folder
    or pattern; keep_deleted: files that stay deleted, by path.
    """

    merge: bool = False
    force: bool = False
    restore: Collection[StrPath] = ()
    keep_deleted: Collection[StrPath] = ()


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
    their path promises; branches: of a merge that Git left unfinished.
    """

    observed: Mapping[str, OnDisk]
    base: Mapping[str, bytes] = EMPTY
    records: Mapping[str, Record] = EMPTY
    producible: Callable[[str], bool] = lambda path: False
    acceptable: Callable[[str, bytes], bool] = lambda path, data: True
    branches: Branches | None = None
