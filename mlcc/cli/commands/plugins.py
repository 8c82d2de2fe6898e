"""mlcc plugins: what other distributions add; and their commands."""

from __future__ import annotations

import click

from mlcc.cli.options import output_options
from mlcc.cli.output import print_findings, print_rows
from mlcc.cli.session import current
from mlcc.io import plugins


@click.command("plugins", epilog="Example: mlcc plugins -o json")
@output_options()
def command() -> int:
    """List the plugins that are installed, by group, and what two of one name bring.

    A plugin of the group mlcc.commands runs as mlcc NAME.  MLCC_PLUGINS=none switches all plugins off.
    """
    from mlcc.cli.plugin_parts import built_in

    session = current()
    found = plugins.look(session.environ)
    rows = [
        {"group": p.group, "name": p.name, "distribution": p.distribution, "version": p.version, "value": p.value}
        for p in found
    ]
    print_rows(session, rows, ["group", "name", "distribution", "version"])
    wrong = plugins.clashes(found, built_in())
    print_findings(wrong, session)
    return 1 if wrong else 0
