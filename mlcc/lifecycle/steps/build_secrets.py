"""Secrets of an image's build.  Law: mounted while a step runs; a value stands in no layer, argument, log or file."""

from __future__ import annotations

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.resolve import secret_variables


def names(project: RenderedProject) -> list[str]:
    """The secrets that the Dockerfile mounts."""
    return secret_variables.build_names(project.values)


def values(context: Context) -> dict[str, str]:
    """The secrets by name: from this machine's variables, or from AWS Secrets Manager.

    Raises PreconditionError for a variable that is not set, AwsError for a secret that cannot be read.
    """
    return {name: _value(context, name) for name in names(context.project)}


def _value(context: Context, name: str) -> str:
    own = f"secrets.{name}"
    variable = context.project.get(f"{own}.env")
    if variable is None:
        message = f"the build cannot read {printable(own, 80)} here"
        raise PreconditionError([error("MLCC313", message, hint="do/submit reads it in AWS CodeBuild")])
    if str(variable) not in context.environ:
        message = f"{printable(str(variable), 80)} is not set here, and {printable(own, 80)} is read from it"
        raise PreconditionError([error("MLCC313", message, hint=f"export {printable(str(variable), 80)}")])
    return context.environ[str(variable)]
