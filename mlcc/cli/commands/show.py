"""mlcc show: the resolved configuration, in mlcc.yaml's own shape."""

from __future__ import annotations

import click

from mlcc import pipeline
from mlcc.cli.changes import say_levels
from mlcc.cli.options import KeyCommand, Values, env_option, file_option, output_options, value_options
from mlcc.cli.output import document, fenced, print_document, print_findings, printable_lines
from mlcc.cli.projects import read, target_of, warn_unfinished
from mlcc.cli.session import current
from mlcc.core import paths
from mlcc.core.errors import UserError
from mlcc.io.yaml import writer
from mlcc.load.locate import find_mlcc_yaml


@click.command("show", cls=KeyCommand, epilog="Example: mlcc show --env prod -o json")
@file_option
@env_option
@value_options
@output_options()
def command(
    file: str,
    env: str | None,
    values: Values,
) -> int:
    """Print every value as it resolved, defaults included."""
    session = current()
    path = file or find_mlcc_yaml(".")
    project = read(path, values, env)
    warn_unfinished(session, target_of(path, ""))
    if not session.machine:
        print_findings(pipeline.recorded_findings(target_of(path, "")), session)
    if not project.ok:
        raise UserError(project.findings)
    tree = paths.nested({p: v.value for p, v in project.resolved.values.items()})
    if session.format == "json":
        print_document(session, document(**tree))
    else:
        text = printable_lines(writer.dump({"version": 1, **tree}))
        session.out(fenced(text, "yaml") if session.format == "markdown" else text)
        print_findings(project.findings, session)
        say_levels(session, project)
    return 0
