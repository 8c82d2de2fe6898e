"""clean: what the project has in the account goes away, and what is left is looked for.

Law: deletes only what carries the project's tags, whatever state a failed deployment has left it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, printable, quoted
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.lifecycle import build_context
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.interruption import COSTS_ON
from mlcc.lifecycle.targets.sagemaker import account, codebuild, facts, local_model, planner, repository
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed, Seen
from mlcc.lifecycle.targets.sagemaker.deployment import converge, pace
from mlcc.lifecycle.targets.sagemaker.desired import Desired
from mlcc.lifecycle.targets.sagemaker.observer import observe
from mlcc.lifecycle.targets.sagemaker.planner import Call

_SCALING = (kinds.ALARM, kinds.WAKING, kinds.TRACKING, kinds.SCALABLE)
_ENDPOINT = (*planner.TEARDOWN, kinds.JOB)
# What each word takes away: kinds of resources of SageMaker, and what push and submit have made.
REPOSITORY, CODEBUILD = "repository", "codebuild"
SCOPES: Mapping[str, tuple[str, ...]] = {
    "all": (*_ENDPOINT, REPOSITORY, CODEBUILD),
    "endpoint": _ENDPOINT,
    "components": (*_SCALING, kinds.ADAPTER, kinds.COMPONENT),
    "adapters": (kinds.ADAPTER,),
    REPOSITORY: (REPOSITORY,),
    CODEBUILD: (CODEBUILD,),
}


def clean(context: Context) -> Result:
    """Takes away all that the project has in the account, or one part of it, and proves it."""
    project = context.project
    what = str(context.argument("what", "all"))
    if what not in SCOPES:
        message = f"do/clean {quoted(what)}: no part of a deployment on {project.target.name} is called that"
        raise UserError([error("MLCC102", message, hint=f"known: {allowed(SCOPES)}")])
    scope = SCOPES[what]
    if context.argument("dry_run"):
        return _dry_run(context, scope)
    caller = context.aws()
    place = account.place(context, caller)
    # what an earlier target of the project has made goes, too
    wanted = kinds.wanted(project, place)._replace(endpoint=kinds.endpoint_name(project))
    proofs: dict[str, bool] = {}
    if set(scope) & set(_ENDPOINT):
        proofs |= _resources(wanted, scope, context, caller)
    if kinds.MODEL in scope:
        proofs |= local_model.remove(context, caller, place)
    built_there = build_context.is_built_elsewhere(project) or len(scope) == 1
    absent = () if len(scope) == 1 else ABSENT
    if CODEBUILD in scope:
        proofs |= _beside(context, lambda: codebuild.remove(context, caller, place), absent if built_there else CLOSED)
    if REPOSITORY in scope:
        proofs |= _beside(context, lambda: repository.remove(context, caller), absent)
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    return Result({"target": project.target.name, "proofs": proofs}, lines, ok=all(proofs.values()))


# Of a service that is not there: a server that stands in for AWS need not have each.
ABSENT = ("NotImplemented",)
# Of one that this caller may not ask: a project that is not built there has made nothing.
CLOSED = (*ABSENT, "AccessDenied", "AccessDeniedException")


def _beside(context: Context, remove: Callable[[], dict[str, bool]], passed: tuple[str, ...]) -> dict[str, bool]:
    """What push and submit have made.  passed: codes of errors after which it is said, not proved, that nothing is."""
    try:
        return remove()
    except AwsError as problem:
        if problem.code not in passed:
            raise
        words = printable(context.clean_printed(problem.message), 200)
        context.progress.say(f"{problem.service} was not looked at: {words}")
        return {}


def _resources(wanted: Desired, scope: tuple[str, ...], context: Context, caller: Caller) -> dict[str, bool]:
    def chosen(seen: Observed) -> Observed:
        return {key: one for key, one in seen.items() if key[0] in scope}

    prefix, how = kinds.prefix(context.project), pace(context, wanted)._replace(left=COSTS_ON)
    converge(wanted, prefix, how, caller, lambda seen, _: planner.teardown(chosen(seen)), everything=True)
    left = chosen(observe(wanted, prefix, caller, everything=True))
    words = "nothing of it is left in SageMaker" if kinds.ENDPOINT in scope else f"no {scope[-1]} of it is left"
    return {words: not left}


def _dry_run(context: Context, scope: tuple[str, ...]) -> Result:
    """The calls for all that the project says, and nothing else, in the order of a real run."""
    place, assumed = facts.without_asking(context)
    whole = kinds.wanted(context.project, place)
    seen = {(r.kind, r.name): Seen(r.parameters) for r in whole.resources if r.kind != kinds.JOB and r.kind in scope}
    made: list[Mapping[str, Any]] = [
        call(c.service, c.operation, **c.parameters) for c in planner.teardown(seen) if isinstance(c, Call)
    ]
    if CODEBUILD in scope:
        made += codebuild.removal(context.project, place)
    if REPOSITORY in scope:
        made += repository.removals(context)
    return calls(made, there="all that the project says, and nothing else", **assumed)
