"""mlcc validate: every mistake of one or many mlcc.yaml files, at once, before anything is built or paid for."""

from __future__ import annotations

import click

from mlcc.cli.formats import print_report
from mlcc.cli.options import KeyCommand, env_option, finding_output, value_options
from mlcc.cli.output import count_line
from mlcc.cli.projects import Selection, files, project_options, read, target_of, warn_unfinished
from mlcc.cli.session import current
from mlcc.diagnostics import Finding, has_errors
from mlcc.errors import UserError


@click.command("validate", cls=KeyCommand, epilog="Example: mlcc validate --all -o github")
@project_options
@env_option
@value_options
@finding_output
def command(
    paths: tuple[str, ...],
    file: str,
    directory: str,
    every: bool,
    since: str,
    env: str | None,
    settings: tuple[str, ...],
    extra: str,
    registries: tuple[str, ...],
) -> int:
    """Check mlcc.yaml: syntax, keys, values, and whether they fit together.

    All findings are shown at once.  Exits 1 when one of them is an error.
    """
    session = current()
    found: list[Finding] = []
    chosen = files(Selection(paths, file, directory, every, since), session, found)
    for path in session.counted(chosen, "checking"):
        try:
            found.extend(read(path, settings, extra, registries, env).findings)
        except UserError as problem:
            found.extend(problem.findings)
    print_report(found, session, chosen)
    for path in chosen:
        warn_unfinished(session, target_of(path, directory))
    if not session.machine:
        count = count_line(found)
        what = f"{len(chosen)} files" if len(chosen) != 1 else chosen[0]
        session.say(f"{what}: {count}" if count else f"{what}: nothing wrong")
    return 1 if has_errors(found) else 0
