"""G5 and G9 (docs/guarantees.md): many applies at once, and a folder that becomes a link while they run.

Applies take turns on the kernel's lock of the target folder; whoever is killed lets go at once.  No path is looked up
twice: each part is opened from the part before, so a folder that is swapped for a link leads nowhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.stress.faults import Fault, copied, ended, figure, mlcc, run, start, tree
from tests.stress.test_kill import TXN, Stage, staged


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A transition by which files come and go."""
    return staged(tmp_path_factory.mktemp("race") / "backend", "backend")


def test_applies_take_turns(stage: Stage) -> None:
    target = copied(stage.old, stage.folder / "crowd")
    count = figure(50, 6)
    pids = [
        start(
            mlcc("apply", "-q", "-f", f"../{'new' if n % 2 else 'old'}.yaml", "-C", "."),
            target,
            stage.folder / f"crowd{n}.printed",
        )
        for n in range(count)
    ]
    codes = [ended(pid) for pid in pids]
    output_text = [(stage.folder / f"crowd{n}.printed").read_text() for n in range(count)]
    assert not [s for s in output_text if "Traceback" in s]
    for code, text in zip(codes, output_text, strict=True):
        assert code == 0 or (code == 1 and "MLCC207" in text), text
    for which, wanted in (("old", stage.old), ("new", stage.new)):
        assert run(mlcc("apply", "-q", "-f", f"../{which}.yaml", "-C", "."), target).code == 0
        if which == "new":
            assert tree(target) == tree(wanted)
    print(f"\n{count} applies at once: {codes.count(0)} done, {codes.count(1)} busy, the tree is whole")


def test_the_dead_hold_nothing_up(stage: Stage) -> None:
    count, slowest = figure(20, 2), 0.0
    for number in range(count):
        target = copied(stage.old, stage.folder / "dead")
        point = number * stage.calls // count
        assert run(mlcc("apply", "-q", "-f", "../new.yaml", "-C", "."), target, Fault(point)).code == -9
        slept: list[float] = []

        def action() -> int:
            from mlcc.io.disk import lock
            from mlcc.io.disk.reader import Directory

            with Directory(".") as folder:
                return 0 if lock.acquire_lock(folder.fd, slept.append, 0.0) else 1  # noqa: B023

        assert run(action, target).code == 0, "a killed apply still holds the folder"
        began = time.monotonic()
        assert run(mlcc("apply", "-q", "-f", "../new.yaml", "-C", "."), target).code == 0
        slowest = max(slowest, time.monotonic() - began)
        assert tree(target, without=TXN) == tree(stage.new, without=TXN)
    print(f"\n{count} holders killed: the next apply waits 0 s (slowest whole apply {slowest:.2f} s)")


def _swap(target: Path, outside: Path, names: list[str]) -> None:
    """For ever: each folder becomes a link to a folder outside, and comes back."""
    while True:
        for name in names:
            place, aside, link = target / name, target / f".aside-{name}", target / f".link-{name}"
            try:
                if not link.is_symlink():
                    link.symlink_to(outside)
                place.rename(aside)
                link.rename(place)
                place.unlink()
                aside.rename(place)
            except OSError:
                if aside.exists() and not place.exists():
                    aside.rename(place)


def test_nothing_escapes_through_a_folder_that_becomes_a_link(stage: Stage) -> None:
    outside = stage.folder / "outside"
    outside.mkdir()
    for name in ("config", "build", "app.py", "serve", "nginx.conf"):
        (outside / name).write_text("a stranger's\n")
    before = tree(outside)
    count, codes = figure(300, 8), list[int]()
    target = copied(stage.old, stage.folder / "swapped")
    swapper = os.fork()
    if swapper == 0:
        try:
            _swap(target, outside, ["do", "code", "tests"])
        finally:
            os._exit(1)
    try:
        for number in range(count):
            which = "new" if number % 2 == 0 else "old"
            outcome = run(mlcc("apply", "-q", "--force", "-f", f"../{which}.yaml", "-C", "."), target)
            assert "Traceback" not in outcome.output_text, outcome.output_text
            assert tree(outside) == before, outcome.output_text
            codes.append(outcome.code)
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)
    assert set(codes) <= {0, 1}
    assert tree(outside) == before
    shutil.rmtree(target)
    print(f"\n{count} applies while folders were swapped for links: 0 escapes ({codes.count(1)} refused)")
