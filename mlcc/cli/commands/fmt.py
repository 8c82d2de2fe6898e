"""mlcc fmt: the canonical layout of mlcc.yaml, so that a difference of two files is one of meaning."""

from __future__ import annotations

import os

import click

from mlcc.cli import mlcc_yaml
from mlcc.cli.changes import hunks, print_hunks
from mlcc.cli.formats import print_report
from mlcc.cli.options import finding_output
from mlcc.cli.projects import Selection, files, project_options_for_reading
from mlcc.cli.session import Session, current
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, has_errors
from mlcc.core.text import printable
from mlcc.io.disk.reader import read_named
from mlcc.io.yaml.limits import CONFIG_LIMITS
from mlcc.load import canonical


@click.command("fmt", epilog="Example: mlcc fmt --all --check (in CI: is every file laid out so?)")
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
    found: list[Finding] = []
    changed = 0
    chosen = files(selection, session, found)
    for path in session.counted(chosen, "laying out"):
        try:
            before = read_named(path, CONFIG_LIMITS.max_bytes)
            after = canonical.formatted(before, printable(path, 300))
            changed += before != after
            if check or diff:
                found += _shown(session, path, before, after, check, diff)
            elif before != after:
                folder, name = os.path.split(path)
                mlcc_yaml.write(folder, {name: (after, before)})
        except UserError as problem:
            found += problem.findings
    if session.machine or found:
        print_report(found, session, chosen)
    if not session.machine:
        session.say(_summary(len(chosen), changed, written=not (check or diff)))
    return 1 if has_errors(found) else 0


def _shown(session: Session, path: str, before: bytes, after: bytes, check: bool, diff: bool) -> list[Finding]:
    """Prints the difference where it is wanted; the finding of a check."""
    if diff and before != after and not session.machine:
        print_hunks(hunks(path, before, after), session)
    misplaced = canonical.misplaced(before, after, printable(path, 300)) if check else None
    return [misplaced] if misplaced is not None else []


def _summary(count: int, changed: int, written: bool) -> str:
    verb = "laid out anew" if written else "to lay out anew"
    if not changed:
        return f"{count} file{'s' if count != 1 else ''}: nothing to lay out anew"
    return f"{changed} of {count} file{'s' if count != 1 else ''} {verb}"
