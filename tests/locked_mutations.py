"""What can be other than it was committed, and what may be: mutations and harmless variations of applied projects.

Each case changes a copy of a project and says which words a finding of `mlcc apply --locked` must have.  The same
number gives the same case on every machine.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.helpers import build_tree, read_yaml
from tests.locked_cases import FILE_CHANGES, FILES, Case, Change


def mutations(project: str, folder: Path) -> dict[str, list[Change]]:
    """All that can be changed in a prepared project, by kind."""
    lock = read_yaml(folder / "mlcc.lock")
    managed = [p for p, row in lock["files"].items() if row["owner"] == "managed" and (folder / p).is_file()]
    found = {
        "tree": [lambda at, chance, p=p: _file(at, p, chance) for p in managed],
        "lock": [lambda at, chance, n=n: _line(at, n, chance) for n in range(len(_lines(folder)))],
        "base": [lambda at, chance, p=p: _base(at, p, chance) for p in sorted(_base_files(folder))],
        "folders": list(FOLDERS),
        "sources": [lambda at, chance, pair=pair: _source(at, *pair) for pair in SOURCES[project]],
        "run": [lambda at, chance, row=row: _run(at, *row) for row in RUNS],
    }
    found["lock"] += [lambda at, chance, p=p: _choice(at, p) for p in lock["choices"]]
    found["tree"] += [lambda at, chance, p=p: _back(at, p) for p in ("do/export", "do/manifest")]
    if project == "http":
        found["registries"], found["policies"] = list(REGISTRIES), list(POLICIES)
    return found


def _file(folder: Path, path: str, chance: random.Random) -> Case:
    """A managed file."""
    what = chance.choice([*FILE_CHANGES])
    FILE_CHANGES[what](folder / path, chance)
    return Case("tree", f"{path}: {what}", (path,))


def _back(folder: Path, path: str) -> Case:
    """A file that was removed for good is there again."""
    (folder / path).write_text("#!/bin/sh\nexit 0\n")
    return Case("tree", f"{path}: is there again", (path,))


def _moved_folder(folder: Path, chance: random.Random) -> Case:
    name = chance.choice(["do", "code"])
    (folder / name).rename(folder / f"{name}.old")
    (folder / name).symlink_to(f"{name}.old")
    return Case("folders", f"{name}: a link", (name,))


def _no_folder(folder: Path, chance: random.Random) -> Case:
    shutil.rmtree(folder / "do")
    return Case("folders", "do: deleted", ("do/config",))


def _no_base(folder: Path, chance: random.Random) -> Case:
    shutil.rmtree(folder / ".mlcc")
    return Case("folders", ".mlcc: deleted", (".mlcc/base",))


def _linked_base(folder: Path, chance: random.Random) -> Case:
    (folder / ".mlcc/base").rename(folder / "aside")
    (folder / ".mlcc/base").symlink_to("../aside")
    return Case("folders", ".mlcc/base: a link", (".mlcc/base",))


def _no_lock(folder: Path, chance: random.Random) -> Case:
    (folder / "mlcc.lock").unlink()
    return Case("folders", "mlcc.lock: deleted", ("mlcc.lock",))


def _journal(folder: Path, chance: random.Random) -> Case:
    build_tree(folder, {".mlcc/txn/journal.json": '{"version": 1, "stage": "stage-1", "entries": {}}'})
    return Case("folders", ".mlcc/txn: an unfinished apply", (".mlcc/txn/journal.json",))


FOLDERS: tuple[Change, ...] = (_moved_folder, _no_folder, _no_base, _linked_base, _no_lock, _journal)


def _base_files(folder: Path) -> list[str]:
    base = folder / ".mlcc/base"
    return [path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()]


def _base(folder: Path, path: str, chance: random.Random) -> Case:
    """A file of the base, or one more there."""
    at = folder / ".mlcc/base" / path
    what = chance.choice(["a byte", "deleted", "emptied", "a line more", "one beside it"])
    if what == "one beside it":
        at.with_name(f"{at.name}.more").write_text("x\n")
        return Case("base", f"{path}.more: added", (f".mlcc/base/{path}.more",))
    FILE_CHANGES[what](at, chance)
    return Case("base", f"{path}: {what}", (path,))


# ---------------------------------------------------------------- the lock, line by line
def _lines(folder: Path) -> list[str]:
    return (folder / "mlcc.lock").read_text().splitlines(keepends=True)


def _line(folder: Path, number: int, chance: random.Random) -> Case:
    """A line of mlcc.lock: gone, twice, or with another letter or number in one of its values."""
    lines = _lines(folder)
    line, what = lines[number], chance.choice(["gone", "twice", "changed", "changed", "changed", "changed"])
    words = list(re.finditer(r"[A-Za-z0-9]+", line)) if what == "changed" else []
    if what == "gone":
        del lines[number]
    elif what == "twice":
        lines.insert(number, line)
    else:
        word = chance.choice(words[len(words) > 1 :] or words)
        place = chance.randrange(word.start(), word.end())
        letter = line[place]
        other = (
            "7" if letter.isdigit() and letter != "7" else "3" if letter.isdigit() else "b" if letter != "b" else "c"
        )
        lines[number] = f"{line[:place]}{other}{line[place + 1 :]}"
    (folder / "mlcc.lock").write_text("".join(lines))
    return Case("lock", f"line {number + 1} {what}: {line.strip()}", ("mlcc.lock",))


def _choice(folder: Path, path: str) -> Case:
    """A choice that no registry offers."""
    text = (folder / "mlcc.lock").read_text()
    start = text.index(f"\n  {path}: {{value: ")
    head, _, tail = text[start:].partition("value: ")
    value = re.match(r'"[^"]*"|[^,}]*', tail)
    assert value is not None
    (folder / "mlcc.lock").write_text(f'{text[:start]}{head}value: "no-such-thing"{tail[value.end() :]}')
    return Case("lock", f"a choice that nobody offers: {path}", ("mlcc.lock", f"choices.{path}"))


# ---------------------------------------------------------------- what the project is made from
def _source(folder: Path, path: str, old: str, new: str, name: str) -> Case:
    text = (folder / path).read_text()
    assert old in text, (path, old)
    (folder / path).write_text(text.replace(old, new, 1))
    return Case("sources", f"{path}: {old!r} -> {new!r}", (name,))


SOURCES: dict[str, list[tuple[str, str, str, str]]] = {
    "http": [
        ("mlcc.yaml", "A: b", "A: d", "do/config"),
        ("mlcc.yaml", "A: c", "A: d", "do/env/prod.conf"),
        ("mlcc.yaml", "LOG_LEVEL: debug", "LOG_LEVEL: error", "do/env/dev.conf"),
        ("mlcc.yaml", "copy_count: 2", "copy_count: 3", "do/ic/two.conf"),
        ("mlcc.yaml", "ttl: 2d", "ttl: 3d", "do/env/prod.conf"),
        ("mlcc.yaml", "ttl: 2d, ", "", "do/env/prod.conf"),
        ("mlcc.yaml", "  dev: {env: {LOG_LEVEL: debug}}\n", "", "do/env/dev.conf"),
        ("mlcc.yaml", "{name: two, copy_count: 2}", "{name: three, copy_count: 2}", "do/ic/three.conf"),
        ("mlcc.yaml", "http-fastapi", "http-flask", "code/app.py"),
        ("mlcc.yaml", "name: iris", "name: rose", "do/config"),
        ("mlcc.yaml", "extends: shared/base.yaml\n", "", "do/config"),
        ("mlcc.yaml", "registries: [./registries]\n", "", "mlcc.lock"),
        ("mlcc.yaml", "policies: [./policies]\n", "", "mlcc.lock"),
        ("mlcc.yaml", "region: us-east-1", "region: us-west-2", "do/config"),
        ("mlcc.yaml", "instance_count: 2", "instance_count: 9", "deployment.instance_count"),
        ("shared/base.yaml", "timeout_s: 30", "timeout_s: 31", "do/config"),
        ("shared/base.yaml", "vision", "audio", "do/config"),
        ("pyproject.toml", "5h", "6h", "do/config"),
        ("pyproject.toml", '[tool.mlcc]\nttl = "5h"\n', "", "do/config"),
    ],
    "hyperpod": [
        ("mlcc.yaml", "replicas: 2", "replicas: 3", "manifests/"),
        ("mlcc.yaml", "replicas: 4", "replicas: 5", "manifests/prod/"),
        ("mlcc.yaml", "service_account: inference", "service_account: other", "manifests/"),
    ],
    "triton": [("mlcc.yaml", "local", "realtime-inference", "do/config")],
    "language": [
        ("mlcc.yaml", "1024", "1025", "do/config"),
        ("mlcc.yaml", "2048", "2047", "do/env/prod.conf"),
        ("mlcc.yaml", "TinyLlama/TinyLlama-1.1B-Chat-v1.0", "Qwen/Qwen3-0.6B", "do/config"),
    ],
}  # fmt: skip


def _registry(path: str, content: str | None, names: tuple[str, ...], what: str) -> Change:
    def change(folder: Path, chance: random.Random) -> Case:
        at = folder / path
        if content is None:
            at.unlink()
        else:
            build_tree(folder, {path: content})
        return Case(path.partition("/")[0], f"{path}: {what}", names)

    return change


_ROW, _RULES = FILES["registries/targets.yaml"], FILES["policies/org.yaml"]
REGISTRIES: tuple[Change, ...] = (
    _registry("registries/targets.yaml", _ROW.replace("Ours", "Theirs"), ("mlcc.lock",), "a row changed"),
    _registry(
        "registries/targets.yaml", f"{_ROW}  more: {{title: More, description: x}}\n", ("mlcc.lock",), "a row more"
    ),
    _registry("registries/targets.yaml", _ROW.replace("rows:", "row:"), ("registries/targets.yaml",), "broken"),
    _registry("registries/targets.yaml", None, ("mlcc.lock", "registries"), "deleted"),
    _registry("registries/more.yaml", _ROW.replace("mine", "more"), ("mlcc.lock",), "a file more"),
    _registry("registries/more.yaml", _ROW, ("registries/more.yaml", "mlcc.lock"), "a row twice"),
)
POLICIES: tuple[Change, ...] = (
    _registry(
        "policies/org.yaml", _RULES.replace("at_most: 4", "at_most: 1"), ("deployment.instance_count",), "stricter"
    ),
    _registry("policies/org.yaml", _RULES.replace("at_most: 4", "at_most: 40"), ("mlcc.lock",), "looser"),
    _registry("policies/org.yaml", _RULES.replace("us-*", "eu-*"), ("deployment.region",), "another region"),
    _registry("policies/org.yaml", _RULES.replace("us-*", "us-east-*"), ("mlcc.lock",), "a narrower region"),
    _registry("policies/org.yaml", None, ("mlcc.lock", "policies"), "deleted"),
    _registry("policies/more.yaml", _RULES.replace("count:", "more:"), ("mlcc.lock",), "a file more"),
)


def _run(folder: Path, arguments: tuple[str, ...], environ: Mapping[str, str], name: str) -> Case:
    build_tree(folder.parent, {"outside/targets.yaml": _ROW.replace("mine", "theirs"), "over.yaml": "ttl: 9h\n"})
    return Case("run", " ".join([*(f"{k}={v}" for k, v in environ.items()), *arguments]), (name,), arguments, environ)


RUNS: list[tuple[tuple[str, ...], Mapping[str, str], str]] = [
    (("--set", "ttl=1h"), {}, "ttl"),
    (("--set", "env.B=c"), {}, "env.B"),
    (("--ttl", "5h"), {}, "ttl"),
    (("--region", "us-east-1"), {}, "deployment.region"),
    (("--config", "../over.yaml"), {}, "ttl"),
    (("--registry", "../outside"), {}, "mlcc.lock"),
    ((), {"ML_TTL": "5h"}, "ttl"),
    ((), {"ML_TTL": "1h"}, "ttl"),
    ((), {"ML_REGION": "us-west-2"}, "deployment.region"),
    ((), {"ML_INSTANCE_COUNT": "3"}, "deployment.instance_count"),
    ((), {"ML_TTL": "never ever"}, "ttl"),
    ((), {"MLCC_REGISTRY_PATH": "../outside"}, "mlcc.lock"),
    ((), {"REGISTRY_PATH": "../outside"}, "mlcc.lock"),
    (("--env", "nosuch"), {}, "environments"),
]


# ---------------------------------------------------------------- what is accepted
def variations(project: str, folder: Path) -> list[Change]:
    """What may be otherwise in a checkout, or on another machine, and is no difference."""
    lock = read_yaml(folder / "mlcc.lock")
    seeds = [p for p, row in lock["files"].items() if row["owner"] == "seed" and (folder / p).is_file()]
    plain = [p for p, row in lock["files"].items() if (folder / p).is_file()]
    return [
        *(lambda at, chance, p=p: _seed(at, p, chance) for p in seeds),
        *(lambda at, chance, p=p: _own(at, p, chance) for p in plain),
        *(lambda at, chance, p=p: _of_checkout(at, p, chance) for p in plain),
        *(lambda at, chance, row=row: Case("run", str(row), (), *row) for row in HARMLESS_RUNS),
        *(lambda at, chance, row=row: Case("run", str(row), (), row[0], {}, row[1]) for row in ELSEWHERE),
        _crlf,
        _times,
        _comments,
        _closed,
        _git_files,
        _run_folder,
    ]


def _seed(folder: Path, path: str, chance: random.Random) -> Case:
    what = chance.choice(["a byte", "a line more", "a line less", "emptied", "deleted", "mode"])
    FILE_CHANGES[what](folder / path, chance)
    return Case("seed", f"{path}: {what}")


def _own(folder: Path, path: str, chance: random.Random) -> Case:
    at = folder / path
    name = f"{at.stem}_own{chance.randrange(99)}{at.suffix}"
    at.with_name(name).write_text("ours\n")
    return Case("own", f"{name}: a file of one's own beside {path}")


def _of_checkout(folder: Path, path: str, chance: random.Random) -> Case:
    """Bits that Git does not keep, and times."""
    at = folder / path
    bits = chance.choice([0o700, 0o755, 0o775, 0o777])
    at.chmod(bits if at.stat().st_mode & 0o100 else bits & 0o666)
    os.utime(at, (chance.randrange(1, 2_000_000_000),) * 2)
    return Case("checkout", f"{path}: mode {at.stat().st_mode & 0o777:04o}, another time")


def _crlf(folder: Path, chance: random.Random) -> Case:
    """As Git checks a project out with core.autocrlf: all but the base."""
    for path in folder.rglob("*"):
        if path.is_file() and ".mlcc" not in path.parts:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    return Case("checkout", "lines end with CR LF")


def _times(folder: Path, chance: random.Random) -> Case:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    return Case("checkout", "all times are others")


def _comments(folder: Path, chance: random.Random) -> Case:
    at = folder / "mlcc.yaml"
    at.write_text("# a comment\n\n" + at.read_text().replace("\n", "  # and more\n"))
    return Case("words", "comments in mlcc.yaml")


def _closed(folder: Path, chance: random.Random) -> Case:
    """As with umask 077."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(path.stat().st_mode & 0o700)
    return Case("checkout", "umask 077")


def _git_files(folder: Path, chance: random.Random) -> Case:
    build_tree(folder, {".gitattributes": "* text=auto\n", ".gitignore": "*.log\n", "README.md": "# ours\n"})
    return Case("own", "files for Git")


def _run_folder(folder: Path, chance: random.Random) -> Case:
    build_tree(folder, {".mlcc/run/server.log": "x\n", ".mlcc/run/image": "y\n"})
    return Case("own", "what a step leaves in .mlcc/run")


HARMLESS_RUNS: list[tuple[tuple[str, ...], Mapping[str, str]]] = [
    ((), {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}),
    ((), {"HOME": "/nonexistent", "USER": "nobody", "MLCC_HOME": "/nonexistent/mlcc"}),
    ((), {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "other", "AWS_DEFAULT_REGION": "eu-west-1"}),
    ((), {"CI": "true", "GITHUB_ACTIONS": "true", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "40"}),
    ((), {"TTL": "9h", "REGION": "eu-west-1", "INSTANCE_TYPE": "ml.g5.xlarge", "MODEL_NAME": "x"}),
    ((), {"PYTHONHASHSEED": "4711", "MLCC_NO_CACHE": "1", "MLCC_PLUGINS": "none"}),
    (("--offline",), {}),
    (("-q",), {}),
    (("-v",), {}),
    (("-f", "mlcc.yaml"), {}),
    (("-C", "."), {}),
    (("mlcc.yaml",), {}),
]
# Runs in the folder above, in one below, and from the root of a repository of several projects.
ELSEWHERE = [
    (("-f", "{}/mlcc.yaml"), "{}/.."),
    (("{}",), "{}/.."),
    (("-f", "../mlcc.yaml"), "{}/do"),
    (("--all",), "{}"),
]
