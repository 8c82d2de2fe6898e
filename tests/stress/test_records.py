"""G29 (docs/guarantees.md): the deployment registry loses nothing, and a million records are found at once.

Writers are killed at calls that change the disk: with the full figures real commands, by strace; else children that
are killed at any moment between two records.
"""

from __future__ import annotations

import collections
import os
import random
import re
import shutil
import signal
import sqlite3
import stat
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlcc.lifecycle.deployments.store import FILE, FOLDER, Store
from tests.stress.faults import FULL, figure
from tests.stress.measured import measured

PROGRAM = str(Path(sys.executable).with_name("mlcc"))
NOTES = "x" * 6000
NAMED = ("--project", "iris", "--deployment-config", "http-fastapi")
# System calls by which a database changes the disk.
CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "mkdir", "unlink", "fchmod", "fallocate")


def record(name: str, at: float = 1.0, **fields: str) -> dict[str, Any]:
    return {"id": name, "at": at, "status": "success", "notes": NOTES, **fields}


def checked(home: Path, kept: list[str], killed: list[str]) -> str:
    """What is in the registry against what was acknowledged: nothing is lost, doubled or torn, and all of it private."""
    found = list(Store(str(home), time.sleep).find({}, limit=0))
    counts = collections.Counter(one.id for one in found)
    assert [name for name in kept if counts[name] != 1] == []
    assert counts.keys() <= {*kept, *killed}
    assert all(one.document["notes"] == NOTES for one in found)
    with sqlite3.connect(home / FOLDER / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert not [path for path in (home / FOLDER).rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    return f"{len(kept)} acknowledged, {len(killed)} killed, {len(found) - len(kept)} of those are there"


# ---------------------------------------------------------------- killed writers
def test_children_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(1)
    kept: list[str] = []
    killed: list[str] = []
    running = []
    for writer in range(figure(40, 8)):
        reader, report = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _write_until_killed(tmp_path, writer, report)
        os.close(report)
        running.append((pid, reader))
    time.sleep(0.3)
    for number, (pid, reader) in enumerate(running):
        time.sleep(chance.random() / 20)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        with open(reader, encoding="ascii") as stream:
            done = stream.read().split()
        kept += done
        killed.append(f"{number}-{len(done)}")
    assert kept
    print("\n" + checked(tmp_path, kept, killed))


def _write_until_killed(home: Path, writer: int, report: int) -> None:
    """A child: records without end, each acknowledged on a pipe."""
    try:
        store = Store(str(home), time.sleep)
        for number in range(10_000):
            store.add([record(f"{writer}-{number}")])
            os.write(report, f"{writer}-{number}\n".encode())
    finally:
        os._exit(1)


# ---------------------------------------------------------------- killed commands
WRITERS, EACH, KILLED = 200, 5, 0.3
PATHS = re.compile(r"O_(WRONLY|RDWR|CREAT)")


def log(name: str, home: Path, *before: str) -> tuple[int, str]:
    """Runs `mlcc registry log` in a home of its own; its exit code (negative: the signal) and what it printed as talk."""
    environ = {"PATH": os.environ["PATH"], "MLCC_HOME": str(home), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    argv = [*before, PROGRAM, "registry", "log", "--id", name, "--notes", NOTES, *NAMED]
    done = subprocess.run(argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return (128 - done.returncode if done.returncode > 128 else done.returncode), done.stderr.decode()


def points(strace: str, place: Path) -> list[tuple[str, int]]:
    """The calls that change files of the registry, each as its name and its number among the calls of that name."""
    trace = place / "trace"
    before = (strace, "-f", "-qq", "-y", "-e", f"trace={','.join(CALLS)}", "-o", str(trace))
    assert log("probe", place / "probe", *before) == (0, "")
    counts: collections.Counter[str] = collections.Counter()
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        called = re.match(r"\d+ +(\w+)\(", line)
        if called is None:
            continue
        counts[called[1]] += 1
        if str(place / "probe") in line and (called[1] != "openat" or PATHS.search(line)):
            found.append((called[1], counts[called[1]]))
    return found


if FULL:

    def test_commands_that_are_killed_lose_nothing(tmp_path: Path) -> None:
        """200 writers at a time, five records each; three in ten are killed at a call that changes the disk."""
        strace = shutil.which("strace")
        assert strace, "strace is needed: apt-get install strace"
        every, home, chance = points(strace, tmp_path), tmp_path / "home", random.Random(1)
        assert len(every) > 10
        plan = [
            (f"{writer}-{number}", chance.choice(every) if chance.random() < KILLED else None)
            for writer in range(WRITERS)
            for number in range(EACH)
        ]

        def write(task: tuple[str, tuple[str, int] | None]) -> tuple[int, str]:
            name, point = task
            if point is None:
                return log(name, home)
            inject = f"inject={point[0]}:signal=KILL:when={point[1]}"
            return log(name, home, strace, "-f", "-qq", "-o", os.devnull, "-e", "signal=none", "-e", inject)

        with ThreadPoolExecutor(WRITERS) as pool:
            codes = list(pool.map(write, plan))
        kept = [name for (name, _), (code, _) in zip(plan, codes, strict=True) if code == 0]
        killed = [
            name for (name, point), (code, _) in zip(plan, codes, strict=True) if point and code == -signal.SIGKILL
        ]
        assert [one for one in codes if one[0] not in (0, -signal.SIGKILL)] == [], "nobody is refused"
        assert len(kept) + len(killed) == len(plan)
        assert killed
        print("\n" + checked(home, kept, killed))


# ---------------------------------------------------------------- a million records
MOST_S = 0.05
CONFIGS = ("transformers-vllm", "http-flask", "triton-onnxruntime", "diffusors-comfyui")
REGIONS = ("us-east-1", "eu-west-1")


def one_of_many(number: int) -> dict[str, Any]:
    """A record as do/register makes one, a kilobyte long; one of a thousand has failed, all of them in one region."""
    failed = number % 1000 == 0
    return {
        "id": f"r-{number:07d}",
        "at": 1.7e9 + number,
        "status": "failed" if failed else "success",
        "deploymentConfig": CONFIGS[number % len(CONFIGS)],
        "modelName": f"org/model-{number % 500}",
        "instanceType": f"ml.g5.{1 + number % 3}xlarge",
        "region": REGIONS[0] if failed else REGIONS[number // 2 % 2],
        "projectName": f"project-{number % 300}",
        "notes": "n" * 700,
    }


QUERIES: dict[str, dict[str, Any]] = {
    "the newest": {"filters": {}},
    "a deployment config": {"filters": {"deployment_config": CONFIGS[1]}},
    "a status that is rare": {"filters": {"status": "failed"}},
    "nothing of that name": {"filters": {"model": "org/none"}},
    "a status in a region that never had it": {"filters": {"region": REGIONS[1], "status": "failed"}},
    "a model in a region": {"filters": {"model": "org/model-7", "region": REGIONS[1]}},
    "a project since a time": {"filters": {"project": "project-7"}, "since": 1.7e9 + 100},
    "nothing so new": {"filters": {}, "since": 1.9e9},
    "a region since a time that is to come": {"filters": {"region": REGIONS[0]}, "since": 1.9e9},
}


def test_many_records_are_found_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process each query under 50 ms; with the full figures also the command beyond its own start."""
    many = figure(1_000_000, 2_000)
    store = Store(str(tmp_path / "many"), time.sleep)
    for start in range(0, many, 50_000):
        store.add(map(one_of_many, range(start, min(start + 50_000, many))))
    print(f"\n{many:,} records, {os.path.getsize(tmp_path / 'many' / FOLDER / FILE) >> 20} MiB")
    for words, query in QUERIES.items():
        took = []
        for _ in range(5):
            started = time.perf_counter()
            list(store.find(**query))
            took.append(time.perf_counter() - started)
        print(f"  {words}: {statistics.median(took) * 1000:.1f} ms")
        assert statistics.median(took) < MOST_S, words
    if FULL:
        (tmp_path / "few").mkdir()
        costs = []
        for name in ("few", "many"):
            monkeypatch.setenv("MLCC_HOME", str(tmp_path / name))
            costs.append(_listed(tmp_path / name))
        empty, full = costs
        print(f"  mlcc registry list --deployment-config: {(full - empty) * 1000:.0f} ms beyond {empty * 1000:.0f} ms")
        assert full - empty < MOST_S


def _listed(home: Path) -> float:
    """Seconds of processor time that a list takes, the median of nine runs."""
    took = []
    for _ in range(9):
        cost = measured(home, "registry", "list", "--deployment-config", CONFIGS[1], "-o", "json")
        assert cost.code == 0
        took.append(cost.cpu_s)
    return statistics.median(took)
