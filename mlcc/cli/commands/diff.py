"""mlcc diff: what apply would change, in values and line by line; or how two environments differ."""

from __future__ import annotations

import re

import click

from mlcc.apply.prepare import Prepared
from mlcc.cli import complete, costs
from mlcc.cli.changes import (
    by_cause,
    changed_lines,
    flush,
    hunks,
    lock_lines,
    prepare,
    print_costs,
    print_hunks,
    print_plan,
    value_rows,
)
from mlcc.cli.costs import Row
from mlcc.cli.options import KeyCommand, Values, output_options, value_options
from mlcc.cli.output import document, print_document, print_findings, print_heading, table
from mlcc.cli.projects import Selection, files, placed, project_options, read, target_of, warn_unfinished
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error, has_errors
from mlcc.core.line_diff import shortened
from mlcc.core.tree import LOCK_NAME
from mlcc.io.disk.reader import present
from mlcc.load.layers import DEFAULT_ENVIRONMENT
from mlcc.plan.changes import DELETE, Change
from mlcc.resolve.hardware.costs import of_resolved
from mlcc.resolve.project import Project


@click.command("diff", cls=KeyCommand, epilog="Example: mlcc diff --env dev prod")
@click.option(
    "--env",
    "envs",
    multiple=True,
    metavar="NAME [NAME]",
    help="One: diff for it. Two: how they differ.",
    shell_complete=complete.environments,
)
@project_options
@value_options
@output_options()
def command(
    selection: Selection,
    envs: tuple[str, ...],
    values: Values,
) -> int:
    """Show what apply would change: values first, then every file as a unified diff.

    Of a line of more than 500 characters the words are shown that came and went.

    With two environments, show the values in which they differ.  Nothing is written.
    """
    session = current()
    *named, last = ("", *selection.paths)
    if len(envs) == 1 and last and _ENVIRONMENT.match(last) and not present(last):
        envs, selection = (envs[0], last), selection._replace(paths=tuple(named[1:]))
    if len(envs) > 2:
        raise UsageError([error("MLCC901", "--env is given once or twice")])
    chosen = files(selection, session)
    if len(envs) == 2:
        for path in session.counted(chosen, "comparing"):
            _environments(session, [read(path, values, _name(e)) for e in envs], path)
        return 0
    code = 0
    for path in session.counted(chosen, "comparing"):
        project = read(path, values, envs[0] if envs else None, (), selection.directory)
        where = target_of(path, selection.directory)
        prepared = prepare(session, project, where)
        _project(session, project, prepared, path, where)
        warn_unfinished(session, where)
        code = max(code, 1 if prepared.plan.blocked else 0)
    flush(session)
    return code


# `--env dev prod`: the second name arrives as a positional
_ENVIRONMENT = re.compile(r"[a-z0-9](?:-?[a-z0-9])*\Z")


def _name(env: str) -> str | None:
    """`default` names the values without an overlay."""
    return None if env == DEFAULT_ENVIRONMENT else env


def _environments(session: Session, projects: list[Project], path: str) -> None:
    print_heading(session, path)
    for project in projects:
        if has_errors(project.findings):
            raise UserError(project.findings)
    first, second = ({p: v.value for p, v in project.resolved.values.items()} for project in projects)
    rows = value_rows(first, second, projects[1])
    named = [project.chosen or DEFAULT_ENVIRONMENT for project in projects]
    priced = [of_resolved(project.resolved, project.registries) for project in projects]
    if session.format in ("json", "yaml"):
        print_document(session, document(values=rows, costs=[Row(named[1], priced[1], priced[0]).document]))
        return
    if rows or session.machine:
        session.out(table(rows, ["path", "before", "after", "source"], session))
    else:
        session.acknowledge("no value differs")
    costs.show(session, [Row(name, cost) for name, cost in zip(named, priced, strict=True)])


def _project(session: Session, project: Project, prepared: Prepared, path: str, where: str) -> None:
    findings = [*project.findings, *placed(prepared.plan.findings, where)]
    if session.machine:
        print_plan(session, project, prepared, findings, path, done=False)
        return
    print_heading(session, path)
    for line in changed_lines(project, prepared, session) if prepared.before.values else []:
        session.out(line)
    print_costs(session, project, prepared, changed_only=not prepared.changes)
    for heading, found in by_cause(prepared):
        if heading:
            session.out(heading)
        for change in found:
            _file(session, change, prepared)
    if not prepared.changes:
        session.acknowledge("nothing to do: the project is as mlcc.yaml says")
    print_findings(findings, session)


def _file(session: Session, change: Change, prepared: Prepared) -> None:
    disk = prepared.known.observed.get(change.path)
    held = prepared.state.lock if change.path == LOCK_NAME else disk.data if disk is not None else None
    before = held if held is not None else b""
    after = b"" if change.action == DELETE else change.data
    if after is None or after == held:
        return
    lines = shortened(hunks(change.path, before, after))
    print_hunks(lock_lines(prepared.before, lines) if change.path == LOCK_NAME else lines, session)
