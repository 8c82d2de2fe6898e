"""The command line's root command."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mlcc.cli import boundary
from mlcc.cli.command_table import COMMANDS
from mlcc.cli.lazy import LazyGroup
from mlcc.cli.replay import Recording
from mlcc.core.version import VERSION


def _plugin(name: str) -> click.Command | None:
    from mlcc.cli.plugin_commands import command_of

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


def run_command_line(argv: Sequence[str], recording: Recording | None = None) -> int:
    """Runs a command line and returns its exit code.  recording: where to note what the run reads and says."""
    return boundary.run(cli, argv, recording)
