"""mlcc plugins: what other distributions add."""

from __future__ import annotations

import click

from mlcc import plugins
from mlcc.cli.options import output_options
from mlcc.cli.output import print_rows
from mlcc.cli.session import Session, current


def command_of(name: str) -> click.Command | None:
    """A plugin's command by its name, or None."""
    found = plugins.find(plugins.COMMANDS, name, Session().environ)
    loaded = found.load() if found is not None else None
    return loaded if isinstance(loaded, click.Command) else None


@click.command("plugins", epilog="Example: mlcc plugins -o json")
@output_options()
def command() -> int:
    """List the plugins that are installed, by group.  MLCC_PLUGINS=none switches all of them off."""
    session = current()
    rows = [
        {"group": p.group, "name": p.name, "distribution": p.distribution, "version": p.version, "value": p.value}
        for p in plugins.installed(session.environ)
    ]
    print_rows(session, rows, ["group", "name", "distribution", "version"])
    return 0
