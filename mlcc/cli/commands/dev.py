"""mlcc dev: test instruments for this machine."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

import click

from mlcc.cli.groups import Group
from mlcc.cli.options import output_options
from mlcc.cli.output import document, print_document
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import Session, current
from mlcc.cli.talk import Talk
from mlcc.core.errors import PreconditionError, UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import quoted
from mlcc.io.aws.connection import Connection
from mlcc.io.disk.private import private_folder
from mlcc.io.disk.staging import staging_folder
from mlcc.lifecycle.bootstrap import profiles
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import load_project
from mlcc.load.locate import registry_roots
from mlcc.load.request import Request
from mlcc.servers.devserver import service
from mlcc.servers.devserver.projects import Present
from mlcc.servers.devserver.service import CONTAINER, PROCESS, Settings

PORT, REGION, ACCOUNT = 4580, "us-east-1", "123456789012"
ENVIRONMENT = "environment.sh"
SCHEMES = ("http", "https")


@click.group("dev", cls=Group, epilog="Example: mlcc dev aws --help")
def command() -> None:
    """Test instruments for this machine."""


@command.command("aws", epilog="Example: mlcc dev aws -C iris --speed 600")
@click.option(
    "-C", "--directory", "directories", multiple=True, metavar="DIR",
    help="A rendered project, whose image it starts (again for more; default: here).",
)  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Where to listen; 0: any.")
@click.option(
    "--speed", type=click.FloatRange(0.001, 1e6), default=60.0, show_default=True, metavar="FACTOR",
    help="How fast its clock runs.",
)  # fmt: skip
@click.option(
    "--launcher", type=click.Choice([PROCESS, CONTAINER]),
    help="What stands for a container of SageMaker (default: container where an engine answers).",
)  # fmt: skip
@click.option("--state", metavar="DIR", help="Where logs and model data are kept (default: a folder that goes again).")
@click.option("--beside", default="", metavar="URL", help="A server of this machine for S3, SNS, ECR and all others.")
@click.option("--account", default=ACCOUNT, show_default=True, metavar="NUMBER", help="The account's number.")
@output_options(("table", "json", "yaml"))
def aws(
    directories: tuple[str, ...],
    port: int,
    speed: float,
    launcher: str | None,
    state: str | None,
    beside: str,
    account: str,
) -> int:
    """Start a SageMaker of this machine.  This is not AWS.

    It answers the calls of do/deploy, do/status, do/test and do/clean, and starts the project's image, or its process.
    It prints the environment that leads other shells to it, and runs until Ctrl-C, which ends all that it has started.

    Its clock is its own.  `mlcc reap` goes by that of this machine: with --dry-run --at 9h it shows what would be past
    its time.
    """
    session = current()
    _check(beside, account)
    # a file of profiles that is broken is refused before anything starts
    profiles.chosen(session.home, session.environ)
    first, *_ = [_context(session, directory) for directory in directories or (".",)]
    if launcher is None:
        launcher = CONTAINER if first.engine is not None else PROCESS
    region = str(first.project.get("deployment.region", "")) or REGION
    with ExitStack() as end:
        folder = _folder(state) if state else end.enter_context(staging_folder(session.staging))
        settings = Settings(region, account, folder, launcher, speed, port, beside)
        other = Connection(region, stand_in=beside) if beside else None
        again = Present({d: partial(_context, session, d) for d in directories or (".",)}, session.say)
        try:
            running = service.opened(settings, again, time.monotonic, time.time, other)
        except OSError as problem:
            raise _taken(port, problem) from None
        end.callback(running.close)
        _show(session, settings, running.server.url)
        running.server.serve_forever()
    return 0


def _check(beside: str, account: str) -> None:
    """Raises UsageError."""
    parts = urlsplit(beside)
    if beside and (parts.scheme not in SCHEMES or not parts.hostname):
        raise UsageError([error("MLCC002", f"--beside {quoted(beside)}: no address of a server")])
    if len(account) != 12 or not account.isdecimal():
        raise UsageError([error("MLCC002", f"--account {quoted(account)}: no number of twelve digits")])


def _context(session: Session, directory: str) -> Context:
    """A project as it is now."""
    named, problems = registry_roots(Request(environ=session.environ, plugged=plugged(session)))
    if problems:
        raise UserError(problems)
    return Context(
        load_project(directory, named),
        session.environ,
        Talk(session),
        session.sleep,
        time.monotonic,
        clock=time.time,
        home=session.home,
        find_profile=partial(profiles.chosen, session.home, session.environ),
    )


def _folder(path: str) -> str:
    private_folder(path)
    return os.path.abspath(path)


def _taken(port: int, problem: OSError) -> PreconditionError:
    why = (problem.strerror or "it is taken").lower()
    return PreconditionError(
        [error("MLCC380", f"port {port} cannot be listened on: {why}", hint="--port 0 takes a free one")]
    )


def _show(session: Session, settings: Settings, url: str) -> None:
    """The environment as the result, and a file of it; all else is talk."""
    found = service.variables(settings, url, session.environ)
    if session.format in ("json", "yaml"):
        print_document(session, document(url=url, launcher=settings.launcher, variables=found))
    else:
        for line in _exports(found):
            session.out(line, whole=True)
    path = os.path.join(settings.folder, ENVIRONMENT)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join(_exports(found)) + "\n")
    for line in service.words(settings, url):
        session.say(line)
    session.say(f"In other shells: . {shlex.quote(path)}")


def _exports(variables: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
