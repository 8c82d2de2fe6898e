"""Prints the performance table: `python -m bench [--only GROUP]... [--rounds N]`.

Exits 1 when a figure is not within its limit.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bench import aws, scale, server, startup
from bench import place as places
from bench.measure import Row
from bench.place import Place

ROUNDS = 15
GROUPS: dict[str, Callable[[Place, int], Iterator[Row]]] = {
    "startup": lambda place, rounds: startup.start(place, rounds * 2 + 1),
    "first": startup.first,
    "validate": lambda place, rounds: scale.validate(place, max(3, rounds // 5)),
    "plan": lambda place, rounds: scale.plan(place, max(3, rounds // 5)),
    "registries": lambda place, _: scale.registries(place),
    "aws": aws.steps,
    "server": lambda place, _: server.overhead(place),
}


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="bench", description="mlcc's performance table")
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group (may be repeated)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each program (default %(default)s)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlcc-bench-") as folder:
        place = places.make(Path(folder))
        rows: list[Row] = []
        for name in chosen.only or GROUPS:
            places.say(f"measuring {name} ...")
            rows += _measured(name, place, chosen.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {chosen.rounds} rounds or more\n")
    print("\n".join(table(rows)))
    missed = [row for row in rows if not row.reached]
    for row in missed:
        places.say(f"not reached: {row.what.strip()}")
    return 1 if missed else 0


def _measured(name: str, place: Place, rounds: int) -> list[Row]:
    """The rows of a group; a group that cannot be measured is a row that is not reached, and no obstacle to others."""
    rows: list[Row] = []
    try:
        rows.extend(GROUPS[name](place, rounds))
    except (RuntimeError, OSError, subprocess.SubprocessError) as problem:
        places.say(f"{name}: {problem}")
        rows.append(Row(f"{name}: not measured", "", "", math.inf, 0.0))
    return rows


def table(rows: Iterable[Row]) -> Iterator[str]:
    """The table as Markdown."""
    yield "| what | mlcc | against | ratio | limit |"
    yield "|---|---:|---:|---:|---:|"
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        limit = "" if row.limit is None else f"{'<' if row.strict else '<='} {row.limit:g}"
        yield f"| {row.what} | {row.ours} | {row.theirs} | {ratio} | {limit} |"


if __name__ == "__main__":
    sys.exit(main())
