"""G12, G13 and G23 (docs/guarantees.md): a value arrives as it was written, in every shell and file; none is run."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import string
import subprocess
from pathlib import Path

import pytest
import yaml

from mlcc.plan.lock import read_lock as load_lock
from mlcc.render import conf_lines
from tests.helpers import Caller, build_tree
from tests.stress.faults import figure

NAMES = 100
# Pieces that mean something to a shell, a template, YAML, JSON, a Dockerfile, nginx or a terminal.
PIECES = [
    "'", '"', "\\", "$(touch owned)", "`touch owned`", "${HOME}", "$HOME", "!!", "!", "\n", "\r\n", "\t", " ", "  ", "#", "# x",
    ";touch owned;", "&& touch owned", "|", ">", "<", "*", "?", "[a]", "{a,b}", "~", "=", "==", ":", ": ", "- ", "---", "...",
    "{{ 7*7 }}", "{% raw %}", "{# x #}", "%{x}", "<%= 1 %>", "${{ github.token }}", "%s", "%n", "\\n", "\\x41", "\\u0041",
    "&a", "*a", "<<", "!!python/object:x", "null", "yes", "0x10", "1e3", "0777", "é", "日本", "🙂", "\u2028", "\u00a0",
    "\ufeff", "a" * 200, "-rf", "--help", "file:///etc/passwd", "@x", "\\\n", "'\\''", "$'\\n'", "EOF", "ENV", "RUN", "\x7f", "\x85",
]  # fmt: skip
CONTROL = [chr(n) for n in range(1, 32)]


def value(chance: random.Random) -> str:
    """Text of pieces that hurt, and of any other characters but NUL and halves of pairs."""
    parts = []
    for _ in range(chance.randrange(0, 6)):
        kind = chance.random()
        if kind < 0.6:
            parts.append(chance.choice(PIECES))
        elif kind < 0.8:
            parts.append("".join(chance.choices(string.printable, k=chance.randrange(8))))
        else:
            point = chance.choice(
                [chance.randrange(1, 0x800), chance.randrange(0x800, 0xD800), chance.randrange(0xE000, 0x110000)]
            )
            parts.append(chr(point))
    return "".join(parts)


def config(values: dict[str, str]) -> str:
    """An mlcc.yaml with these variables for the container."""
    return "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\nenv:\n" + "".join(
        f"  {name}: {json.dumps(text)}\n" for name, text in values.items()
    )


def shells() -> list[list[str]]:
    """Every shell of this machine that can source the file."""
    known = (
        ["bash", "--norc"],
        ["bash", "--posix", "--norc"],
        ["dash"],
        ["busybox", "sh"],
        ["zsh", "-f"],
        ["ksh"],
        ["mksh"],
    )
    return [argv for argv in known if shutil.which(argv[0])]


def arrived(shell: list[str], file: Path, names: list[str]) -> dict[str, str]:
    """What a shell has in the variables after it sourced do/config, and hands to a program that it starts."""
    script = '. "$0" && exec env -0'
    done = subprocess.run(
        [*shell, "-c", script, str(file)], capture_output=True, check=True, cwd=file.parent,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == b"", (shell, done.stderr)
    pairs = dict(p.split("=", 1) for p in done.stdout.decode().split("\0") if p)
    return {name: pairs[f"IC_ENV_{name}"] for name in names}


def test_values_arrive_in_every_shell(mlcc: Caller) -> None:
    chance = random.Random("values")
    count = figure(100, 3)
    found = shells()
    assert found
    for number in range(count):
        values = {f"V{n}": value(chance) for n in range(NAMES)}
        build_tree(Path(), {"mlcc.yaml": config(values)})
        mlcc("apply", "-q", code=0)
        file = Path("do/config").resolve()
        for shell in found if number % 10 == 0 else found[:1]:
            assert arrived(shell, file, list(values)) == values, shell
        parsed, problems = conf_lines.parse_conf(file.read_bytes(), "do/config")
        assert not problems
        assert {n: parsed[f"IC_ENV_{n}"] for n in values} == values
        # the lock, by another YAML reader and by mlcc's own
        raw = Path("mlcc.lock").read_bytes()
        locked_values = yaml.safe_load(raw)["values"]
        assert {n: locked_values[f"env.{n}"]["value"] for n in values} == values
        read = {path[1]: locked.value for path, locked in load_lock(raw).values.items() if path[0] == "env"}
        assert read == values
        # commands that print documents
        for argv, form in (
            (["do", "export", "-o", "json"], "json"),
            (["show", "-o", "json"], "json"),
            (["show", "-o", "yaml"], "yaml"),
        ):
            printed = mlcc(*argv, code=0).stdout
            text = json.dumps(json.loads(printed) if form == "json" else yaml.safe_load(printed), sort_keys=True)
            for wanted in values.values():
                assert json.dumps(wanted)[1:-1] in text, argv
        assert not Path("owned").exists()
        assert not Path("do/owned").exists()
    print(
        f"\n{count * NAMES} values through {', '.join(' '.join(s) for s in found)}, do/config, mlcc.lock, JSON and YAML: 0 differences"
    )


@pytest.mark.parametrize("bad", ["\0", "\ud800", "a\0b"])
def test_what_no_variable_can_hold_is_refused_by_name(mlcc: Caller, bad: str) -> None:
    build_tree(Path(), {"mlcc.yaml": config({"GOOD": "x", "BAD": bad})})
    output_text = mlcc("apply", code=1).stderr
    assert "mlcc.yaml:" in output_text
    assert not Path("do").exists()


DOCKERFILE = re.compile(r"FROM (\S+)")


def test_names_in_the_dockerfile(mlcc: Caller) -> None:
    """What the Dockerfile holds of mlcc.yaml: accepted values stand there as they are, all others are refused."""
    chance = random.Random("dockerfile")
    count, accepted = figure(1000, 30), 0
    build_tree(Path(), {"mlcc.yaml": config({"A": "x"}) + "build: {system_packages: [curl]}\n"})
    mlcc("apply", "-q", code=0)
    usual = instructions(read("Dockerfile").replace("\\\n", " ").splitlines())
    for _ in range(count):
        image = chance.choice(["python:3.11", "host:5000/a/b:c", "x", "a/b@sha256:" + "0" * 64]) + chance.choice(
            ["", value(chance)]
        )
        package = chance.choice(["curl", "libgomp1", "nginx=1.22.*"]) + chance.choice(["", value(chance)])
        requirement = chance.choice(["attrs==24.2.0", "a[b]==1"]) + chance.choice(["", value(chance)])
        build_tree(
            Path(),
            {
                "mlcc.yaml": "version: 1\nproject: {name: iris}\ndeployment: {config: http-flask}\n"
                f"framework: {{base_image: {json.dumps(image)}}}\nbuild: {{system_packages: [{json.dumps(package)}], "
                f"requirements: [{json.dumps(requirement)}]}}\n"
            },
        )
        before = read("Dockerfile"), read("code/requirements.txt")
        if mlcc("apply", "-q").code:
            assert (read("Dockerfile"), read("code/requirements.txt")) == before
            continue
        accepted += 1
        lines = read("Dockerfile").replace("\\\n", " ").splitlines()
        assert [m[1] for li in lines if (m := DOCKERFILE.match(li))] == [image]
        runs = [li for li in lines if li.startswith("RUN apt-get")]
        assert package in shlex.split(runs[0])
        assert instructions(lines) == usual
        assert requirement in read("code/requirements.txt").splitlines()
    assert 0 < accepted < count
    print(f"\n{count} sets of names: {accepted} accepted and exact, {count - accepted} refused")


def instructions(lines: list[str]) -> list[str]:
    """The Dockerfile's instructions, in order."""
    return [li.split(" ", 1)[0] for li in lines if li and not li.startswith("#")]


def read(path: str) -> str:
    """A file's text, or nothing."""
    return Path(path).read_text() if Path(path).exists() else ""
