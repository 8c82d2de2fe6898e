"""An endpoint with this project's tags that another project may have made.  Law: it is not replaced unasked.

Tags say the project's name, and two projects of one account may have the same.  So an endpoint that only its tags lead
to is replaced where this checkout has deployed it, or where it has this project's configuration under another endpoint
name; else whoever deploys says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from mlcc.core.errors import MlccError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.text import quoted
from mlcc.lifecycle import run_state
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed
from mlcc.lifecycle.targets.sagemaker.desired import Desired

CODE = "MLCC392"
# What this checkout has deployed, by the name of the endpoint.
RECORD, NAMES = "deployed.json", "endpoints"
MOST = 50


def findings(context: Context, wanted: Desired, seen: Observed) -> Iterator[Finding]:
    """One for each endpoint that may be somebody else's, unless `--replace` is given."""
    if context.argument("replace"):
        return
    for (kind, name), one in seen.items():
        if kind != kinds.ENDPOINT or name == wanted.endpoint or not one.tags:
            continue
        if one.tags.get(kinds.CONFIG_TAG) == wanted.tags.get(kinds.CONFIG_TAG) or name in _deployed(context):
            continue
        project, environment = (wanted.tags.get(tag, "") for tag in (kinds.PROJECT_TAG, kinds.ENVIRONMENT_TAG))
        message = (
            f"the endpoint {quoted(name)} is tagged {project} and {environment}, too, with another configuration: "
            "it is this project's under an earlier name, or that of another project of the same name"
        )
        hint = f"if the first: do/deploy --replace (it goes when {wanted.endpoint} serves); else: mlcc set project.name"
        yield error(CODE, message, hint=hint)


def refuse(context: Context, wanted: Desired, seen: Observed) -> None:
    """Raises UserError where a deployment would replace what may be somebody else's."""
    problems = list(findings(context, wanted, seen))
    if problems:
        raise UserError(problems)


def remember(context: Context, wanted: Desired) -> None:
    """Writes down that this checkout has deployed an endpoint."""
    names = [name for name in _deployed(context) if name != wanted.endpoint]
    # without the record a later deployment asks for --replace, and this one has succeeded
    with suppress(OSError, MlccError):
        run_state.write(context.project.directory, RECORD, {NAMES: [*names, wanted.endpoint][-MOST:]})


def forget(context: Context) -> None:
    """Takes the record away, when nothing of the project is left."""
    with suppress(OSError, MlccError):
        run_state.remove(context.project.directory, RECORD)


def _deployed(context: Context) -> list[str]:
    """Names that this checkout has written down; a planted record only saves somebody the word `--replace`."""
    with suppress(OSError, MlccError):
        names = run_state.read(context.project.directory, RECORD).get(NAMES)
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return []
