"""G3 (docs/guarantees.md): files and folders are synced in an order that survives a power cut.

Files are synced before the rename that publishes them, the folder of staged files before the journal is renamed into
place, and every folder that the apply changed before the journal is taken away.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stress.faults import FULL, copied, mlcc, watched
from tests.stress.test_kill import TRANSITIONS, staged

JOURNAL = "/.mlcc/txn/journal.json"


class Order:
    """Replaces functions of os in a child, and notes what came before it was synced."""

    def __init__(self, notes: list[str]) -> None:
        self.notes, self.files, self.folders = notes, set[str](), set[str]()
        self.real = {n: getattr(os, n) for n in ("open", "write", "fsync", "rename", "mkdir", "unlink")}
        for name in self.real:
            setattr(os, name, getattr(self, name))

    @staticmethod
    def _of(fd: int) -> str:
        return os.readlink(f"/proc/self/fd/{fd}")

    def _full(self, name: Any, fd: int | None) -> str:
        return os.path.normpath(os.path.join(self._of(fd) if fd is not None else os.getcwd(), os.fspath(name)))

    def _changed(self, path: str) -> None:
        self.folders.add(os.path.dirname(path))

    def open(self, name: Any, flags: int, *rest: Any, **options: Any) -> int:
        fd: int = self.real["open"](name, flags, *rest, **options)
        if flags & os.O_CREAT:
            self.files.add(self._of(fd))
            self._changed(self._of(fd))
        return fd

    def write(self, fd: int, data: bytes) -> int:
        if os.path.exists(self._of(fd)):
            self.files.add(self._of(fd))
        return self.real["write"](fd, data)  # type: ignore[no-any-return]

    def fsync(self, fd: int) -> None:
        self.files.discard(self._of(fd))
        self.folders.discard(self._of(fd))
        self.real["fsync"](fd)

    def mkdir(self, name: Any, *rest: Any, dir_fd: int | None = None) -> None:
        self.real["mkdir"](name, *rest, dir_fd=dir_fd)
        self._changed(self._full(name, dir_fd))

    def rename(self, old: Any, new: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        source, target = self._full(old, src_dir_fd), self._full(new, dst_dir_fd)
        if source in self.files:
            self.notes.append(f"{source} was renamed before it was synced")
        if target.endswith(JOURNAL):
            self._settled("the journal was published", target)
        self.real["rename"](old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        self.notes.append(f"renamed {target}")
        self._changed(target)

    def unlink(self, name: Any, *, dir_fd: int | None = None) -> None:
        path = self._full(name, dir_fd)
        if path.endswith(JOURNAL):
            self._settled("the journal was removed", path)
        self.real["unlink"](name, dir_fd=dir_fd)
        self._changed(path)

    def _settled(self, what: str, journal: str) -> None:
        """Every folder of the target but the journal's own must be synced (staging is below the journal's)."""
        top = journal.removesuffix(JOURNAL)
        for folder in sorted(self.folders):
            if folder.startswith(top) and folder != os.path.dirname(journal) and os.path.isdir(folder):
                # what files were moved out of needs no promise: it is swept
                if what.endswith("removed") and "/.mlcc/txn/stage-" in folder:
                    continue
                self.notes.append(f"{what} before {folder} was synced")


@pytest.mark.parametrize("name", TRANSITIONS if FULL else ["many", "fewer"])
def test_everything_is_synced_before_it_counts(tmp_path: Path, name: str) -> None:
    stage = staged(tmp_path / name, name)
    watch: Callable[[list[str]], Any] = Order
    hurt = copied(stage.old, stage.folder / "hurt")
    outcome, notes = watched(mlcc("apply", "-q", "-f", "../new.yaml", "-C", "."), hurt, watch)
    assert outcome.code == 0, outcome.output_text
    renamed = [n for n in notes if n.startswith("renamed ")]
    assert len(renamed) > 3, "it was watched at all"
    assert [n for n in notes if n not in renamed] == []
    print(f"\n{name}: {len(renamed)} renames, each after its file and folder were synced")
