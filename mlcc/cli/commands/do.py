"""mlcc do: the steps of a rendered project, as its do/ shims call them."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from mlcc import lifecycle
from mlcc.cli import complete
from mlcc.cli.groups import Group
from mlcc.cli.help_sections import Command
from mlcc.cli.options import directory_option, output_options
from mlcc.cli.output import document, print_document
from mlcc.cli.plugin_parts import plugged
from mlcc.cli.session import FORMATS, Session, current
from mlcc.cli.talk import Talk, lines
from mlcc.core.errors import UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import nearest, quoted
from mlcc.io.aws import quick_identity
from mlcc.io.aws.connection import Caller, Connection
from mlcc.lifecycle import step_words
from mlcc.lifecycle.bootstrap import profiles
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.deployments.ci_table import TABLE
from mlcc.lifecycle.deployments.records import STATUSES
from mlcc.lifecycle.rendered_project import load_project
from mlcc.load.locate import registry_roots
from mlcc.load.request import Request

NUMBER = click.FloatRange(min=0.1)
# What do/clean takes away; a part is one of AWS.
PARTS = ("all", "endpoint", "components", "adapters", "model", "config", "repository", "codebuild")
# Steps whose lines are for people alone: nobody copies them, or gives them to a program.
FOLDED = ("adapter", "build", "clean", "deploy", "manifest", "push", "register", "status", "submit", "test", "validate")
# Options that only some steps have.
OWN: dict[str, tuple[click.Parameter, ...]] = {
    "adapter": (
        click.Argument(
            ["action"], type=click.Choice(["add", "list", "update", "remove"]), default="list", required=False
        ),
        click.Argument(["name"], default="", required=False),
    ),
    "deploy": (
        click.Option(["--port"], type=click.IntRange(1, 65535), help="Where to listen (local; default 8080 if free)."),
        click.Option(["--plan"], is_flag=True, help="Show how what runs differs; change nothing."),
        click.Option(["--replace"], is_flag=True, help="Replace an endpoint with this project's tags (AWS)."),
        click.Option(["--timeout"], type=NUMBER, metavar="SECONDS", help="How long to wait until it serves."),
        click.Option(["--component"], metavar="NAME", help="Which inference component (local)."),
    ),
    "run": (
        click.Option(["--port"], type=click.IntRange(1, 65535), help="Where to listen (default 8080 if free)."),
        click.Option(["--component"], metavar="NAME", help="Which inference component."),
    ),
    "register": (
        click.Option(
            ["--status"],
            type=click.Choice(STATUSES),
            metavar="STATUS",
            help=f"How it went: {', '.join(STATUSES)} (default: {STATUSES[0]}).",
        ),
        click.Option(["--notes"], metavar="TEXT", help="What somebody should know of it."),
        click.Option(["--build-strategy"], metavar="NAME", help="How the image was built, if not as mlcc.yaml says."),
        click.Option(["--project"], is_flag=True, help="Also the project's description."),
        click.Option(["--live"], is_flag=True, help="Also what AWS tells: who registers, and what runs."),
        click.Option(["--ci"], is_flag=True, help="Into the table that continuous integration tests, as JSON (AWS)."),
        click.Option(["--ci-table"], metavar="NAME", help=f"With --ci: its name, if not the profile's or {TABLE}."),
        click.Option(["--benchmark-enabled"], is_flag=True, help="With --ci: a benchmark follows a passed test."),
    ),
    "export": (
        click.Option(["--cloudformation"], is_flag=True, help="As a CloudFormation template of its AWS resources."),
    ),
    "manifest": (click.Option(["--live"], is_flag=True, help="Also what of it is in AWS, which is asked."),),
    "invoke": (
        click.Option(
            ["--payload"],
            type=click.File("rb", lazy=True),
            metavar="FILE",
            help="What is sent; - reads it from standard input.",
        ),
        click.Option(["--content-type"], metavar="TYPE", help="The type of what is sent."),
        click.Option(["--component", "--ic", "--adapter"], metavar="NAME", help="This inference component or adapter."),
        click.Option(["--timeout"], type=NUMBER, metavar="SECONDS", help="How long to wait for the answer."),
        click.Option(["--stream"], is_flag=True, help="Print the answer as it comes."),
        click.Option(["--clients"], is_flag=True, help="Send nothing; print how other clients ask (curl, boto3 ...)."),
    ),
    "status": (click.Option(["--why"], is_flag=True, help="Also the last log lines of what does not serve."),),
    "test": (
        click.Option(
            ["--component", "--ic", "--adapter"], metavar="NAME", help="Only this component or adapter (AWS)."
        ),
    ),
    "logs": (
        click.Option(["--lines", "-n"], type=click.IntRange(min=1), help="Only the last lines."),
        click.Option(["--follow"], is_flag=True, help="Also what is printed from now on, until interrupted."),
    ),
    "clean": (click.Argument(["what"], type=click.Choice(PARTS), default="all", required=False),),
}


def _cleaned(value: Any, context: Context) -> Any:
    """A document without secrets in its texts; its keys are the step's own."""
    if isinstance(value, Mapping):
        return {key: _cleaned(item, context) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item, context) for item in value]
    return context.clean(value) if isinstance(value, str) else value


def _environ(ctx: click.Context) -> Mapping[str, str]:
    """The run's environment, also where the context is asked after the run (help in an error)."""
    session = ctx.find_root().obj
    return session.environ if isinstance(session, Session) else {}


class Steps(Group):
    """The steps as commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All steps."""
        return lifecycle.names(_environ(ctx))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One step as a command, or None."""
        step = lifecycle.step_of(cmd_name, _environ(ctx))
        return _command(cmd_name, step) if step is not None else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses an unknown step with the nearest known one."""
        if not args[0].startswith("-") and lifecycle.step_of(args[0], _environ(ctx)) is None:
            near = nearest(args[0], lifecycle.names(_environ(ctx)))
            hint = f"; did you mean {near}?" if near else ""
            raise click.UsageError(f"no step is called {quoted(args[0])}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group("do", cls=Steps, epilog="Example: mlcc do -C iris deploy --target local")
@directory_option("The rendered project.")
@click.pass_context
def command(ctx: click.Context, directory: str) -> None:
    """Run a step of a rendered project.  The project's do/ folder holds a shim for each."""
    ctx.meta["mlcc.directory"] = directory


def _command(name: str, step: lifecycle.Step) -> click.Command:
    later = "" if step.run else "  Not in this version of mlcc."

    def run(env: str | None, target: str, dry_run: bool, **arguments: Any) -> int:
        return _run(name, step, env, target, {"dry_run": dry_run, **arguments})

    made: click.Command = Command(
        name,
        callback=run,
        help=step.title + later,
        short_help=step.title + later,
        epilog=f"Example: do/{name} {step.example}",
        params=[
            *OWN.get(name, ()),
            click.Option(
                ["--env"], metavar="NAME", help="An environment of the project.", shell_complete=complete.environments
            ),
            click.Option(
                ["--target"],
                default="",
                metavar="NAME",
                help="Where to act, if not the project's own target.",
                shell_complete=complete.targets,
            ),
            click.Option(["--dry-run", "dry_run"], is_flag=True, help="Print what would be called; touch nothing."),
        ],
    )
    return output_options(step.formats)(made)


def _connected(region: str, context: Context, session: Session) -> Caller:
    """A connection to AWS; its library is loaded when the first question has been answered."""
    if session.offline:
        raise UsageError([error("MLCC002", "this asks AWS, and --offline forbids it", hint="--dry-run asks nobody")])
    if session.connect is not None:
        return session.connect(region)
    row = context.project.registries.regions.get(region)
    profile = profiles.aws_profile(context.profile, session.environ)
    return quick_identity.connect(
        region,
        row.dns_suffix if row is not None else "",
        session.environ,
        session.environ.get("HOME", ""),
        profile,
        context.clock,
        lambda: Connection(region, profile),
    )


def _no_lines(name: str, session: Session) -> UsageError:
    """The error for a document that has no form of the format that was asked for."""
    message = f"this result is a document, which has no form for -o {session.format}"
    return UsageError([error("MLCC901", message, hint=f"do/{name} -o json, or -o yaml")])


def _emit(session: Session, whole: bool, quiet: bool, line: str) -> None:
    """Shows a line of a result that has no end; a document, or the calls of a dry run, have nothing before them."""
    if not (session.machine or quiet):
        session.out(lines(line), clean=True, whole=whole)


def _format_given() -> bool:
    """Whether the command line says how to print the result."""
    source = click.get_current_context().get_parameter_source("output")
    return source is click.core.ParameterSource.COMMANDLINE


def _run(name: str, step: lifecycle.Step, env: str | None, target: str, arguments: dict[str, Any]) -> int:
    session = current()
    directory = click.get_current_context().meta["mlcc.directory"]
    named, problems = registry_roots(Request(environ=session.environ, plugged=plugged(session)))
    if problems:
        raise UserError(problems)
    project = load_project(directory, named, env, target)
    if arguments.get("follow") and session.machine and not arguments["dry_run"]:
        message = "--follow has no end, and a document has one"
        hint = f"do/{name} --follow without -o, or do/{name} -o json for the lines so far"
        raise UsageError([error("MLCC901", message, hint=step_words.completed(hint, (name,), env or "", target))])
    talk = Talk(session)
    context = Context(
        project,
        session.environ,
        talk,
        session.sleep,
        time.monotonic,
        arguments,
        clock=time.time,
        connect=lambda region: _connected(region, context, session),
        home=session.home,
        emit=partial(_emit, session, name not in FOLDED, bool(arguments["dry_run"])),
        find_profile=partial(profiles.chosen, session.home, session.environ),
        user=session.user,
    )
    talk.clean = context.clean
    result = lifecycle.run(name, step, context)
    # only the result: what goes wrong is for people as elsewhere
    if arguments["dry_run"]:
        session.format = session.format if session.format in ("json", "yaml") else "json"
    elif not (session.machine or _format_given() or result.whole):
        session.format = "json" if arguments.get("ci") else step.formats[0]
    if session.format in ("json", "yaml"):
        print_document(session, _cleaned(document(**result.document), context), clean=True)
    elif session.format not in FORMATS and not result.raw:
        raise _no_lines(name, session)
    elif result.raw and not sys.stdout.isatty():
        session.out_bytes(result.raw)
    elif session.verbosity >= 0 or not lifecycle.confirms(step, context, result):
        for line in context.clean("\n".join(result.lines)).split("\n"):
            shown = lines(line)
            session.out(shown, clean=True, whole=name not in FOLDED)
    return 0 if result.ok else 1
