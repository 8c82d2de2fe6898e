"""Measuring programs.  Law: what is compared is run alternately, in one run, so that a busy machine slows both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One run of a program: wall seconds, and the largest resident memory in MiB."""

    wall_s: float
    rss_mib: float


class Command(NamedTuple):
    """A program to measure.  prepare: run before each start, not measured; code: the exit code it must have."""

    argv: Sequence[str]
    environ: Mapping[str, str]
    cwd: Path
    prepare: Callable[[], None] = lambda: None
    code: int = 0


class Row(NamedTuple):
    """A line of the table.  ours, theirs: medians with their unit; limit: what `ratio` may be at most, None: free."""

    what: str
    ours: str
    theirs: str
    ratio: float | None
    limit: float | None
    strict: bool = False

    @property
    def reached(self) -> bool:
        """True when the figure is within its limit (`strict`: under it)."""
        if self.limit is None or self.ratio is None:
            return True
        return self.ratio < self.limit if self.strict else self.ratio <= self.limit


def run(command: Command) -> Sample:
    """Runs a program once.  Raises RuntimeError when it ends otherwise than it must."""
    command.prepare()
    with open(os.devnull, "r+b") as null:
        start = time.perf_counter()
        process = subprocess.Popen(
            list(command.argv), env=dict(command.environ), cwd=command.cwd, stdin=null, stdout=null, stderr=null
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != command.code:
        raise RuntimeError(f"{' '.join(command.argv)} ended with {process.returncode}, not {command.code}")
    return Sample(wall, usage.ru_maxrss / 1024)


def alternately(commands: Mapping[str, Command], rounds: int) -> dict[str, Sample]:
    """Medians of every program, each run once a round, after one round that warms the file cache."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            sample = run(command)
            if number:
                samples[name].append(sample)
        progress(f"round {number}/{rounds} of {len(commands)} programs")
    progress("")
    return {
        name: Sample(statistics.median(s.wall_s for s in all_), statistics.median(s.rss_mib for s in all_))
        for name, all_ in samples.items()
    }


def progress(text: str) -> None:
    """What is being measured, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def ms(seconds: float) -> str:
    """`47 ms`."""
    return f"{seconds * 1000:.0f} ms"


def seconds(value: float) -> str:
    """`1.3 s`."""
    return f"{value:.1f} s"


def compared(what: str, ours: float, theirs: float, limit: float | None, show: Callable[[float], str] = ms) -> Row:
    """A row of two figures and their ratio."""
    return Row(what, show(ours), show(theirs), ours / theirs, limit)
