"""A command group that imports a command only when it is used.  Law: `--help` imports no command module."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from mlcc.core.text import nearest, quoted


class LazyGroup(click.Group):
    """Commands by name: the module that holds `command`, and the line that help shows."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], fallback: Any = None, **kwargs: Any) -> None:
        """table: name to (module, short help); fallback: name to a command or None, asked last (plugins)."""
        super().__init__(*args, **kwargs)
        self.table = table
        self.fallback = fallback

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All built-in names."""
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command."""
        if cmd_name in self.table:
            command: click.Command = importlib.import_module(self.table[cmd_name][0]).command
            return command
        found: click.Command | None = self.fallback(cmd_name) if self.fallback is not None else None
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuses an unknown name with the nearest known one."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = nearest(name.replace("_", "-"), self.table) or nearest(name, self.table)
            hint = f"; did you mean {near}?" if near else ""
            raise click.UsageError(f"no command is called {quoted(name)}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name][1]) for name in self.list_commands(ctx)])
