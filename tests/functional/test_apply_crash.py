"""mlcc apply that is killed, interrupted, short of disk or not alone: the old tree or the new one, and nothing lost."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mlcc import pipeline
from mlcc.cli.start import run
from mlcc.core.errors import UserError
from mlcc.io.disk import lock
from mlcc.io.disk.lock import locked
from mlcc.io.disk.reader import Directory
from mlcc.io.disk.writer import signals_wait
from tests import helpers
from tests.helpers import SMALLEST, Caller, assert_same, build_tree, read_tree
from tests.stress.faults import ended, start

HERE = Path()
JOURNAL = ".mlcc/txn/journal.json"
KILLED = 99
FIRST = SMALLEST + "environments: {prod: {ttl: 1h}}\n"
SECOND = SMALLEST.replace("http-fastapi", "http-flask") + "inference_components: [{name: chat}]\n"


def die() -> None:
    os._exit(KILLED)


def fill() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Disturbed(NamedTuple):
    """An apply in `folder`: at its call `number` of os.`function` it does `act` (die, fill, end)."""

    folder: Path
    function: str
    number: int
    act: Callable[[], None] = die

    def arrange(self) -> Callable[[], None]:
        """Changes that function in this process, for good."""
        real, calls = getattr(os, self.function), iter(range(self.number))

        def call(*arguments: Any, **options: Any) -> Any:
            cache = sys._getframe(1).f_globals["__name__"] == "mlcc.io.cache"
            if not cache and next(calls, None) is None:
                self.act()
            return real(*arguments, **options)

        setattr(os, self.function, call)
        return lambda: None


def disturb(*applies: Disturbed) -> tuple[list[int], str]:
    """Exit codes of the applies, each in a process of its own, and what they printed."""
    codes, output_text = [], ""
    for one in applies:
        file = one.folder.with_name(f"{one.folder.name}.printed")
        codes.append(ended(start(lambda: run(["apply", "-q"]), one.folder, file, one.arrange)))
        output_text += file.read_text()
    return codes, output_text


def disturbed_copies(origin: Path, function: str, numbers: Sequence[int]) -> tuple[list[Path], list[int]]:
    """Copies of a project, each killed at another call of os.`function`, and how each ended."""
    folders = [origin.with_name(f"{origin.name}-{function}-{n}") for n in numbers]
    for folder in folders:
        shutil.copytree(origin, folder)
    codes, _ = disturb(*(Disturbed(f, function, n) for f, n in zip(folders, numbers, strict=True)))
    return folders, codes


def give(folder: Path, text: str) -> Path:
    return build_tree(folder, {"mlcc.yaml": text})


def project_tree(folder: Path) -> dict[str, bytes]:
    """Every file but those of an unfinished apply."""
    return {p: d for p, d in read_tree(folder).items() if not p.startswith(".mlcc/txn/")}


@pytest.fixture
def applied(mlcc: Caller) -> Callable[[Path, str], dict[str, bytes]]:
    """Applies a text in a folder, undisturbed and without conflicts, and returns the whole tree."""

    def call(folder: Path, text: str) -> dict[str, bytes]:
        give(folder, text)
        mlcc("apply", "-q", str(folder / "mlcc.yaml"), code=0)
        return read_tree(folder)

    return call


@pytest.fixture
def project(tmp_path: Path, applied: Callable[[Path, str], dict[str, bytes]]) -> Path:
    """A project that was rendered from FIRST and now says SECOND."""
    helpers.applied(tmp_path / "project", FIRST)
    return give(tmp_path / "project", SECOND)


# ---------------------------------------------------------------- kills
@pytest.mark.parametrize(("function", "points"), [("rename", range(0, 60, 6)), ("fsync", range(1, 111, 18))])
def test_a_killed_apply_leaves_the_old_tree_or_is_finished_by_the_next(project, applied, function, points):
    old = read_tree(project)
    new = applied(Path(shutil.copytree(project, project.with_name("undisturbed"))), SECOND)
    folders, ended = disturbed_copies(project, function, points)
    assert set(ended) == {KILLED, 0}, "the last ones came to their end"
    assert ended == sorted(ended, reverse=True)
    for folder, code in zip(folders, ended, strict=True):
        found = project_tree(folder)
        if (folder / JOURNAL).exists():
            torn = {p for p, d in found.items() if d not in (old.get(p), new.get(p))}
            assert torn == set(), "each file is wholly the old one or wholly the new one"
        else:
            assert_same(old if code else new, found)
        assert_same(new, applied(folder, SECOND))
        assert not (folder / ".mlcc/txn").exists()


def test_the_journal_is_in_place_before_the_first_file_is_switched(project):
    old = read_tree(project)
    (before, after), ended = disturbed_copies(project, "rename", (0, 1))
    assert ended == [KILLED, KILLED]
    assert_same(old, project_tree(before))
    assert_same(old, project_tree(after))
    assert not (before / JOURNAL).exists()
    assert (after / JOURNAL).exists()


@pytest.mark.parametrize(("function", "points"), [("rename", range(4)), ("fsync", range(0, 8, 2))])
def test_an_apply_that_finishes_a_killed_one_may_be_killed_too(tmp_path, applied, function, points):
    """With an edit that was merged: then nothing but the staged files holds what was rendered."""
    texts = [SMALLEST + f"ttl: {n}h\n" for n in (1, 2, 3)]
    origin = tmp_path / "project"
    applied(origin, texts[0])
    config = origin / "do/config"
    config.write_text("# mine\n" + config.read_text())
    undisturbed = Path(shutil.copytree(origin, tmp_path / "undisturbed"))
    applied(undisturbed, texts[1])
    expected = applied(undisturbed, texts[2])
    assert expected["do/config"].startswith(b"# mine\n")
    give(origin, texts[1])
    codes, output_text = disturb(Disturbed(origin, "rename", 2))
    assert codes == [KILLED], output_text
    assert origin.joinpath("do/config").read_bytes() != origin.joinpath(".mlcc/base/do/config").read_bytes()
    give(origin, texts[2])
    folders, ended = disturbed_copies(origin, function, points)
    assert ended == [KILLED] * len(points)
    for folder in folders:
        assert_same(expected, applied(folder, texts[2]))


# ---------------------------------------------------------------- a full disk
def test_a_disk_that_is_full_before_the_commit_changes_nothing(project, applied):
    old = read_tree(project)
    codes, output_text = disturb(Disturbed(project, "rename", 0, fill))
    assert codes == [1]
    assert "MLCC208" in output_text
    assert "no space left on device; nothing was changed" in output_text
    assert_same(old, read_tree(project))
    assert not (project / ".mlcc/txn").exists()


def test_a_disk_that_is_full_after_the_commit_leaves_the_rest_to_the_next_apply(project, applied):
    new = applied(Path(shutil.copytree(project, project.with_name("undisturbed"))), SECOND)
    codes, output_text = disturb(Disturbed(project, "rename", 2, fill))
    assert codes == [1]
    assert "MLCC208" in output_text
    assert "run mlcc apply again to finish it" in output_text
    assert "nothing was changed" not in output_text
    assert (project / JOURNAL).exists()
    assert_same(new, applied(project, SECOND))


# ---------------------------------------------------------------- signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_wait_until_files_are_switched(number):
    seen: list[int] = []
    before = signal.signal(number, lambda received, frame: seen.append(received))
    try:
        with signals_wait():
            signal.pthread_kill(threading.get_ident(), number)  # another test may have left a thread
            assert seen == []
        assert seen == [number]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("point", [1, 3])
def test_an_apply_that_is_asked_to_end_while_it_switches_files_switches_all(project, applied, point):
    new = applied(Path(shutil.copytree(project, project.with_name("undisturbed"))), SECOND)
    codes, output_text = disturb(Disturbed(project, "rename", point, end))
    assert codes == [143], output_text
    assert_same(new, read_tree(project))
    assert not (project / ".mlcc/txn").exists()


# ---------------------------------------------------------------- what is left over
@pytest.mark.parametrize("left", ["stage-1/d0", "stage-2/b1", "journal.tmp"])
def test_what_a_killed_apply_left_is_swept_where_there_is_nothing_to_do(mlcc, left):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    mlcc("apply", code=0)
    before = read_tree(HERE)
    build_tree(HERE, {f".mlcc/txn/{left}": "left over"})
    assert "nothing to do" in mlcc("apply", code=0).stdout
    assert not (HERE / ".mlcc/txn").exists()
    assert_same(before, read_tree(HERE))


# ---------------------------------------------------------------- two at once
class Naps:
    """How long somebody slept, and who is to be called at the first time."""

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        self.taken: list[float] = []
        self.first = first

    def __call__(self, seconds: float) -> None:
        if not self.taken:
            self.first()
        self.taken.append(seconds)
        assert len(self.taken) < 1000, "waits for ever"


def test_the_second_of_two_applies_gives_up_after_a_time(tmp_path):
    first, second = Naps(), Naps()
    with Directory(str(tmp_path)) as one, Directory(str(tmp_path)) as two:
        with locked(one, first), pytest.raises(UserError) as raised, locked(two, second, wait_s=0.1):
            pass
        assert raised.value.findings[0].code == "MLCC207"
        assert not first.taken
        assert second.taken
        with locked(two, second, wait_s=0):
            pass


def test_an_apply_waits_until_another_has_let_go(mlcc):
    build_tree(HERE, {"mlcc.yaml": SMALLEST})
    project = pipeline.read("mlcc.yaml")
    with Directory(".") as other:

        def let_go() -> None:
            assert set(read_tree(HERE)) == {"mlcc.yaml"}, "nothing is written while another holds the folder"
            lock.release_lock(other.fd)

        naps = Naps(let_go)
        with locked(other, naps):
            _, written = pipeline.apply(project, sleep=naps)
    assert written
    assert naps.taken
    assert (HERE / "Dockerfile").exists()
