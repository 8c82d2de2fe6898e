"""Secrets of an image's build.  Law: mounted while a step runs; a value stands in no layer, argument, log or file."""

from __future__ import annotations

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import printable
from mlcc.io.aws.secretsmanager import SecretsManager
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
    stored, variable = context.project.get(f"{own}.secretsmanager"), context.project.get(f"{own}.env")
    if stored:
        return _stored(context, own, str(stored), str(context.project.get(f"{own}.json_key", "")))
    if str(variable) not in context.environ:
        message = f"{printable(str(variable), 80)} is not set here, and {printable(own, 80)} is read from it"
        raise PreconditionError([error("MLCC313", message, hint=f"export {printable(str(variable), 80)}")])
    return context.environ[str(variable)]


def _stored(context: Context, own: str, secret: str, key: str) -> str:
    """A value of AWS Secrets Manager, or one of a JSON object's.  Raises UserError for what holds none."""
    text = SecretsManager(context.aws()).value(secret)
    if not key:
        return text
    try:
        found = read_json(text)
    except ValueError:
        found = None
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str):
        message = f"the secret {printable(secret, 200)} has no text under {printable(key, 80)}"
        raise UserError([error("MLCC313", message, hint=f"correct {own}.json_key, or the secret")])
    return value
