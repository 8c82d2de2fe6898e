"""adapter: one adapter of a running endpoint.  Law: the project says what an adapter is; this changes nothing else.

`add` and `update` make it what mlcc.yaml says, and ask it then, because the service calls an adapter InService that the
container has not loaded; `remove` takes it from the endpoint, and deploys of the project add it again until mlcc.yaml
switches it off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlcc.core.errors import PreconditionError, UsageError, UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, quoted
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets import sample_request
from mlcc.lifecycle.targets.sagemaker import account, canary, facts, planner, states
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Seen
from mlcc.lifecycle.targets.sagemaker.deployment import converge, pace
from mlcc.lifecycle.targets.sagemaker.desired import Desired, Resource
from mlcc.lifecycle.targets.sagemaker.observer import observe_one
from mlcc.lifecycle.targets.sagemaker.planner import Call, Instruction


def adapter(context: Context) -> Result:
    """Adds, lists, updates or removes an adapter."""
    place, assumed = facts.without_asking(context)
    wanted = kinds.wanted(context.project, place)
    action, name = str(context.argument("action", "list")), str(context.argument("name", ""))
    if action == "list":
        if name:
            message = f"do/adapter list takes no name, and {quoted(name)} stands behind it"
            raise UsageError([error("MLCC900", message, hint="do/adapter list shows every adapter with its state")])
        return _list(context, wanted)
    one = _named(context.project, wanted, name)
    only = wanted._replace(resources=(one,))
    if context.argument("dry_run"):
        seen = {} if action == "add" else {(one.kind, one.name): Seen(one.parameters, states.IN_SERVICE)}
        if action == "update":
            based = {**one.parameters["Specification"], "Container": {}}
            seen = {
                key: found._replace(parameters={**one.parameters, "Specification": based})
                for key, found in seen.items()
            }
        made = planner.teardown(seen) if action == "remove" else planner.plan(only, seen)
        shown = [call(c.service, c.operation, **c.parameters) for c in made if isinstance(c, Call)]
        return calls([*shown, *(_questions(context, wanted, one) if action != "remove" else ())], **assumed)
    caller = context.aws()
    known = account.place(context, caller)
    wanted = kinds.wanted(context.project, known)
    return ACTIONS[action](context, caller, wanted, _named(context.project, wanted, name))


def _named(project: RenderedProject, wanted: Desired, name: str) -> Resource:
    """Raises UserError for an adapter that the project does not have, or that is switched off; UsageError for none."""
    found = {r.part: r for r in wanted.of(kinds.ADAPTER)}
    if name not in found:
        kinds.refuse_switched_off(project, name)
        message = f"no adapter of the project is called {quoted(name)}" if name else "which adapter is not named"
        hint = f"known: {allowed(found)}" if found else "add one to `adapters:` in mlcc.yaml, then mlcc apply"
        raise (UserError if name else UsageError)([error("MLCC102", message, hint=hint)])
    return found[name]


def _list(context: Context, wanted: Desired) -> Result:
    """The adapters of the project, each with its state."""
    if context.argument("dry_run"):
        asked = [
            call("sagemaker", "DescribeInferenceComponent", InferenceComponentName=r.name)
            for r in wanted.of(kinds.ADAPTER)
        ]
        return calls(asked, **facts.without_asking(context)[1])
    caller = context.aws()
    wanted = kinds.wanted(context.project, account.place(context, caller))
    rows = []
    for one in wanted.of(kinds.ADAPTER):
        seen = observe_one(wanted, one.kind, one.name, caller)
        url = one.parameters["Specification"]["Container"]["ArtifactUrl"]
        base = kinds.base_of(context.project, one.part)
        state = seen.status if seen else states.NOT_DEPLOYED
        rows.append({"name": one.part, "base": base, "status": state, "artifact_url": url})
    lines = [f"{r['name']:<20} {r['base']:<16} {r['status']:<12} {r['artifact_url']}" for r in rows]
    return Result({"adapters": rows}, lines or ["the project has no adapters"])


def _added(context: Context, caller: Caller, wanted: Desired, one: Resource) -> Result:
    _need_base(wanted, one, caller)
    return _made(context, caller, wanted, one)


def _updated(context: Context, caller: Caller, wanted: Desired, one: Resource) -> Result:
    if observe_one(wanted, one.kind, one.name, caller) is None:
        message = f"the adapter {quoted(one.part)} is not on the endpoint"
        raise PreconditionError([error("MLCC309", message, hint=f"do/adapter add {one.part}")])
    return _made(context, caller, wanted, one)


def _made(context: Context, caller: Caller, wanted: Desired, one: Resource) -> Result:
    only = wanted._replace(resources=(one,))

    def plan(seen: Any, replaced: Any) -> tuple[Instruction, ...]:
        return planner.plan(only, {key: found for key, found in seen.items() if key == (one.kind, one.name)}, replaced)

    converge(only, kinds.prefix(context.project), pace(context, only), caller, plan)
    return _asked(context, caller, wanted, one)


def _asked(context: Context, caller: Caller, wanted: Desired, one: Resource) -> Result:
    """What an adapter that serves answers, where it can be asked; do/test asks it again, and fails where it cannot."""
    document = {"adapter": one.part, "status": states.IN_SERVICE}
    try:
        found = canary.check(context, caller, wanted.endpoint, one, sample_request.request_of(context.project))
    except (AwsError, PreconditionError) as problem:
        why = problem.code if isinstance(problem, AwsError) else problem.findings[0].message
        asks = context.completed("do/test asks it")
        return Result(document, [f"the adapter {one.part} is InService, and was not asked ({why}): {asks}"])
    report = sample_request.report([found], **document)
    word = "serves" if found.ok else context.completed("is InService, and does not serve: do/test asks it again")
    return replace(report, lines=[report.lines[0], f"the adapter {one.part} {word}"])


def _questions(context: Context, wanted: Desired, one: Resource) -> list[dict[str, Any]]:
    try:
        return canary.calls(wanted.endpoint, one, sample_request.request_of(context.project))
    except PreconditionError:
        return []


def _removed(context: Context, caller: Caller, wanted: Desired, one: Resource) -> Result:
    only = wanted._replace(resources=(one,))
    document = {"adapter": one.part, "status": states.NOT_DEPLOYED}
    if observe_one(only, one.kind, one.name, caller) is None:
        return Result(document, [f"the adapter {one.part} is not there: nothing was removed"])

    def plan(seen: Any, replaced: Any) -> tuple[Instruction, ...]:
        return planner.teardown({key: found for key, found in seen.items() if key == (one.kind, one.name)})

    converge(only, kinds.prefix(context.project), pace(context, only), caller, plan)
    hint = context.completed("the next do/deploy adds it again, unless mlcc.yaml says `enabled: false` for it")
    return Result(document, [f"the adapter {one.part} is removed; {hint}"])


def _need_base(wanted: Desired, one: Resource, caller: Caller) -> None:
    """Raises PreconditionError where the component is not in service that the adapter belongs to."""
    name = str(one.parameters["Specification"]["BaseInferenceComponentName"])
    base = observe_one(wanted, kinds.COMPONENT, name, caller)
    if base is None or base.status != states.IN_SERVICE:
        message = f"the component {quoted(name)} of the adapter does not serve"
        raise PreconditionError([error("MLCC309", message, hint="do/deploy")])


ACTIONS: Mapping[str, Callable[[Context, Caller, Desired, Resource], Result]] = {
    "add": _added,
    "remove": _removed,
    "update": _updated,
}
