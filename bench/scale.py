"""Rows about size: a thousand projects, a hundred thousand registry rows."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Command, Row, alternately, ms, progress, run, seconds
from bench.place import ROOT, Place

FILES = 1000
CHANGED, SINGLE = 10, 20
SIZES = (10, 1_000, 100_000)
ROWS_A_FILE = 1_000
LOOKUPS = 20_000
KINDS = ("http-flask", "http-fastapi", "http-nginx")


def validate(place: Place, rounds: int) -> Iterator[Row]:
    """validate --all on ten and on a thousand files: the difference is the cost of a file."""
    environ = place.environ()
    folders = {count: _projects(place.folder / f"files-{count}", count) for count in (10, FILES)}
    found = alternately(
        {
            # each run sees its files for the first time: what was answered before is not asked again
            str(count): Command([place.mlcc, "validate", "--all", "-q"], {**environ, "MLCC_NO_CACHE": "1"}, folder)
            for count, folder in folders.items()
        },
        rounds,
    )
    few, many = found["10"], found[str(FILES)]
    each = (many.wall_s - few.wall_s) / (FILES - 10)
    yield Row(f"mlcc validate --all, a file of {FILES:,}", f"{each * 1000:.2f} ms", "10 ms", each / 0.010, 1.0, True)
    memory = many.rss_mib / few.rss_mib
    yield Row(
        f"  memory, {FILES:,} files : 10 files", f"{many.rss_mib:.0f} MiB", f"{few.rss_mib:.0f} MiB", memory, 1.25
    )


def plan(place: Place, rounds: int) -> Iterator[Row]:
    """plan --all over applied projects of which ten have changed, against a run for each project.

    Both have seen the projects before.  The runs for each are measured for twenty, and reckoned up to all.
    """
    folders = {count: _projects(place.folder / f"plans-{count}", count) for count in (10, FILES)}
    for folder in folders.values():
        progress(f"applying the projects of {folder.name}")
        run(Command([place.mlcc, "apply", "--all", "-q"], place.environ(), folder))
    every = sorted(folders[FILES].glob("*/*/mlcc.yaml"))
    small = next(folders[10].glob("*/*/mlcc.yaml"))
    changed, others = every[::100][:CHANGED], [path.parent for path in every if path not in every[::100]][:SINGLE]
    numbers = itertools.count()

    def change() -> None:
        number = next(numbers)
        for path in (small, *changed):
            path.write_text(re.sub(r"NUMBER: '[^']*'", f"NUMBER: 'changed {number}'", path.read_text()))

    plans = {
        str(count): Command([place.mlcc, "plan", "--all", "-q"], place.environ(), folder, change)
        for count, folder in folders.items()
    }
    found = alternately(plans, rounds)
    single = [Command([place.mlcc, "plan", "-q"], place.environ(), folder) for folder in others]
    for command in single:
        run(command)
    alone = sum(run(command).wall_s for command in single) / len(single) * FILES
    many, few = found[str(FILES)], found["10"]
    what = f"mlcc plan --all, {FILES:,} projects, {CHANGED} changed"
    yield Row(f"{what} : {FILES:,} runs (of {SINGLE})", seconds(many.wall_s), seconds(alone), many.wall_s / alone, 0.2)
    yield Row("  its time : 10 s", seconds(many.wall_s), "10 s", many.wall_s / 10, 1.0, True)
    memory = many.rss_mib / few.rss_mib
    yield Row(
        f"  memory, {FILES:,} projects : 10 projects",
        f"{many.rss_mib:.0f} MiB",
        f"{few.rss_mib:.0f} MiB",
        memory,
        1.25,
    )


def _projects(root: Path, count: int) -> Path:
    """Different files: each has values of its own, some an overlay, some a base that they extend."""
    for number in range(count):
        folder = root / f"team-{number % 20}" / f"model-{number}"
        folder.mkdir(parents=True)
        lines = [
            "version: 1",
            f"project: {{name: model-{number}, description: 'number {number}'}}",
            f"deployment: {{config: {KINDS[number % 3]}, instance_count: {number % 3 + 1}, region: us-east-1}}",
            f"env: {{LOG_LEVEL: info, NUMBER: '{number}'}}",
            f"tags: {{team: team-{number % 20}}}",
        ]
        if number % 4 == 0:
            lines.append("environments: {prod: {deployment: {instance_type: ml.m5.2xlarge}}}")
        (folder / "mlcc.yaml").write_text("\n".join(lines) + "\n")
    (root / ".git").mkdir()
    return root


def registries(place: Place) -> Iterator[Row]:
    """Looking a model up among ten, a thousand and a hundred thousand rows."""
    cost = {}
    for size in SIZES:
        progress(f"a registry of {size:,} rows")
        folder = _models(place.folder / f"models-{size}", size)
        argv = [place.python, str(ROOT / "bench/lookup.py"), str(folder), str(LOOKUPS), str(place.folder / "memo")]
        done = subprocess.run(argv, env=place.environ(), cwd=place.folder, capture_output=True, text=True, check=True)
        cost[size] = json.loads(done.stdout)
    progress("")
    small, large = cost[SIZES[1]], cost[SIZES[2]]
    for size in SIZES[:2]:
        yield Row(f"model look-up among {size:,} rows", f"{cost[size]['lookup_us']:.2f} us", "", None, None)
    yield Row(
        f"model look-up among {SIZES[2]:,} rows : {SIZES[1]:,}",
        f"{large['lookup_us']:.2f} us",
        f"{small['lookup_us']:.2f} us",
        large["lookup_us"] / small["lookup_us"],
        3.0,
    )
    yield Row(
        f"model look-up among {SIZES[2]:,} rows, in ms",
        f"{large['lookup_us']:.2f} us",
        "",
        large["lookup_us"] / 1000,
        1.0,
    )
    yield Row(f"  loading {SIZES[2]:,} rows, once : again", ms(large["cold_s"]), ms(large["warm_s"]), None, None)


def _models(root: Path, size: int) -> Path:
    """Rows of which every tenth is a pattern, with prefixes of many lengths."""
    (root / "models").mkdir(parents=True)
    for first in range(0, size, ROWS_A_FILE):
        lines = ["version: 1", "kind: models", "rows:"]
        for number in range(first, min(first + ROWS_A_FILE, size)):
            star = "*" if number % 10 == 0 else ""
            lines += [
                f"  {f'org-{number % 997}/model-{number}{star}'!r}:",
                "    source: https://example.org/models",
                f"    family: family-{number % 50}",
                "    defaults: {env: {A: b}}",
            ]
        (root / f"models/part-{first:06d}.yaml").write_text("\n".join(lines) + "\n")
    return root
