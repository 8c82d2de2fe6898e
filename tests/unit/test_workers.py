"""Work in several processes: results in order, and whatever is raised is raised where it belongs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc.core.errors import MlccError, PreconditionError, UsageError, UserError
from mlcc.core.findings import Finding, error
from mlcc.io.workers import WorkerFailed, cores, spread

PIECES = [str(number) for number in range(23)]


def squared(piece: str) -> dict[str, Any]:
    return {"value": int(piece) ** 2, "text": f"ü\udcff\n{piece}"}


@pytest.mark.parametrize("jobs", [1, 2, 3, 22, 100])
def test_results_are_in_order(jobs: int) -> None:
    assert list(spread(squared, PIECES, jobs)) == [squared(piece) for piece in PIECES]


@pytest.mark.parametrize("pieces", [[], ["1"], ["1", "2"]])
def test_little_work(pieces: list[str]) -> None:
    assert list(spread(squared, pieces, 8)) == [squared(piece) for piece in pieces]


def test_other_processes_do_it() -> None:
    pids = list(spread(lambda _: os.getpid(), PIECES, 3))
    assert pids[0] == os.getpid()
    assert len({*pids[1:]}) == 3
    assert os.getpid() not in pids[1:]


def test_more_than_a_pipe_holds() -> None:
    found = list(spread(lambda piece: piece * 300_000, PIECES[:6], 2))
    assert found == [piece * 300_000 for piece in PIECES[:6]]


@pytest.mark.parametrize("kind", [UserError, UsageError, PreconditionError])
def test_what_mlcc_raises_arrives_whole(kind: type[MlccError]) -> None:
    finding = error("MLCC001", "no", file="a", hint="b")

    def work(piece: str) -> int:
        if piece == "5":
            raise kind([finding])
        return int(piece)

    with pytest.raises(kind) as raised:
        list(spread(work, PIECES, 2))
    assert raised.value.findings == (finding,)
    assert isinstance(raised.value.findings[0], Finding)


def test_results_before_a_mistake_are_seen() -> None:
    def work(piece: str) -> int:
        if piece == "5":
            raise UserError([error("MLCC001", "no")])
        return int(piece)

    results = spread(work, PIECES, 3)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(UserError):
        next(results)


def test_the_system_s_refusal_arrives_whole(tmp_path: Path) -> None:
    def work(piece: str) -> int:
        (tmp_path / piece / "x").write_text("")
        return 0

    (tmp_path / "0").mkdir()
    with pytest.raises(FileNotFoundError) as raised:
        list(spread(work, PIECES, 2))
    assert raised.value.filename == str(tmp_path / "1/x")


def test_a_bug_arrives_with_its_place() -> None:
    def broken(piece: str) -> float:
        return 1 / (int(piece) - 3)

    with pytest.raises(WorkerFailed, match=r"(?s)in broken.*ZeroDivisionError"):
        list(spread(broken, PIECES, 2))


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    own = os.getpid()

    def work(piece: str) -> int:
        if piece == "4" and os.getpid() != own:
            os.kill(os.getpid(), signal.SIGKILL)
        return int(piece)

    with pytest.raises(UserError) as raised:
        list(spread(work, PIECES, 2))
    assert raised.value.findings[0].code == "MLCC240"


def test_who_stops_reading_ends_the_workers() -> None:
    results = spread(lambda _: [os.getpid(), "x" * 300_000], PIECES, 4)
    pids = [next(results)[0] for _ in range(3)]
    results.close()
    for pid in pids[1:]:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_nothing_is_flushed_twice(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("once")
    list(spread(squared, PIECES, 3))
    sys.stdout.write("\n")
    sys.stdout.flush()
    assert capfd.readouterr().out == "once\n"


def test_there_are_cores() -> None:
    assert cores() >= 1
