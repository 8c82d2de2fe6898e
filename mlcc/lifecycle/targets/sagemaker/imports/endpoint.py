"""A running endpoint as a proposal for mlcc.yaml.  Law: reads and proposes; what a deployment would change is listed.

The proof is the live plan: the proposed values are resolved, and what they make is compared with what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc import pipeline
from mlcc.core.errors import UserError
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path
from mlcc.core.text import printable, quoted
from mlcc.io.aws.connection import Caller
from mlcc.lifecycle import step_words
from mlcc.lifecycle.rendered_project import RenderedProject, unrendered
from mlcc.lifecycle.targets.live_plan import Difference
from mlcc.lifecycle.targets.sagemaker import account, desired
from mlcc.lifecycle.targets.sagemaker.bodies import model
from mlcc.lifecycle.targets.sagemaker.comparison import differences
from mlcc.lifecycle.targets.sagemaker.imports import containers, machines, origin, running
from mlcc.lifecycle.targets.sagemaker.imports.origin import Origin
from mlcc.lifecycle.targets.sagemaker.imports.running import Running
from mlcc.lifecycle.targets.sagemaker.imports.sheet import Sheet
from mlcc.lifecycle.targets.sagemaker.observer import observe
from mlcc.load import new_text
from mlcc.load.request import Request
from mlcc.lookups.proposal import Draft, Proposal
from mlcc.registries.loader import Registries
from mlcc.registries.redaction import redact_value
from mlcc.resolve.result import DEFAULT_COMPONENT

DIFFERS, MOST = "MLCC389", 20
PARTS = (machines.project, machines.endpoint, containers.shared, containers.components, machines.instances)


def propose(
    name: str, file: str, over: Mapping[Path, Any], registries: Registries, caller: Caller, now: float
) -> Proposal:
    """What mlcc.yaml says of an endpoint.

    file: where it is going to be written; over: values that the user names, which win; now: seconds since 1970.  Raises
    UserError where there is no such endpoint, or nothing tells its deployment config; AwsError.
    """
    seen = running.look(name, caller)
    config = str(over.get(("deployment", "config"), ""))
    found = origin.find(seen, registries, seen.containers, config)
    sheet = Sheet(seen, found, registries)
    for part in PARTS:
        part(sheet)
    draft = sheet.draft
    draft.values |= over
    env = seen.environment if ("environments", seen.environment) in draft.values else ""
    surplus = _surplus(seen, _project(draft, file, found, registries, env), draft)
    if surplus:  # what the registries would add to the environment that runs
        draft.values["env_unset",] = surplus
    project = _project(draft, file, found, registries, env)
    if env:
        draft.comments.append(f"What runs is the environment {env}: compare it with do/deploy --env {env} --plan.")
    draft.findings += _left(seen, project, caller, now, draft)
    return draft.finished()


def _project(draft: Draft, file: str, found: Origin, registries: Registries, env: str) -> RenderedProject:
    """The project as these values make it.  Raises UserError where they do not resolve."""
    text = new_text.text(draft.finished().values, found.config, hub=False)
    inputs = pipeline.load(file, Request(), text.encode())
    read = pipeline.resolve(inputs, env or None)
    resolved = read.environments[env] if env else read.default
    values = {path: value.value for path, value in resolved.values.items()}
    return unrendered(inputs.directory, registries, values, env or None)


def _surplus(seen: Running, project: RenderedProject, draft: Draft) -> list[str]:
    """Variables of the project that no container has which runs."""
    served = [one.get("Environment", {}) for one in seen.containers]
    names = {n for n in project.components or (DEFAULT_COMPONENT,) for n in model.environment(project, n)}
    own = {str(path[-1]) for path in draft.values if path[0] == "env" or path[-2:-1] == ("env",)}
    return sorted(n for n in names - own if not any(n in one for one in served))


def _left(seen: Running, project: RenderedProject, caller: Caller, now: float, draft: Draft) -> list[Finding]:
    """What a deployment would change."""
    place = f"endpoint {printable(seen.name, 100)}"
    if not seen.project:
        message = "mlcc has not made this endpoint: a deployment makes another one beside it, and leaves it alone"
        hint = "move the requests over, then delete it"
        if desired.endpoint_name(project) == seen.name:
            hint = "give the project another name first (mlcc set project.name), or its endpoint (endpoint.name)"
        return [Finding(DIFFERS, Severity.WARNING, message, file=place, hint=hint)]
    wanted = desired.wanted(project, account.ask(project, caller, now))
    try:
        found = differences(wanted, observe(wanted, desired.prefix(project), caller))
    except UserError as problem:
        return [one._replace(code=DIFFERS, severity=Severity.WARNING, file=place) for one in problem.findings]
    hint = step_words.completed("do/deploy --plan shows it again", ("deploy",), project.env or "")
    return [_finding(one, place, hint) for one in found[:MOST]]


def _finding(one: Difference, place: str, hint: str) -> Finding:
    """A difference without secrets."""
    what = f"{one.kind} {quoted(one.name)}"
    action = "make" if one.before is None else "delete"
    message = f"do/deploy would {action} {what}"
    if one.path:
        name = one.path.rpartition(".")[2]
        before, after = (printable(str(redact_value(name, value)), 200) for value in (one.before, one.after))
        message = f"do/deploy would change {one.path} of {what}: {before} -> {after}"
    return Finding(DIFFERS, Severity.WARNING, message, file=place, hint=hint)
