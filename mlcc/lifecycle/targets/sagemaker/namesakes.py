"""An endpoint with this project's tags that another project may have made.  Law: it is not replaced unasked.

Tags say the project's name, and two projects of one account may have the same, with the same configuration: samples and
defaults are alike.  So an endpoint that only its tags lead to is replaced where this checkout has deployed it; else
whoever deploys says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from mlcc.core.errors import MlccError, UserError
from mlcc.core.findings import Finding, error
from mlcc.core.text import quoted
from mlcc.lifecycle import run_state
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed
from mlcc.lifecycle.targets.sagemaker.desired import Desired

CODE = "MLCC392"
# Names of endpoints that this checkout has deployed, by environment, and the most of one.
RECORD, NAMES = "deployed.json", "endpoints"
MOST = 20


def findings(context: Context, wanted: Desired, seen: Observed) -> Iterator[Finding]:
    """One for each endpoint that may be somebody else's, unless `--replace` is given."""
    if context.argument("replace"):
        return
    known = deployed(context)
    for (kind, name), one in seen.items():
        if kind != kinds.ENDPOINT or name == wanted.endpoint or not one.tags:
            continue
        if name in known:
            continue
        project, environment = (wanted.tags.get(tag, "") for tag in (kinds.PROJECT_TAG, kinds.ENVIRONMENT_TAG))
        message = (
            f"the endpoint {quoted(name)} is tagged {project} and {environment}, too, and this checkout has not "
            "deployed it: it is this project's under an earlier name, or that of another project of the same name"
        )
        hint = f"if the first: do/deploy --replace (it goes when {wanted.endpoint} serves); else: mlcc set project.name"
        yield error(CODE, message, hint=hint)


def refuse(context: Context, wanted: Desired, seen: Observed) -> None:
    """Raises UserError where a deployment would replace what may be somebody else's."""
    problems = list(findings(context, wanted, seen))
    if problems:
        raise UserError(problems)


def after(context: Context, wanted: Desired) -> Desired:
    """What a deployment shall reach, with the names under which this checkout has deployed it before."""
    return wanted._replace(earlier=tuple(name for name in deployed(context) if name != wanted.endpoint))


def begin(context: Context, wanted: Desired) -> None:
    """Writes down that this checkout deploys the endpoint: what an interruption leaves under its name is its own."""
    _write(context, [*wanted.earlier, wanted.endpoint])


def remember(context: Context, wanted: Desired) -> None:
    """Writes down that the endpoint is the only one of this checkout: a deployment takes the others away."""
    _write(context, [wanted.endpoint])


def forget(context: Context) -> None:
    """Takes the record away, when nothing of the environment is left."""
    _write(context, [])


def deployed(context: Context) -> list[str]:
    """Names under which this checkout has deployed the environment, as it has written down.

    A planted record only saves somebody the word `--replace`: what has other tags is never touched.
    """
    names = _records(context).get(context.project.environment_name)
    return [name for name in names if isinstance(name, str)][:MOST] if isinstance(names, list) else []


def _write(context: Context, names: list[str]) -> None:
    environment = context.project.environment_name
    kept = {**_records(context), environment: names[-MOST:]}
    if not names:
        del kept[environment]
    # without the record a later deployment asks for --replace; what this one does is done
    with suppress(OSError, MlccError):
        if kept:
            run_state.write(context.project.directory, RECORD, {NAMES: kept})
        else:
            run_state.remove(context.project.directory, RECORD)


def _records(context: Context) -> dict[str, Any]:
    with suppress(OSError, MlccError):
        found = run_state.read(context.project.directory, RECORD).get(NAMES)
        return found if isinstance(found, dict) else {}
    return {}
