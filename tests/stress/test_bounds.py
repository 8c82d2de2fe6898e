"""G17 (docs/guarantees.md): whatever a file holds, reading it takes a bounded time, memory and output.

Each file is as large as its cap allows, or a little larger, and full of what takes long to read.  The program itself runs
on it, and the kernel counts its CPU seconds and its memory, so that other work on the machine does not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers import build_tree
from tests.stress import bombs, cases, heavy
from tests.stress.faults import mlcc, run
from tests.stress.measured import Cost, measured


class Limit(NamedTuple):
    """The most that a run may use: CPU seconds, MiB of memory, bytes of output."""

    cpu_s: float
    mib: int
    output_text: int = 64 << 10


CONFIG = Limit(5, 200)
REGISTRY = Limit(15, 200)
MODEL = Limit(10, 400)
MERGE = Limit(5, 200)
# the last 4 MiB, of which a byte may take four to print
LOG = Limit(5, 200, 17 << 20)
ONLY_FULL = pytest.mark.full


def check(cost: Cost, limit: Limit, what: str, codes: tuple[int, ...]) -> None:
    """Says what a run has used; fails when that is too much, or when it ended in another way."""
    print(f"\n{what}: {cost}")
    assert cost.code in codes, f"{what}: {cost} {cost.output_text[:2000]}"
    assert "Traceback" not in cost.output_text, what
    assert cost.cpu_s < limit.cpu_s, f"{what}: {cost}"
    assert cost.mib < limit.mib, f"{what}: {cost}"
    assert len(cost.output_text.encode()) < limit.output_text, f"{what}: {cost}"


# ---------------------------------------------------------------- small figures
SMALL_MODELS = (
    "an int of 4,300 nines in LightGBM's text",
    "names that are long to print in ONNX",
    "a count of 2**60 in UBJSON",
)
SMALL_CONFIGS = ("brackets in brackets", "aliases")


@pytest.mark.parametrize("what", SMALL_MODELS)
def test_a_few_model_files(tmp_path: Path, what: str) -> None:
    name, make = bombs.FILES[what]
    place = build_tree(tmp_path / "it", {name: make()})
    outcome = run(mlcc("inspect", name), place)
    assert outcome.code == 1, outcome.output_text
    assert "error MLCC165" in outcome.output_text
    assert len(outcome.output_text) < 1000


@pytest.mark.parametrize("what", SMALL_CONFIGS)
def test_a_few_files(tmp_path: Path, what: str) -> None:
    place = heavy.project(tmp_path / "it", {"mlcc.yaml": heavy.CONFIGS[what]()})
    outcome = run(mlcc("validate"), place)
    assert outcome.code == 1, outcome.output_text
    assert len(outcome.output_text) < 1000


# ---------------------------------------------------------------- full figures
@ONLY_FULL
@pytest.mark.parametrize("what", bombs.FILES)
def test_inspect(tmp_path: Path, what: str) -> None:
    name, make = bombs.FILES[what]
    (tmp_path / name).write_bytes(make())
    cost = measured(tmp_path, "inspect", name)
    check(cost, MODEL, f"inspect, {what}", (0, 1))
    if cost.code:
        assert "error MLCC165" in cost.output_text
    else:
        check(measured(tmp_path, "inspect", name, "-o", "json"), MODEL, f"inspect -o json, {what}", (0,))


@ONLY_FULL
def test_inspect_a_large_file_of_nothing(tmp_path: Path) -> None:
    for name in ("a.onnx", "a.ubj", "saved_model.pb", "a.json", "a.txt"):
        bombs.sparse(tmp_path / name, 15 << 30)
        check(measured(tmp_path, "inspect", name), MODEL, f"inspect, 15 GiB of zeros in {name}", (1,))


@ONLY_FULL
@pytest.mark.parametrize("what", heavy.CONFIGS)
def test_mlcc_yaml(tmp_path: Path, what: str) -> None:
    heavy.project(tmp_path, {"mlcc.yaml": heavy.CONFIGS[what]()})
    for verb in (["validate"], ["validate", "-o", "json"], ["plan"]):
        cost = measured(tmp_path, *verb)
        # a program reads every finding, of which there are at most 200
        limit = CONFIG._replace(output_text=1 << 20) if "json" in verb else CONFIG
        check(cost, limit, f"{' '.join(verb)}, {what} in mlcc.yaml", (0, 1))


@ONLY_FULL
@pytest.mark.parametrize("what", heavy.PROJECTS)
def test_other_files_of_a_project(tmp_path: Path, what: str) -> None:
    heavy.project(tmp_path, heavy.PROJECTS[what]())
    for verb in ("validate", "plan"):
        check(measured(tmp_path, verb), REGISTRY, f"{verb}, {what}", (0, 1, 3))


LINES = range(9_900)
SIDES: Mapping[str, Callable[[], tuple[str, str]]] = {
    "every second line is new": lambda: (_lines("# {}"), _lines("# {}\n# u{}")),
    "every line is new": lambda: (_lines("# {}"), _lines("# u{}")),
    "all lines are alike": lambda: (_lines("#"), _lines("#\n#")),
    "two kinds of lines": lambda: (_lines("#a\n#b"), _lines("#b\n#a")),
    "lines in the opposite order": lambda: (_lines("# {}"), "".join(f"# {n}\n" for n in reversed(LINES))),
    "shuffled lines": lambda: (_lines("# {}"), "".join(f"# {n * 7919 % len(LINES)}\n" for n in LINES)),
}


def _lines(form: str) -> str:
    return "".join(form.replace("{}", str(n)) + "\n" for n in LINES)


@ONLY_FULL
@pytest.mark.parametrize("what", SIDES)
def test_a_merge_of_20_000_lines(tmp_path: Path, what: str) -> None:
    cases.project(tmp_path)
    assert measured(tmp_path, "apply", "-q").code == 0
    base, disk = SIDES[what]()
    (tmp_path / ".mlcc/base/.dockerignore").write_text(base)
    (tmp_path / ".dockerignore").write_text(disk)
    for verb in (["plan"], ["diff"], ["apply", "--merge", "-q"]):
        check(measured(tmp_path, *verb), MERGE, f"{' '.join(verb)}, {what}", (0, 1))


LOG_LINES = (b"x" * 79 + b"\n", b"\n", b"token=hf_" + b"A" * 40 + b"\n", b"x" * 4096, b"\x1b\xff" * 40 + b"\n")
# the largest is a file with holes: nothing but zeros
LOGS = [*((size, line) for size in (0, 1 << 20, 64 << 20) for line in LOG_LINES), (4 << 30, b"\0")]


@ONLY_FULL
@pytest.mark.parametrize(
    ("size", "line"), LOGS, ids=lambda each: f"{each >> 20} MiB" if isinstance(each, int) else None
)
def test_a_log(tmp_path: Path, size: int, line: bytes) -> None:
    cases.project(tmp_path)
    assert measured(tmp_path, "apply", "-q").code == 0
    log = tmp_path / ".mlcc/run/server.log"
    build_tree(
        tmp_path, {".mlcc/run/server.json": json.dumps({"kind": "process", "pid": 0}), ".mlcc/run/server.log": b""}
    )
    if line == b"\0":
        bombs.sparse(log, size)
    else:
        log.write_bytes(line * (size // len(line)))
    what = f"{size >> 20} MiB of {line[:9]!r}"
    cost = measured(tmp_path, "do", "logs")
    check(cost, LOG, f"do logs, {what}", (0,))
    assert ("(the log is empty)" in cost.output_text) == (size == 0)
    # JSON writes a backslash twice
    check(
        measured(tmp_path, "do", "logs", "-o", "json"),
        LOG._replace(output_text=2 * LOG.output_text),
        f"do logs as JSON, {what}",
        (0,),
    )
