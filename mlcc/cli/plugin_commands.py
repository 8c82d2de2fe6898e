"""Commands of installed plugins, with their failures as findings."""

from __future__ import annotations

from typing import Any

import click

from mlcc.cli.session import Session
from mlcc.io import plugins
from mlcc.io.plugins import Plugin

MAX_EXIT_CODE = 255
# What a command may raise to say something to the user, or what is the machine's trouble: the boundary knows them.
MEANT = (click.ClickException, click.Abort, OSError)


class PluginCommand(click.Command):
    """A plugin's command: it parses its own words and speaks for itself; its exit code is checked."""

    def __init__(self, plugin: Plugin, own: click.Command) -> None:
        """plugin: whose it is; own: the command."""
        super().__init__(plugin.name, add_help_option=False)
        self.plugin = plugin
        self.own = own

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Its own context where a shell completes its words."""
        if extra.get("resilient_parsing"):
            with self.plugin.guarded(*MEANT):
                return self.own.make_context(info_name, args, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leaves all words to the command."""
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> int:
        """Runs it.  Raises UserError when it fails, or ends with something that is no exit code."""
        with self.plugin.guarded(*MEANT, speaks=True):
            try:
                with self.own.make_context(ctx.info_name, ctx.args, ctx.parent) as inner:
                    result = self.own.invoke(inner)
            except click.exceptions.Exit as left:
                result = left.exit_code
            except SystemExit as left:
                result = left.code
                if isinstance(result, str):
                    raise click.ClickException(result) from None
            return _exit_code(result)


def _exit_code(result: Any) -> int:
    """What a command returned, as the exit code.  Raises TypeError when it is none."""
    if result is None:
        return 0
    if isinstance(result, int) and not isinstance(result, bool) and 0 <= result <= MAX_EXIT_CODE:
        return result
    raise TypeError(f"{result!r} is no exit code (an integer from 0 to {MAX_EXIT_CODE}, or None)")


def command_of(name: str) -> click.Command | None:
    """A plugin's command by its name, or None.  Raises UserError when there is no command in it."""
    from mlcc.cli.command_table import COMMANDS

    found = plugins.find(plugins.COMMANDS, name, Session().environ, {plugins.COMMANDS: COMMANDS})
    if found is None:
        return None
    with found.guarded():
        loaded = found.load()
        if not isinstance(loaded, click.Command):
            raise TypeError(f"a click.Command was expected, not {type(loaded).__name__}")
    return PluginCommand(found, loaded)
