"""Programs that a server needs as a process of this machine.  Law: names and who has them are rows."""

from __future__ import annotations

from mlcc.io import programs
from mlcc.lifecycle.context import Context


def need(context: Context) -> None:
    """Raises PreconditionError when a program that the server needs is not installed."""
    for program in context.project.config.programs:
        if programs.find(program, context.environ) is None:
            raise programs.missing(program, context.project.architecture.provided_by.get(program, ""))
