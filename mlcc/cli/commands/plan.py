"""mlcc plan: what apply would do, without doing it."""

from __future__ import annotations

import click

from mlcc.cli.changes import prepare
from mlcc.cli.options import KeyCommand, Values, env_option, finding_output, value_options
from mlcc.cli.outcomes import Outcome
from mlcc.cli.planned import outcome_of
from mlcc.cli.projects import Selection, jobs_option, project_options, read, target_of
from mlcc.cli.reports import CHANGES, Totals
from mlcc.cli.runs import each, scope
from mlcc.cli.session import current


@click.command("plan", cls=KeyCommand, epilog="Example: mlcc plan --env prod")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 when there are changes.")
@project_options
@jobs_option
@env_option
@value_options
@finding_output
def command(
    selection: Selection,
    env: str | None,
    values: Values,
    detailed: bool,
    jobs: int | None,
) -> int:
    """Show what apply would do: every file with its action, and the values that changed.

    Nothing is written.  Exits 0; with --detailed-exitcode 2 when there are changes.
    """
    session = current()
    with scope(session, selection, values) as over:

        def job(path: str) -> Outcome:
            project = read(path, over.values, env, (), over.selection.directory)
            prepared = prepare(session, project, target_of(path, over.selection.directory))
            return outcome_of(session, over, path, project, prepared, CHANGES if detailed else 0)

        totals = Totals(session, over)
        for outcome in each(session, over, "planning", job, jobs or 0):
            totals.add(outcome)
        return totals.print_plans()
