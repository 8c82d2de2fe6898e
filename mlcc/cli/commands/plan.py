"""mlcc plan: what apply would do, without doing it."""

from __future__ import annotations

import os
from contextlib import nullcontext

import click

from mlcc.cli import complete, saved_plans
from mlcc.cli.changes import prepare
from mlcc.cli.options import KeyCommand, Values, env_option, finding_output, not_empty, value_options
from mlcc.cli.outcomes import Outcome
from mlcc.cli.planned import outcome_of
from mlcc.cli.projects import Selection, jobs_option, project_options, read, target_of
from mlcc.cli.reports import CHANGES, Totals
from mlcc.cli.runs import each, scope
from mlcc.cli.session import current
from mlcc.core.text import printable
from mlcc.io.disk.observer import observed


@click.command("plan", cls=KeyCommand, epilog="Example: mlcc plan --env prod")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit 2 when there are changes.")
@click.option(
    "--out",
    "out",
    default="",
    metavar="FILE",
    help="Save the plan, for mlcc apply --plan.",
    callback=not_empty,
    shell_complete=complete.paths,
)
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
    out: str,
) -> int:
    """Show what apply would do: every file with its action, and the values that changed.

    Nothing is written.  Exits 0; with --detailed-exitcode 2 when there are changes.
    """
    session = current()
    place = os.path.abspath(out) if out else ""
    with scope(session, selection, values) as over:

        def job(path: str) -> Outcome:
            where, inputs = target_of(path, over.selection.directory), saved_plans.Inputs()
            with observed(inputs) if place else nullcontext():
                project = read(path, over.values, env, (), over.selection.directory, dated=True)
                prepared = prepare(session, project, where)
            outcome = outcome_of(session, over, path, project, prepared, CHANGES if detailed else 0)
            if not place:
                return outcome
            seen = inputs.document(over.root, where, prepared)
            return outcome._replace(document=saved_plans.saved_entry(outcome, project, prepared, seen))

        totals = Totals(session, over, keeps_documents=bool(place))
        for outcome in each(session, over, "planning", job, jobs or 0):
            totals.add(outcome)
        if place:
            saved_plans.write(place, totals.kept, over.many, session.sleep)
            session.note(f"the plan is saved as {printable(out, 200)}: mlcc apply --plan carries it out")
        return totals.print_plans()
