"""Rows about starting: what a command costs above the libraries that it cannot do without."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench import place as places
from bench.measure import Command, Row, alternately, compared, ms
from bench.place import Place

HEAVY = ("boto3", "botocore", "cookiecutter", "jsonschema", "ruamel", "rich")


def start(place: Place, rounds: int) -> Iterator[Row]:
    """--help and --version against importing click; a plan with nothing to do against click and ruamel.yaml."""
    project = place.project("idle")
    environ = place.environ()
    subprocess.run([place.mlcc, "apply", "-q"], cwd=project, env=environ, check=True, capture_output=True)
    chat = place.project("chat", "transformers-vllm", "model: {name: Qwen/Qwen3-0.6B}\n")

    def one(*argv: str, where: Path = project, **more: str) -> Command:
        return Command(argv, {**environ, **more}, where)

    found = alternately(
        {
            "click": one(place.python, "-c", "import click"),
            "help": one(place.mlcc, "--help"),
            "version": one(place.mlcc, "--version"),
            "both": one(place.python, "-c", "import click, ruamel.yaml"),
            "plan": one(place.mlcc, "plan"),
            "plan anew": one(place.mlcc, "plan", MLCC_NO_CACHE="1"),
            "validate": one(place.mlcc, "validate", where=chat),
            "validate anew": one(place.mlcc, "validate", where=chat, MLCC_NO_CACHE="1"),
        },
        rounds,
    )
    wall = {name: sample.wall_s for name, sample in found.items()}
    yield compared("mlcc --help : import click", wall["help"], wall["click"], 1.5)
    yield compared("mlcc --version : import click", wall["version"], wall["click"], 1.5)
    for option in ("--help", "--version"):
        heavy = _heavy(place, project, option)
        yield Row(f"heavy imports of mlcc {option}", ", ".join(heavy) or "none", "none", float(len(heavy)), 0.0)
    yield compared("mlcc plan, nothing to do : import click, ruamel", wall["plan"], wall["both"], 2.0)
    yield compared("  the same without the cache", wall["plan anew"], wall["both"], None)
    yield compared("mlcc validate, transformers-vllm : both", wall["validate"], wall["both"], 2.5)
    yield compared("  the same without the cache", wall["validate anew"], wall["both"], None)


def _heavy(place: Place, project: Path, option: str) -> list[str]:
    code = "import sys; sys.argv=['mlcc',sys.argv[1]]; from mlcc.cli.start import main; main()"
    argv = [place.python, "-X", "importtime", "-c", code, option]
    done = subprocess.run(argv, cwd=project, env=place.environ(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-300:]
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    return sorted(modules & set(HEAVY))


def first(place: Place, rounds: int) -> Iterator[Row]:
    """A first apply of http-flask against the peer generating the same (without its training of a sample)."""
    theirs = places.peer(place.folder / "peer")
    environ, cold = place.environ(), place.environ("cold")
    mine, others = place.folder / "first", place.folder / "generated"

    def fresh() -> None:
        place.project("first")

    def forget() -> None:
        fresh()
        shutil.rmtree(Path(cold["HOME"]) / ".mlcc", ignore_errors=True)

    def empty() -> None:
        shutil.rmtree(others, ignore_errors=True)
        others.mkdir()

    empty()
    fresh()
    commands = {
        "warm": Command([place.mlcc, "apply"], environ, mine, fresh),
        "cold": Command([place.mlcc, "apply"], cold, mine, forget),
    }
    if theirs is not None:
        options = ["iris", "--deployment-config=http-flask", "--model-format=pkl", "--skip-prompts", "--offline"]
        # no python on PATH: the peer then leaves out training a sample, which takes it seconds more
        path = places.without_python(place.folder)
        commands["peer"] = Command([*theirs, *options], {**environ, "PATH": path}, others, empty)
    found = alternately(commands, rounds)
    if theirs is None:
        yield Row("first mlcc apply of http-flask", ms(found["warm"].wall_s), "not measured: no npm", None, 0.5)
        return
    peer = found["peer"]
    for name, what in (("warm", "first mlcc apply of http-flask : peer"), ("cold", "  the same, mlcc's first ever")):
        yield compared(what, found[name].wall_s, peer.wall_s, 0.5)
        memory = compared("  memory", found[name].rss_mib, peer.rss_mib, 0.5, lambda mib: f"{mib:.0f} MiB")
        yield memory._replace(strict=True)
