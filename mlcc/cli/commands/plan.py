"""mlcc plan: what apply would do, without doing it."""

from __future__ import annotations

import click

from mlcc.cli.changes import CHANGES, flush, prepare, print_plan, say_sources, worse
from mlcc.cli.options import KeyCommand, Values, env_option, output_options, value_options
from mlcc.cli.output import print_findings
from mlcc.cli.projects import Selection, files, findings_of, project_options, read, target_of, warn_unfinished
from mlcc.cli.session import current


@click.command("plan", cls=KeyCommand, epilog="Example: mlcc plan --env prod")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 when there are changes.")
@project_options
@env_option
@value_options
@output_options()
def command(
    selection: Selection,
    env: str | None,
    values: Values,
    detailed: bool,
) -> int:
    """Show what apply would do: every file with its action, and the values that changed.

    Nothing is written.  Exits 0; with --detailed-exitcode 2 when there are changes.
    """
    session = current()
    code = 0
    for path in session.counted(files(selection, session), "planning"):
        project = read(path, values, env, (), selection.directory, dated=True)
        where = target_of(path, selection.directory)
        prepared = prepare(session, project, where)
        findings = findings_of(project, prepared, where)
        print_plan(session, project, prepared, findings, path, done=False)
        if not session.machine:
            print_findings(findings, session)
            say_sources(session, project)
        warn_unfinished(session, where)
        blocked = prepared.plan.blocked
        code = worse(code, 1 if blocked else CHANGES if detailed and prepared.changes else 0)
    flush(session)
    return code
