"""Applied projects for `mlcc apply --locked`, ways to change a file of them, and the question itself."""

from __future__ import annotations

import atexit
import functools
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.helpers import Caller, assert_same, build_tree, run_mlcc, state_of

FILES = {
    "mlcc.yaml": """version: 1
extends: shared/base.yaml
project: {name: iris}
deployment: {config: http-fastapi, instance_count: 2, region: us-east-1}
env: {LOG_LEVEL: info, A: b}
inference_components: [{name: one, copy_count: 1}, {name: two, copy_count: 2}]
registries: [./registries]
policies: [./policies]
environments:
  prod: {ttl: 2d, env: {A: c}, deployment: {instance_count: 3}}
  dev: {env: {LOG_LEVEL: debug}}
""",
    "shared/base.yaml": "test: {timeout_s: 30}\ntags: {team: vision}\n",
    "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n\n[tool.mlcc]\nttl = "5h"\n',
    "registries/targets.yaml": "version: 1\nkind: targets\nrows:\n  mine: {title: Ours, description: x}\n",
    "policies/org.yaml": "version: 1\nkind: policies\nsource: https://wiki.example.com/ml\nrows:\n"
    "  count: {path: deployment.instance_count, at_most: 4}\n  regions: {path: deployment.region, allowed: [us-*]}\n",
}
HYPERPOD = """version: 1
project: {name: iris}
deployment: {config: http-flask, target: hyperpod-eks, region: us-east-1, instance_type: ml.m5.2xlarge}
hyperpod: {cluster: ml-cluster, namespace: inference, replicas: 2, service_account: inference}
environments: {prod: {hyperpod: {replicas: 4}}}
"""
TRITON = """version: 1
project: {name: wines}
deployment: {config: triton-python, target: local}
"""
LANGUAGE = """version: 1
project: {name: chat}
deployment: {config: transformers-vllm, region: us-east-1}
model: {name: TinyLlama/TinyLlama-1.1B-Chat-v1.0}
engine: {max_model_len: 1024}
environments: {prod: {engine: {max_model_len: 2048}}}
"""
PROJECTS: Mapping[str, Mapping[str, str]] = {
    "http": FILES,
    "hyperpod": {"mlcc.yaml": HYPERPOD},
    "triton": {"mlcc.yaml": TRITON},
    "language": {"mlcc.yaml": LANGUAGE},
}


class Case(NamedTuple):
    """A changed project.

    kind: what was changed; what: in words; names: one of these words stands in an error's message, path or file;
    arguments and environ: of the run (`{}` is the project's folder), which happens in the folder `where`.
    """

    kind: str
    what: str
    names: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    environ: Mapping[str, str] = {}
    where: str = "{}"


Change = Callable[[Path, random.Random], Case]


def prepare(folder: Path, name: str, apply: Callable[..., Any]) -> None:
    """Writes and applies a project whose lock has lines of every kind: edits, removals, modes, answers.

    apply: runs `mlcc apply` with more arguments in the folder.
    """
    build_tree(folder, PROJECTS[name])
    apply()
    dockerfile = folder / "Dockerfile"
    if dockerfile.exists():
        dockerfile.write_text(dockerfile.read_text() + "# ours\n")
    (folder / "do/config").chmod(0o755)
    (folder / "do/export").unlink()
    (folder / "do/manifest").unlink()
    apply("--keep-deleted", "do/manifest")


# ---------------------------------------------------------------- ways to change a file
def _byte(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    place = chance.choice([n for n, byte in enumerate(data) if chr(byte).isalnum()])
    data[place] = ord("x") if data[place] != ord("x") else ord("y")
    path.write_bytes(bytes(data))


def _line_more(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(chance.randrange(len(lines) + 1), b"# one more\n")
    path.write_bytes(b"".join(lines))


def _line_less(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    path.write_bytes(b"".join(lines))


def _linked(path: Path, chance: random.Random) -> None:
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    path.symlink_to(aside.name) if chance.random() < 0.5 else os.link(aside, path)


def _folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path, chance: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def _with_mode(path: Path, chance: random.Random) -> None:
    path.chmod(path.stat().st_mode ^ 0o111)


FILE_CHANGES: dict[str, Callable[[Path, random.Random], Any]] = {
    "a byte": _byte,
    "a line more": _line_more,
    "a line less": _line_less,
    "no newline at the end": lambda path, chance: path.write_bytes(path.read_bytes().removesuffix(b"\n")),
    "a newline more": lambda path, chance: path.write_bytes(path.read_bytes() + b"\n"),
    "emptied": lambda path, chance: path.write_bytes(b""),
    "deleted": lambda path, chance: path.unlink(),
    "mode": _with_mode,
    "a link": _linked,
    "a folder": _folder,
    "a pipe": _pipe,
}


def chosen(by_kind: Mapping[str, list[Change]], count: int, chance: random.Random) -> Iterator[Change]:
    """So many of the changes, of each kind in turn as long as it has any."""
    piles = {kind: chance.sample(changes, len(changes)) for kind, changes in by_kind.items()}
    while count and any(piles.values()):
        for pile in piles.values():
            if pile and count:
                count -= 1
                yield pile.pop()


# ---------------------------------------------------------------- asked of mlcc
def told(case: Case, folder: Path, mlcc: Caller) -> tuple[int, list[str]]:
    """How `mlcc apply --locked` ends in a changed project, and its errors, each with its place, in one text.

    The folder stays the current one of the test; nothing in it may be written.
    """
    before, environ, here = state_of(folder), dict(os.environ), os.getcwd()
    os.environ.update(case.environ)
    os.chdir(case.where.format(folder))
    try:
        arguments = [argument.format(folder.name if ".." in case.where else folder) for argument in case.arguments]
        result = mlcc("apply", "--locked", "-o", "json", *arguments)
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environ)
    assert_same(before, state_of(folder))
    errors = [f for f in json.loads(result.stdout)["findings"] if f["severity"] == "error"]
    return result.code, [f"{f['file']} {f['path']}: {f['message']}" for f in errors]


def wrong_answer(case: Case, code: int, errors: list[str]) -> str:
    """What is wrong with the answer to a mutation, in words; empty where it is refused and named."""
    if code != 1:
        return f"{case.what}: exit {code}"
    named = any(name in text for name in case.names for text in errors)
    return "" if named else f"{case.what}: none of {case.names} in {errors}"


@functools.cache
def _prepared(project: str) -> Path:
    place = Path(tempfile.mkdtemp(prefix="mlcc-locked-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    folder = place / "project"
    environ = {"PATH": os.environ["PATH"], "HOME": str(place), "MLCC_PLUGINS": "none", "MLCC_ENGINE": "none"}

    def apply(*arguments: str) -> None:
        done = run_mlcc("apply", "-q", *arguments, cwd=folder, env=environ, clean=True)
        assert done.code == 0, done

    prepare(folder, project, apply)
    return folder


def prepared(project: str, folder: Path) -> Path:
    """A copy of a prepared project, in a folder that is not there yet."""
    shutil.copytree(_prepared(project), folder, symlinks=True)
    return folder
