"""A group of commands.  Law: its help shows whole sentences; click cuts them where a line ends."""

from __future__ import annotations

import click

from mlcc.cli.help_sections import Command

# Longer than the first sentence of any command's help.
WHOLE = 1000


class Group(click.Group):
    """A group whose list of commands holds the first sentence of each, on as many lines as it needs."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, one.get_short_help_str(WHOLE)) for name, one in found if one is not None and not one.hidden]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)
