"""G44 (docs/guarantees.md): the target local ends only its own servers, whatever the records in .mlcc/run hold."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcc.lifecycle.targets import local_process
from tests.helpers import build_tree
from tests.stress.faults import figure, mlcc, run

CONFIG = "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask, target: local}\n"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def strangers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of others: one without a token, one with an empty one, one with a short one, one in its own session."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(3600)"]
    tokens: list[dict[str, str]] = [
        {},
        {local_process.TOKEN: ""},
        {local_process.TOKEN: "short"},
        {local_process.TOKEN: "another" * 5},
    ]
    made = [subprocess.Popen(sleeper, env={**os.environ, **t}, start_new_session=n > 1) for n, t in enumerate(tokens)]
    yield made
    for stranger in made:
        stranger.kill()
        stranger.wait()


def planted(strangers: list[subprocess.Popen[bytes]], chance: random.Random) -> dict[str, Any]:
    """A record that somebody wrote to have another process ended."""
    pid: Any = chance.choice([*(s.pid for s in strangers), os.getpid(), os.getppid(), 1, 0, -1, -strangers[0].pid])
    start = local_process.start_time(pid) if pid > 0 else 0
    record = {
        "kind": chance.choice(["process", "process", "process", "container", "x", None]),
        "pid": chance.choice([pid, pid, pid, pid, str(pid), float(pid), [pid], None, 2**40, True]),
        "start": chance.choice([start, start, start, (start or 0) + 1, 0, str(start), None]),
        "token": chance.choice(["", "short", "x" * 16, TOKEN, "another" * 4, None, 7, ["another" * 5], "*", "\0" * 16]),
        "port": chance.choice([1, 8080, 0, -1, 70000, "8080", None]),
        "container": chance.choice(["", "x", "-rf", "--help", None, 3]),
        "name": chance.choice(["x", None]),
    }
    return {k: v for k, v in record.items() if chance.random() < 0.9}


def test_no_stranger_is_signalled(tmp_path: Path, strangers: list[subprocess.Popen[bytes]]) -> None:
    project = build_tree(tmp_path / "iris", {"mlcc.yaml": CONFIG})
    assert run(mlcc("apply", "-q"), project).code == 0
    chance = random.Random("planted")
    count = figure(200, 10)
    for number in range(count):
        records = {
            f".mlcc/run/{name}": json.dumps(planted(strangers, chance))
            for name in chance.sample(["server.json", "run-1.json", "run-x.json", "build.json"], chance.randrange(1, 4))
        }
        build_tree(project, records)
        step = chance.choice([["clean"], ["status"], ["logs"], ["status", "-o", "json"], ["manifest"]])
        for argv in (step, ["clean"]):
            outcome = run(mlcc("do", *argv), project)
            assert "Traceback" not in outcome.output_text, f"{number} {argv} {records}: {outcome.output_text}"
            assert outcome.code in (0, 1, 3), f"{number} {argv} {records}: {outcome.code} {outcome.output_text}"
        assert [s.poll() for s in strangers] == [None] * len(strangers), f"{number}: {records}"
    print(f"\n{count} planted records: 0 foreign signals")
