"""mlcc fmt: the canonical layout of mlcc.yaml, so that a difference of two files is one of meaning."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from mlcc.cli import mlcc_yaml
from mlcc.cli.changes import hunks, print_hunks
from mlcc.cli.help_sections import Command
from mlcc.cli.options import Values, finding_output
from mlcc.cli.outcomes import CHANGED, REFUSED, UNCHANGED, Outcome
from mlcc.cli.projects import Selection, project_options_for_reading
from mlcc.cli.reports import Checked, print_found
from mlcc.cli.runs import scope
from mlcc.cli.session import Session, current
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, has_errors
from mlcc.core.text import printable
from mlcc.io.disk.reader import read_named
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load import canonical


@click.command("fmt", cls=Command, epilog="Example: mlcc fmt --all --check (in CI: is every file laid out so?)")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file is laid out otherwise.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@project_options_for_reading
@finding_output
def command(selection: Selection, check: bool, diff: bool) -> int:
    """Lay mlcc.yaml out in one way: the schema's order of keys, two spaces a level, one style of quotes.

    Comments stay with what they are about.  What the file means stays the same; a layout for which that cannot be kept
    is refused, and the file is left as it is.
    """
    session = current()
    outcomes: list[Outcome] = []
    with scope(session, selection, Values((), "", ()), see_hidden=True) as over:
        for path in session.counted(over.chosen, "laying out"):
            try:
                changed, found = _file(session, path, check, diff)
            except UserError as problem:
                changed, found = False, list(problem.findings)
            status = REFUSED if has_errors(found) else CHANGED if changed else UNCHANGED
            outcomes.append(Outcome(over.label(path), status, int(has_errors(found)), findings=found))
        checked = Checked(outcomes, over.hidden)
        if session.machine or checked.findings:
            print_found(checked, session, over)
    if not session.machine:
        session.say(_summary(outcomes, written=not (check or diff)))
    return 1 if has_errors(checked.findings) else 0


def _file(session: Session, path: str, check: bool, diff: bool) -> tuple[bool, list[Finding]]:
    """Whether a file is laid out otherwise, and the findings about it; written where nothing is only shown."""
    before = read_named(path, CONFIG_LIMITS.max_bytes)
    after = canonical.formatted(before, printable(path, 300))
    if check or diff:
        return before != after, _shown(session, path, before, after, check, diff)
    if before != after:
        folder, name = os.path.split(path)
        mlcc_yaml.write(folder, {name: (after, before)})
    return before != after, []


def _shown(session: Session, path: str, before: bytes, after: bytes, check: bool, diff: bool) -> list[Finding]:
    """Prints the difference where it is wanted; the finding of a check."""
    if diff and before != after and not session.machine:
        print_hunks(hunks(path, before, after), session)
    misplaced = canonical.misplaced(before, after, printable(path, 300)) if check else None
    return [misplaced] if misplaced is not None else []


def _summary(outcomes: Sequence[Outcome], written: bool) -> str:
    count = f"{len(outcomes)} file{'s' if len(outcomes) != 1 else ''}"
    changed = sum(outcome.status == CHANGED or _is_misplaced(outcome) for outcome in outcomes)
    verb = "laid out anew" if written else "to lay out anew"
    return f"{changed} of {count} {verb}" if changed else f"{count}: nothing to lay out anew"


def _is_misplaced(outcome: Outcome) -> bool:
    return any(finding.code == canonical.MISPLACED for finding in outcome.findings)
