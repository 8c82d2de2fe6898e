"""Runs what a Markdown page shows: its console blocks, in order, in one folder.

`$ command` lines are run by bash; the lines below one must come in its output, in order and each as a part of a line
(`...` stands for any lines).  Numbers that a machine decides (ports, milliseconds) may differ.  A comment
`<!-- setup: COMMAND -->` is run unseen, to make what the page speaks of.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SETUP = re.compile(r"<!-- setup: (.*?) -->", re.DOTALL)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$|<!-- setup: (.*?) -->", re.DOTALL | re.MULTILINE)
# The first and the last command of the path to an endpoint on AWS.
FIRST, LAST = "mlcc bootstrap add dev --region us-east-1", "do/clean"
NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Command:
    """A command of a page.  line: where it stands; shown: what the page says that it prints; setup: it is unseen."""

    line: int
    text: str
    shown: tuple[str, ...] = ()
    setup: bool = False


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """The fenced blocks of one language: line number and text."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        if found[1] == language:
            yield text.count("\n", 0, found.start()) + 2, found[2]


def commands(page: Path) -> Iterator[Command]:
    """The commands of a page, in order."""
    text = page.read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        if found[3] is not None:
            yield Command(line - 1, found[3], setup=True)
        elif found[1] == "console":
            for offset, part in _split(found[2]):
                first, *shown = part
                yield Command(line + offset, first, tuple(shown))


def _split(block: str) -> Iterator[tuple[int, list[str]]]:
    part: list[str] = []
    for number, line in enumerate(block.splitlines()):
        if line.startswith("$ "):
            if part:
                yield number - len(part), part
            part = [line[2:]]
        else:
            part.append(line)
    yield block.count("\n") - len(part), part


def path_to_an_endpoint(page: Path) -> list[str]:
    """The commands of a page from an account with nothing to an endpoint that was tested, and away again."""
    shown = [one.text for one in commands(page) if not one.setup]
    start = shown.index(FIRST)
    return shown[start : shown.index(LAST, start) + 1]


def missing(shown: tuple[str, ...], printed: str) -> str:
    """The first line that a page shows and the command did not print, or an empty text."""
    rest = [NUMBER.sub("0", line).split() for line in printed.splitlines()]
    for line in shown:
        wanted = NUMBER.sub("0", line).split()
        if line.strip() in ("...", ""):
            continue
        place = next((i for i, found in enumerate(rest) if _within(wanted, found)), None)
        if place is None:
            return line
        rest = rest[place + 1 :]
    return ""


def _within(wanted: list[str], found: list[str]) -> bool:
    return any(found[i : i + len(wanted)] == wanted for i in range(len(found) - len(wanted) + 1))


def run_page(
    page: Path, folder: Path, environ: Mapping[str, str], change: Callable[[str], str] = lambda text: text
) -> list[str]:
    """Runs the commands of a page in a folder and returns what is not as the page says.

    change: what becomes of a command before it is run, for steps that need more than a test has; an empty text leaves
    the command out.
    """
    problems = []
    here = folder
    for command in commands(page):
        text = change(command.text)
        if not text:
            continue
        script = f"{text}\ncode=$?\npwd >&9\nexit $code"
        with (folder.parent / f"{folder.name}.pwd").open("w+") as where:
            done = subprocess.run(
                ["bash", "-c", f"exec 9>'{where.name}'\n{script}"],
                cwd=here,
                env=dict(environ),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=300,
                text=True,
            )
            here = Path(where.read().strip() or here)
        printed = done.stdout + done.stderr
        if "Traceback" in printed or (command.setup and done.returncode):
            problems.append(f"{page.name}:{command.line}: {command.text}: exit {done.returncode}\n{printed}")
        if text == command.text and (line := missing(command.shown, printed)):
            problems.append(f"{page.name}:{command.line}: {command.text}: does not print {line!r}:\n{printed}")
        shows_an_error = any(" error " in line for line in command.shown)
        if text == command.text and (done.returncode != 0) != shows_an_error:
            problems.append(f"{page.name}:{command.line}: {command.text}: exit {done.returncode}\n{printed}")
    return problems
