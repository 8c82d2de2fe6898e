"""Run in the measured environment: the cost of one model look-up in a registry of some rows.  Prints JSON.

usage: lookup.py FOLDER LOOKUPS
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mlcc import registries
from mlcc.io import cache
from mlcc.registries.files import Root


def read_names(folder: str) -> Iterator[str]:
    """The rows' names, as they are written."""
    for path in sorted(Path(folder).rglob("*.yaml")):
        for line in path.read_text().splitlines():
            if line.startswith("  '"):
                yield line.strip(" ':")


def main(folder: str, lookups: int, home: str) -> None:
    """Loads the registry twice (from YAML, and what was kept), then looks up names that are there and not there."""
    root = Root("bench", folder)
    start = time.perf_counter()
    with cache.remembered(cache.Folder(home, "documents", 1 << 20)):
        loaded = registries.load([root])
        loaded.model("none")
        cold = time.perf_counter() - start
        start = time.perf_counter()
        loaded = registries.load([root])
        loaded.model("none")
        warm = time.perf_counter() - start
    chance = random.Random(1)
    known = list(read_names(folder))
    names = [name.replace("*", "-instruct") for name in chance.choices(known, k=lookups // 2)]
    names += [f"org-{chance.randrange(10**6)}/unknown-{n}" for n in range(lookups - len(names))]
    chance.shuffle(names)
    for name in names:
        loaded.model(name)  # a file is read when a row of it is first asked for
    took = []
    for name in names:
        begin = time.perf_counter_ns()
        loaded.model(name)
        took.append(time.perf_counter_ns() - begin)
    found = sum(loaded.model(name) is not None for name in names)
    assert found >= lookups // 2, "the names that are there must be found"
    print(json.dumps({"cold_s": cold, "warm_s": warm, "lookup_us": statistics.median(took) / 1000, "found": found}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
