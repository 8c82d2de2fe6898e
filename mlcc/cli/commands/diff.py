"""mlcc diff: what apply would change, in values and line by line; or how environments or revisions differ."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from mlcc.cli import comparison_output as shown
from mlcc.cli import complete
from mlcc.cli.changes import prepare
from mlcc.cli.comparisons import of_environments, of_plan
from mlcc.cli.options import KeyCommand, Values, not_empty, output_options, value_options
from mlcc.cli.outcomes import Outcome
from mlcc.cli.planned import outcome_of
from mlcc.cli.projects import Selection, jobs_option, project_options, read, target_of
from mlcc.cli.reports import Totals
from mlcc.cli.revisions import RANGE, Revisions
from mlcc.cli.runs import Job, Scope, each, scope
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error
from mlcc.io.disk.reader import present
from mlcc.load.layers import DEFAULT_ENVIRONMENT


@click.command("diff", cls=KeyCommand, epilog="Example: mlcc diff --all --against main -o markdown")
@click.option(
    "--env",
    "envs",
    multiple=True,
    metavar="NAME [NAME]",
    help="One: diff for it. Two: how they differ.",
    shell_complete=complete.environments,
)
@click.option(
    "--against",
    "against",
    default="",
    metavar="REV",
    callback=not_empty,
    help="Compare with what a commit, branch or tag resolves to.",
)
@project_options
@jobs_option
@value_options
@output_options()
def command(
    selection: Selection,
    envs: tuple[str, ...],
    values: Values,
    against: str,
    jobs: int | None,
) -> int:
    """Show what apply would change: values first, then every file as a unified diff.

    Of a line of more than 500 characters the words are shown that came and went.

    With two environments, show the values in which they differ.  With REV..REV, or --against REV for the files here,
    show how what they resolve to differs: values, costs, and what is rendered.  REV...REV begins where the two parted.
    Nothing is written.
    """
    session = current()
    envs, selection = _second_environment(envs, selection)
    ranges = [word for word in selection.paths if RANGE.match(word) and not present(word)]
    selection = selection._replace(paths=tuple(word for word in selection.paths if word not in ranges))
    if len(envs) > 2:
        raise UsageError([error("MLCC901", "--env is given once or twice")])
    if len(ranges) + bool(against) + (len(envs) == 2) > 1:
        raise UsageError([error("MLCC901", "compare two revisions, or --against one, or two environments")])
    revisions = Revisions(session, ranges[0] if ranges else f"{against}..", envs) if ranges or against else None
    listed = revisions.files if revisions is not None else None
    with scope(session, selection, values, listed=listed, comments=True) as over:
        job = _plan_job(session, over, envs) if revisions is None else revisions.job(over)
        totals = Totals(session, over)
        for outcome in each(session, over, "comparing", job, jobs or 0):
            totals.add(outcome)
        return shown.print_totals(totals, session)


# `--env dev prod`: the second name arrives as a positional
_ENVIRONMENT = re.compile(r"[a-z0-9](?:-?[a-z0-9])*\Z")


def _second_environment(envs: tuple[str, ...], selection: Selection) -> tuple[tuple[str, ...], Selection]:
    """The environments, one of which may stand among the files."""
    *named, last = ("", *selection.paths)
    if len(envs) == 1 and last and _ENVIRONMENT.match(last) and not present(last):
        return (envs[0], last), selection._replace(paths=tuple(named[1:]))
    return envs, selection


def _name(env: str) -> str | None:
    """`default` names the values without an overlay."""
    return None if env == DEFAULT_ENVIRONMENT else env


def _plan_job(session: Session, over: Scope, envs: Sequence[str]) -> Job:
    def environments(path: str) -> Outcome:
        projects = [read(path, over.values, _name(env), (), over.selection.directory) for env in envs]
        for project in projects:
            if not project.ok:
                raise UserError(project.findings)
        compared = of_environments(*projects)
        return shown.print_two(session, path, compared, over.findings(path, projects[1]), envs[1])

    def plan(path: str) -> Outcome:
        project = read(path, over.values, envs[0] if envs else None, (), over.selection.directory)
        prepared = prepare(session, project, target_of(path, over.selection.directory))
        compared = of_plan(project, prepared)

        def printer(findings: Sequence[Finding]) -> None:
            shown.print_planned(session, project, prepared, compared, findings, path)

        outcome = outcome_of(session, over, path, project, prepared, 0, printer=printer)
        return outcome._replace(comment=shown.comment(session, compared, outcome.findings))

    return environments if len(envs) == 2 else plan
