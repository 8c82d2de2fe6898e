"""validate --baseline and --write-baseline: known findings are counted, and only new ones fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from mlcc.cli import complete, mlcc_yaml
from mlcc.cli.options import gathered, not_empty
from mlcc.cli.output import cleaned
from mlcc.cli.session import Session
from mlcc.core.baselines import Identity, compared, counted
from mlcc.core.errors import UsageError
from mlcc.core.findings import Finding, Severity, error
from mlcc.core.records import NamedTuple
from mlcc.core.text import printable
from mlcc.io.disk.reader import present, read_named
from mlcc.io.yaml.limits import PROJECT_REGISTRY_LIMITS
from mlcc.load import baseline_file, locate

Command = TypeVar("Command", bound=Callable[..., Any])
Found = Mapping[str, Sequence[Finding]]
"""Findings by the mlcc.yaml that they are about; those about none under an empty text."""


class Baseline(NamedTuple):
    """The files that the command line names: one to compare with, one to write."""

    known: str
    written: str


def baseline_options(command: Command) -> Command:
    """--baseline FILE and --write-baseline FILE: a command has them as its argument `baseline`."""
    command = gathered(command, "baseline", Baseline)
    for name, field, words in (
        ("--write-baseline", "written", "Write today's findings there, to know them from now on."),
        ("--baseline", "known", "Count the findings that this file knows; only new ones fail."),
    ):
        option = click.option(
            name, field, default="", metavar="FILE", help=words, callback=not_empty, shell_complete=complete.paths
        )
        command = option(command)
    return command


def beside_baseline(session: Session, baseline: Baseline, found: Found, every: bool) -> tuple[list[Finding], int]:
    """The findings that the baseline does not know (without one all of them), and how many it knows.

    Writes a baseline where the command line wants one.  every: all projects of the repository were checked.
    """
    if baseline.known and baseline.written:
        raise UsageError([error("MLCC901", "--baseline compares and --write-baseline writes: give one of them")])
    shown = {_project(path): [cleaned(finding) for finding in findings] for path, findings in found.items()}
    if baseline.written:
        return list(compared(shown, _write(session, baseline.written, shown, every)).new), 0
    if not baseline.known:
        return [finding for findings in found.values() for finding in findings], 0
    result = compared(shown, _read(baseline.known), every)
    session.say(f"{printable(baseline.known, 200)}: {result.known} known, {len(result.gone)} gone")
    return [*result.new, *_gone(baseline.known, result.gone)], result.known


def _project(path: str) -> str:
    return os.path.relpath(path, locate.repository_root(".")) if path else ""


def _read(file: str) -> Mapping[Identity, int]:
    hint = f"mlcc validate --write-baseline {printable(file, 200)} writes it"
    return baseline_file.read(read_named(file, PROJECT_REGISTRY_LIMITS.max_bytes, hint), printable(file, 300))


def _write(session: Session, file: str, found: Found, every: bool) -> Mapping[Identity, int]:
    """Writes a baseline; what it knows of projects that were not checked stays in it."""
    before = read_named(file, PROJECT_REGISTRY_LIMITS.max_bytes) if present(file) else None
    known = counted(found)
    for one, count in (baseline_file.read(before, printable(file, 300)) if before is not None else {}).items():
        if not every and one.project not in found:
            known[one] = count
    after = baseline_file.text(known)
    if after != before:
        folder, name = os.path.split(file)
        mlcc_yaml.write(folder, {name: (after, before)}, 0o644 if before is None else None)
    count = sum(known.values())
    session.say(f"{printable(file, 200)}: {count} finding{'s are' if count != 1 else ' is'} known from now on")
    return known


def _gone(file: str, gone: Iterable[Identity]) -> list[Finding]:
    hint = "mlcc validate --write-baseline writes the file without it"
    return [
        Finding(
            "MLCC412",
            Severity.NOTE,
            f"known finding {one.code} of {printable(one.project, 200)} is gone",
            printable(one.path, 200),
            printable(file, 300),
            hint=hint,
        )
        for one in gone
    ]
