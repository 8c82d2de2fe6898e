"""G10 (docs/guarantees.md): the same mlcc.yaml gives the same bytes everywhere."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.registries import load
from tests.helpers import build_tree
from tests.stress.faults import FULL, figure

CONFIGS = ("http-flask", "http-fastapi", "http-nginx")
MORE = """env: {A: 'ü', B: "it's", Z: '1', K: '2'}
tags: {zeta: '1', alpha: '2'}
environments: {prod: {ttl: 2d, env: {A: x}}, dev: {env: {Q: y}}}
build: {requirements: [zstandard==0.23.0, attrs==24.2.0], system_packages: [zip, curl]}
"""
LOCALES = ("C", "C.UTF-8", "POSIX", "de_DE.UTF-8", "tr_TR.UTF-8")
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")
PLACES = ("plain", "with space", "o{{ 7*7 }}", "ünï", "-dash", "it's", "a;b$(id)")


def targets() -> list[str]:
    """The targets that an http config can go to."""
    registries = load()
    return sorted(registries.targets) if FULL else ["realtime-inference"]


def environments(count: int) -> list[dict[str, str]]:
    """Different circumstances, always the same ones."""
    chance = random.Random("environments")
    every = list(itertools.product(LOCALES, ZONES, ("022", "077", "000"), PLACES, ("0", "1", "4711", "random")))
    return [
        {"LC_ALL": locale, "TZ": zone, "umask": mask, "place": place, "PYTHONHASHSEED": seed, "USER": f"user{n}"}
        for n, (locale, zone, mask, place, seed) in enumerate(chance.sample(every, count))
    ]


def digest_of(folder: Path) -> str:
    """One digest of every path, mode and byte below a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            mode = path.stat().st_mode & 0o777 if path.name != "mlcc.yaml" else 0
            total.update(f"{path.relative_to(folder)}\0{mode:o}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()


@pytest.mark.parametrize("config", CONFIGS if FULL else CONFIGS[:1])
@pytest.mark.parametrize("target", targets())
def test_one_tree_in_every_environment(tmp_path: Path, config: str, target: str) -> None:
    text = f"version: 1\nproject: {{name: iris}}\ndeployment: {{config: {config}, target: {target}}}\n{MORE}"
    program = os.path.join(os.path.dirname(sys.executable), "mlcc")
    found = dict[str, int]()
    count = figure(48, 3)
    for number, circumstances in enumerate(environments(count)):
        place = tmp_path / str(number) / circumstances["place"]
        home = tmp_path / str(number) / "home"
        home.mkdir(parents=True)
        build_tree(place, {"mlcc.yaml": text})
        environ = {**circumstances, "HOME": str(home), "PATH": os.environ["PATH"], "MLCC_PLUGINS": "none"}
        # by a path, by a folder, or from within
        argv = [["apply", "-q"], ["apply", "-q", "-f", str(place / "mlcc.yaml")], ["apply", "-q", str(place)]][
            number % 3
        ]
        done = subprocess.run(
            [program, *argv], cwd=place if number % 3 == 0 else "/", env=environ, capture_output=True,
            umask=int(circumstances["umask"], 8), check=False,
        )  # fmt: skip
        if done.returncode == 1 and b"MLCC" in done.stderr and not FULL:
            raise AssertionError(done.stderr)
        if done.returncode:
            # a target that this config cannot go to is refused everywhere alike
            where = str(place)
            name = done.stderr.decode("utf-8", "replace").replace(where, "").split(":")[-1]
            found[f"refused {name}"] = found.get(f"refused {name}", 0) + 1
        else:
            found[digest_of(place)] = found.get(digest_of(place), 0) + 1
        shutil.rmtree(tmp_path / str(number))
    assert len(found) == 1, found
    print(f"\n{config} to {target}: {count} environments, 1 tree")
