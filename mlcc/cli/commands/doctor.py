"""mlcc doctor: what this machine offers, and what a missing thing would be needed for."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import click

from mlcc.cli import bootstrap_tools as shared
from mlcc.cli.help_sections import Command
from mlcc.cli.options import output_options
from mlcc.cli.output import document, print_document
from mlcc.cli.session import Session, current
from mlcc.core.errors import MlccError, UsageError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.core.text_columns import wrapped
from mlcc.core.version import VERSION
from mlcc.io import container_engines, programs
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.bootstrap import checkup, profiles
from mlcc.lifecycle.bootstrap.permissions import USES
from mlcc.lifecycle.rendered_project import RenderedProject, load_project
from mlcc.registries import load

# What a quota of instances is of where no project says it.
USUAL = "endpoint usage"
OK, MISSING, BROKEN = checkup.OK, checkup.MISSING, checkup.BROKEN


@dataclass(frozen=True)
class Row:
    """One thing: its state, what was found, what it is for, and what to do."""

    what: str
    state: str
    found: str
    needed_for: str = ""
    hint: str = ""


@click.command("doctor", cls=Command, epilog="Example: mlcc doctor --aws --instance-type ml.g5.xlarge")
@click.option("--aws", is_flag=True, help="Also ask AWS: credentials, clock, permissions, quotas.")
@click.option(
    "--instance-type", "types", multiple=True, metavar="TYPE", help="With --aws: a type whose quotas are asked."
)
@click.option(
    "--use",
    "uses",
    multiple=True,
    type=click.Choice(USES),
    help="With --aws: what must be allowed (default: deploy; hyperpod for such a project).",
)
@output_options()
def command(aws: bool, types: tuple[str, ...], uses: tuple[str, ...]) -> int:
    """Check what this machine offers.  Exits 1 when something mlcc cannot do without is broken.

    --aws also checks what an account lets you do, and says what to do about it; the instance type of the project in
    this directory counts, too, and its region comes first.  For a project on HyperPod, and with --use hyperpod, it
    lists the clusters.
    """
    session = current()
    for option, given in (("--use", uses), ("--instance-type", types)):
        if given and not aws:
            message = f"{option} has an effect with --aws only, which asks AWS"
            raise UsageError([error("MLCC901", message, hint=f"mlcc doctor --aws {option} {given[0]}")])
    rows = list(_rows(session)) + (list(_aws(session, types, uses)) if aws else [])
    if session.format in ("json", "yaml"):
        print_document(session, document(checks=[vars(r) for r in rows]))
    else:
        for row in rows if session.verbosity >= 0 else [row for row in rows if row.state == BROKEN]:
            colour = {OK: "green", MISSING: "yellow", BROKEN: "red"}[row.state]
            needed = f"  (for {row.needed_for})" if row.state != OK and row.needed_for else ""
            needed += f"  ({row.hint})" if row.hint else ""
            head = f"{row.state:<8} {row.what:<18} "
            text = head + row.found + needed
            text = text if session.room is None else "\n".join(wrapped(text, session.room, " " * len(head)))
            session.out(session.paint(row.state, fg=colour) + text.removeprefix(row.state))
    return 1 if any(r.state == BROKEN for r in rows) else 0


def _rows(session: Session) -> Iterator[Row]:
    yield Row("mlcc", OK, VERSION)
    yield Row("python", OK, f"{platform.python_version()} at {printable(sys.executable, 200)}")
    yield _registries()
    yield _home(session)
    yield _engine(session)
    yield _venv()
    for program, use in {"git": "--changed-since", **_server_programs()}.items():
        found = programs.find(program, session.environ)
        yield Row(program, OK if found else MISSING, printable(found or "not on PATH", 200), use)


def _server_programs() -> dict[str, str]:
    """The programs that servers need as processes of this machine, and which servers; none of a broken registry."""
    try:
        rows = load().deployment_configs.values()
    except MlccError:
        return {}
    found = {}
    for program in sorted({name for row in rows for name in row.programs}):
        users = [row for row in rows if program in row.programs]
        words = [users[0].name] if len(users) == 1 else sorted({f"{row.architecture}-*" for row in users})
        found[program] = f"{', '.join(words)} as a process of this machine"
    return found


def _registries() -> Row:
    try:
        registries = load()
        counts = f"{len(registries.deployment_configs)} configs, {len(registries.instances)} instance types"
        return Row("registries", OK, counts)
    except MlccError as problem:
        return Row("registries", BROKEN, printable(str(problem), 300))


def _home(session: Session) -> Row:
    home = session.home
    if not os.path.isabs(home):
        return Row(
            "home", BROKEN, f"MLCC_HOME={printable(home, 200)} is relative: nothing is kept; name an absolute path"
        )
    if os.path.lexists(home) and not os.path.isdir(home):
        return Row("home", BROKEN, f"{printable(home, 200)} is not a directory")
    if not os.path.isdir(home):
        return Row("home", OK, f"{printable(home, 200)} (made when it is needed)")
    open_to_others = os.stat(home).st_mode & 0o077
    if open_to_others:
        return Row("home", BROKEN, f"{printable(home, 200)} is open to others: chmod 700 it")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return Row("home", BROKEN, f"{printable(home, 200)} cannot be used by you: chmod 700 it")
    return Row("home", OK, printable(home, 200))


def _engine(session: Session) -> Row:
    engine = container_engines.detect(session.environ)
    if engine is None:
        return Row("container engine", MISSING, "none answers: --target local runs a process", "images")
    return Row("container engine", OK, f"{engine.name} {engine.version}")


def _venv() -> Row:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return Row("venv", MISSING, "the modules venv and ensurepip", "--target local without an engine")
    return Row("venv", OK, "available")


def _aws(session: Session, types: tuple[str, ...], uses: tuple[str, ...]) -> Iterator[Row]:
    profile = profiles.chosen(session.home, session.environ)
    own = _own_project()
    on_cluster = own is not None and own.target.manifests
    uses = uses or ((checkup.CLUSTERS,) if on_cluster else ("deploy",))
    place = str(own.get("deployment.region", "")) if own is not None else ""
    try:
        caller = shared.connection(session, profile, place)
    except AwsError as problem:
        yield Row("credentials", BROKEN, printable(str(problem), 200), hint="check AWS_PROFILE and ~/.aws/config")
        return
    asked = checkup.Asked(profile, uses, _quotas(own, types), time.time, lambda: caller.server_time)
    for found in checkup.checks(asked, caller, load()):
        yield Row(found.what, found.state, found.found, hint=found.hint)


def _own_project() -> RenderedProject | None:
    """The rendered project in this directory, where there is one that can be read."""
    try:
        return load_project(".") if os.path.exists("mlcc.lock") else None
    except MlccError:
        return None


def _quotas(project: RenderedProject | None, types: tuple[str, ...]) -> list[str]:
    """The quotas of instance types by name: of those that were named, and of the project's own.

    They are those of its target; of endpoints where there is no project, or its target has none.
    """
    use = project.target.quota if project is not None else ""
    own = str(project.get("deployment.instance_type", "")) if project is not None and use else ""
    named = dict.fromkeys([*types, *([own] if own else [])])
    return [f"{name} for {use or USUAL}" for name in named]
