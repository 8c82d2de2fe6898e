"""What a base image really holds, compared with its registry row.  Law: only when asked; never pulls unless asked to.

The image is a stranger's: it runs once, without network, capabilities or a writable disk, for a bounded time, and what
it prints is read under a cap as numbers and words, never as text to be shown as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import Finding, Severity
from mlcc.core.json_data import read_json
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable, quoted
from mlcc.io import container_engines, programs
from mlcc.io.container_engines import Engine
from mlcc.resolve.result import Resolved

IMAGE = "framework.base_image"
RUN_S, PULL_S, ASK_S = 120.0, 3600.0, 60.0
NAME = "mlcc-inspect"
TOLERANCE = 0.02
CONFINED = (
    "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
    "--pids-limit", "64", "--memory", "2g",
)  # fmt: skip
# Runs in the image, with its own Python and nothing of ours: prints one JSON object.
PROBE = """
import json, sys
from importlib import metadata
found = {"python": sys.version.split()[0], "versions": {}}
for name in sys.argv[1:]:
    try:
        found["versions"][name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
try:
    with open("/usr/local/cuda/version.json") as stream:
        found["cuda"] = json.load(stream)["cuda"]["version"]
except (OSError, ValueError, KeyError, TypeError):
    pass
print(json.dumps(found))
"""
_VERSION = re.compile(r"v?(\d{1,6}(?:\.\d{1,6}){0,3}(?:\.?(?:a|b|rc|post|dev)\d{1,6})*)(?:[+-][A-Za-z0-9.]{1,40})?")


class Image(NamedTuple):
    """What was learned: empty texts for what the image does not say; versions: of the distributions asked for."""

    platform: str = ""
    cuda: str = ""
    python: str = ""
    versions: Mapping[str, str] = EMPTY
    ran: bool = False
    gpus: tuple[tuple[str, int], ...] = ()


class Seen(NamedTuple):
    """What was found, and what was learned, in sentences."""

    findings: tuple[Finding, ...] = ()
    words: tuple[str, ...] = ()


def check(resolved: Resolved, environ: Mapping[str, str], pull: bool) -> Seen:
    """Inspects the base image of a project.  pull: fetch it where it is not here."""
    image = str(resolved.get(IMAGE, ""))
    if not image:
        return Seen()
    try:
        engine = container_engines.detect(environ)
    except PreconditionError as problem:
        return Seen((_about(resolved, "MLCC170", str(problem), "start it, or leave --validate-with-docker out"),))
    if engine is None:
        message = "no container engine answers here: the base image was not inspected"
        return Seen((_about(resolved, "MLCC170", message, "start docker or podman, or leave the option out"),))
    described = _described(engine, image, environ)
    if described is None and pull:
        engine.ask("pull", image, environ=environ, timeout_s=PULL_S)
        described = _described(engine, image, environ)
    if described is None:
        hint = f"look at {engine.name} pull" if pull else f"{engine.name} pull fetches it, or --pull does"
        message = f"{quoted(image, 100)} is not {'to be had' if pull else 'on this machine'}: it was not inspected"
        return Seen((_about(resolved, "MLCC171", message, hint),))
    found = _learned(engine, image, described, _distributions(resolved), environ)
    return Seen(tuple(_compared(resolved, image, found)), tuple(_reported(image, found)))


def _about(resolved: Resolved, code: str, message: str, hint: str, severity: Severity = Severity.WARNING) -> Finding:
    value = resolved.value(IMAGE)
    mark = value.mark if value is not None else None
    file = (mark.file if mark is not None else "") or (value.origin if value is not None else "")
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    return Finding(code, severity, message, IMAGE, file, line, column, hint)


def _distributions(resolved: Resolved) -> tuple[str, ...]:
    """Names under which the image's Python may know what it is for."""
    rows = resolved.rows
    name = rows.options.name if rows.options else rows.framework.name if rows.framework else ""
    return (name,) if name else ()


# ---------------------------------------------------------------- asking
def _described(engine: Engine, image: str, environ: Mapping[str, str]) -> Mapping[str, Any] | None:
    """What the engine knows of an image that is here; None where it is not."""
    argv = [engine.program, "image", "inspect", image]
    done = programs.capped(argv, environ=environ, timeout_s=ASK_S, max_bytes=4 << 20)
    try:
        found = read_json(done.stdout) if done.code == 0 else None
    except ValueError:
        return None
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else None


def _learned(
    engine: Engine, image: str, described: Mapping[str, Any], names: tuple[str, ...], environ: Mapping[str, str]
) -> Image:
    platform = f"{described.get('Os', '')}/{described.get('Architecture', '')}"
    config = described.get("Config")
    listed = config.get("Env") if isinstance(config, dict) else None
    variables = dict(str(v).partition("=")[::2] for v in listed) if isinstance(listed, list) else {}
    answer = _probed(engine, image, names, environ)
    versions = answer.get("versions") if isinstance(answer.get("versions"), dict) else {}
    return Image(
        platform if re.fullmatch(r"[a-z0-9]{1,20}/[a-z0-9]{1,20}", platform) else "",
        _version(variables.get("CUDA_VERSION")) or _version(answer.get("cuda")),
        _version(answer.get("python")),
        {n: v for n in names if (v := _version((versions or {}).get(n)))},
        bool(answer),
        tuple(_gpus(engine, image, environ)),
    )


def _version(value: object) -> str:
    """A version as far as it is compared: without the local part that builds add."""
    found = _VERSION.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else ""


def _run(
    engine: Engine, image: str, environ: Mapping[str, str], options: tuple[str, ...], program: str, *words: str
) -> programs.Finished:
    """One confined run of the image; the container is gone afterwards, also when it would not end."""
    name = f"{NAME}-{os.getpid()}"
    argv = [engine.program, "run", "--name", name, *CONFINED, *options, "--entrypoint", program, image, *words]
    try:
        return programs.capped(argv, environ=environ, timeout_s=RUN_S)
    finally:
        engine.ask("rm", "--force", name, environ=environ)


def _probed(engine: Engine, image: str, names: tuple[str, ...], environ: Mapping[str, str]) -> Mapping[str, Any]:
    """What the image's own Python says; empty where it has none, or says something else."""
    for program in ("python3", "python"):
        done = _run(engine, image, environ, (), program, "-I", "-c", PROBE, *names)
        lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
        try:
            found = read_json(lines[-1]) if done.code == 0 and lines else None
        except ValueError:
            return {}
        if isinstance(found, dict):
            return found
    return {}


def _gpus(engine: Engine, image: str, environ: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """GPUs of this machine as a container sees them; none where the engine has none to give."""
    query = ("--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    done = _run(engine, image, environ, engine.traits.gpus, "nvidia-smi", *query)
    for line in done.stdout.decode("utf-8", "replace").splitlines()[:64] if done.code == 0 else ():
        name, _, memory = line.rpartition(",")
        if name and memory.strip().isdecimal() and len(memory) < 12:
            yield printable(name.strip(), 60), int(memory)


# ---------------------------------------------------------------- comparing
def _compared(resolved: Resolved, image: str, found: Image) -> Iterator[Finding]:
    rows, shown = resolved.rows, quoted(image, 100)
    if not found.ran:
        message = f"{shown} holds no Python that answers: its versions were not compared"
        yield _about(resolved, "MLCC172", message, "run it by hand with the container engine to see why")
    wanted = str(resolved.get("build.platform", ""))
    if wanted and found.platform and found.platform != wanted:
        message = f"{shown} is for {found.platform}, and {wanted} is what the instance runs"
        yield _about(resolved, "MLCC175", message, "name an image of that platform, or another instance type")
    yield from _memory(resolved, found)
    version = rows.version
    if version is None:
        return
    hint = "the checks believe the row: choose the version that the image holds, or its own image"
    needed = str(version.accelerator.get("version", ""))
    if needed and found.cuda and not _agree(needed, found.cuda, 2):
        message = f"{shown} holds CUDA {found.cuda}, and its row says {needed}"
        yield _about(resolved, "MLCC173", message, hint)
    for name, held in found.versions.items():
        if not _agree(rows.engine_version, held, 4):
            message = f"{shown} holds {name} {held}, and its row says {rows.engine_version}"
            yield _about(resolved, "MLCC174", message, hint)
    if version.python and found.python and not _agree(version.python, found.python, 2):
        message = f"{shown} holds Python {found.python}, and its row says {version.python}"
        yield _about(resolved, "MLCC174", message, hint)


def _memory(resolved: Resolved, found: Image) -> Iterator[Finding]:
    """A GPU of the instance's kind that has another memory here than the registries say."""
    instance = resolved.rows.instance
    answer = instance.reported_memory_mib if instance is not None else None
    if instance is None or not answer or not instance.accelerator_name:
        return
    for name, memory in dict.fromkeys(found.gpus):
        if instance.accelerator_name.lower() in name.lower() and abs(memory - answer) > TOLERANCE * answer:
            message = f"this machine's {name} has {memory:,} MiB, and the registries say {answer:,} of {instance.name}"
            yield _about(resolved, "MLCC176", message, "the memory check believes the registries", Severity.NOTE)


def _agree(answer: str, held: str, parts: int) -> bool:
    """True when two versions agree in the parts that both name, at most `parts` of them."""
    one, other = (_version(text).split(".")[:parts] for text in (answer, held))
    size = min(len(one), len(other))
    return one[:size] == other[:size]


def _reported(image: str, found: Image) -> Iterator[str]:
    parts = [
        found.platform,
        f"CUDA {found.cuda}" if found.cuda else "",
        f"Python {found.python}" if found.python else "",
    ]
    parts += [f"{name} {version}" for name, version in found.versions.items()]
    yield f"{printable(image, 100)}: {', '.join(p for p in parts if p) or 'nothing to be learned'}"
    gpus = [f"{name} with {memory:,} MiB" for name, memory in found.gpus]
    yield f"GPUs that it sees here: {', '.join(gpus) or 'none'}"
