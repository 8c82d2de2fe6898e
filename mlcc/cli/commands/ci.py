"""mlcc ci: what continuous integration tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.groups import Group
from mlcc.cli.options import env_option, output_options
from mlcc.cli.output import document, print_document, print_findings, print_rows
from mlcc.cli.projects import Selection, files, project_options_for_reading
from mlcc.cli.session import Session, current
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import Finding, error, has_errors
from mlcc.core.text import printable
from mlcc.io.aws.connection import Connection
from mlcc.lifecycle.aws_errors import explaining
from mlcc.lifecycle.bootstrap import profiles
from mlcc.lifecycle.bootstrap.profile import Profile
from mlcc.lifecycle.deployments import registration
from mlcc.lifecycle.deployments.ci_table import TABLE, Registered, name_of
from mlcc.lifecycle.deployments.registration import Asked, Row
from mlcc.lifecycle.targets.sagemaker.facts import DEFAULT_REGION
from mlcc.load.request import Request
from mlcc.registries.loader import load
from mlcc.resolve.project import Project

COLUMNS = ["result", "config_id", "file"]


@click.group("ci", cls=Group, epilog="Example: mlcc ci register --all")
def command() -> None:
    """Continuous integration on AWS: which configurations are tested."""


@command.command("register", epilog="Example: mlcc ci register --all --dry-run")
@click.option("--ci-table", "table", metavar="NAME", help=f"The table's name, if not the profile's or {TABLE}.")
@click.option("--benchmark-enabled", "benchmark", is_flag=True, help="A benchmark follows each passed test.")
@click.option("--notes", default="", metavar="TEXT", help="What somebody should know of it.")
@click.option("--dry-run", "dry_run", is_flag=True, help="Print what would be called; touch nothing.")
@project_options_for_reading
@env_option
@output_options(("table", "json", "yaml"))
def register(
    selection: Selection, env: str | None, table: str | None, benchmark: bool, notes: str, dry_run: bool
) -> int:
    """Register projects for tests, straight from mlcc.yaml: nothing is rendered.

    A configuration that is there already is tested anew.  Where one project has a mistake, none is registered.
    """
    session = current()
    if session.offline and not dry_run:
        raise UsageError([error("MLCC901", "register uses the network, and --offline forbids it")])
    projects = _projects(session, selection, env)
    profile = profiles.chosen(session.home, session.environ)
    table = table or name_of(profile)
    own = profile.region if profile is not None else session.environ.get("AWS_REGION", "")
    caller = _caller(session, profile, projects) if not dry_run else None
    asked = Asked(caller.region if caller else own or DEFAULT_REGION, session.user, notes, benchmark)
    made = registration.rows(projects, asked, time.time(), session.environ)
    for row in made:
        for other in row.same:
            session.say(f"note: {printable(other, 200)} is the same configuration as {printable(row.file, 200)}")
    if caller is None:
        session.format = "json" if session.format == "table" else session.format
        assumed = {} if own else {"region": DEFAULT_REGION}
        print_document(session, document(calls=registration.calls(made, table), assumed=assumed))
        return 0
    shown: list[dict[str, Any]] = []
    try:
        registration.register(made, caller, table, profile, lambda row, done: shown.append(_shown(session, row, done)))
    finally:
        _print(session, shown, table)
    return 0


def _caller(session: Session, profile: Profile | None, projects: Mapping[str, Project]) -> Connection:
    """A connection where the table is: in the profile's region, else the caller's own, else that of the projects."""
    with explaining(load()):
        own = shared.connection(session, profile)
        return own if own.region else shared.connection(session, profile, registration.common_region(projects))


def _projects(session: Session, selection: Selection, env: str | None) -> dict[str, Project]:
    """The projects by their files.  Raises UserError with the findings of all where one has a mistake."""
    from mlcc import pipeline

    projects: dict[str, Project] = {}
    found: list[Finding] = []
    chosen = files(selection, session)
    for path in session.counted(chosen, "reading"):
        try:
            projects[path] = pipeline.read(path, Request(environ=session.environ), env)
            found.extend(projects[path].findings)
        except UserError as problem:
            found.extend(problem.findings)
    if has_errors(found):
        raise UserError(found)
    print_findings(found, session)
    return projects


def _shown(session: Session, row: Row, done: Registered) -> dict[str, Any]:
    """A row that is in the table now."""
    if done.older:
        session.say(f"note: the table has a row of an older recipe for {printable(row.file, 200)}, too: {done.older}")
    other = done.other(str(row.attributes["projectName"]))
    if other:
        session.say(f"{other} ({printable(row.file, 200)})", -1)
    before = {"before": done.before, "before_project": done.project}
    return {"result": "new" if done.new else "updated", "config_id": done.id, "file": row.file, **before}


def _print(session: Session, shown: list[dict[str, Any]], table: str) -> None:
    if session.format in ("json", "yaml"):
        print_document(session, document(table=table, registered=shown))
    elif shown:
        print_rows(session, shown, COLUMNS)
