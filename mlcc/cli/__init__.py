"""The command line.  Law: the only importer of click, rich and tabulate; no logic worth a unit test of its own."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mlcc._version import VERSION
from mlcc.cli import boundary
from mlcc.cli.lazy import LazyGroup
from mlcc.replay import Recording

COMMANDS = {
    "apply": ("mlcc.cli.apply", "Render the project beside mlcc.yaml."),
    "catalog": ("mlcc.cli.catalog", "Browse the registries."),
    "completion": ("mlcc.cli.completion", "Print the completion script of a shell."),
    "diff": ("mlcc.cli.diff", "Show what apply would change, line by line."),
    "do": ("mlcc.cli.do", "Run a step of a rendered project."),
    "doctor": ("mlcc.cli.doctor", "Check what this machine offers."),
    "explain": ("mlcc.cli.explain", "Say where a value comes from."),
    "init": ("mlcc.cli.init", "Write a commented mlcc.yaml."),
    "inspect": ("mlcc.cli.inspect", "Look into a model file for triton.models."),
    "plan": ("mlcc.cli.plan", "Show what apply would do."),
    "plugins": ("mlcc.cli.plugins", "List installed plugins, their commands too."),
    "schema": ("mlcc.cli.schema", "Print the schema of mlcc.yaml."),
    "set": ("mlcc.cli.set", "Change a value in mlcc.yaml, keeping comments."),
    "show": ("mlcc.cli.show", "Print the resolved configuration."),
    "validate": ("mlcc.cli.validate", "Check mlcc.yaml."),
}


def _plugin(name: str) -> click.Command | None:
    from mlcc.cli.plugins import command_of

    return command_of(name)


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"mlcc {VERSION}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    fallback=_plugin,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    no_args_is_help=False,
    invoke_without_command=True,
    epilog="A first project: mlcc init iris --deployment-config http-fastapi && mlcc apply",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """One committed mlcc.yaml becomes a container project that serves a model."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(0)


def main(argv: Sequence[str], recording: Recording | None = None) -> int:
    """Runs a command line and returns its exit code.  recording: where to note what the run reads and says."""
    return boundary.run(cli, argv, recording)
