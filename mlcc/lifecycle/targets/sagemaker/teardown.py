"""clean: what the project has in the account goes away, and what is left is looked for.

Law: deletes only what carries the project's tags, whatever state a failed deployment has left it in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.interruption import COSTS_ON
from mlcc.lifecycle.targets import cleaning
from mlcc.lifecycle.targets.sagemaker import account, beside, facts, in_use, local_model, namesakes, planner
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.beside import CODEBUILD, REPOSITORY
from mlcc.lifecycle.targets.sagemaker.comparison import Observed, Seen
from mlcc.lifecycle.targets.sagemaker.deployment import converge, pace
from mlcc.lifecycle.targets.sagemaker.desired import Desired
from mlcc.lifecycle.targets.sagemaker.observer import observe
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS
from mlcc.lifecycle.targets.sagemaker.planner import Call, Instruction

_SCALING = (kinds.ALARM, kinds.WAKING, kinds.TRACKING, kinds.SCALABLE)
_ENDPOINT = (*planner.TEARDOWN, kinds.JOB)
# What each word takes away: kinds of resources of SageMaker, and what push and submit have made.
MODEL, CONFIG = "model", "config"
SCOPES: Mapping[str, tuple[str, ...]] = {
    cleaning.ALL: (*_ENDPOINT, REPOSITORY, CODEBUILD),
    cleaning.ENDPOINT: _ENDPOINT,
    "components": (*_SCALING, kinds.ADAPTER, kinds.COMPONENT),
    "adapters": (kinds.ADAPTER,),
    MODEL: (kinds.MODEL,),
    CONFIG: (kinds.CONFIG,),
    REPOSITORY: (REPOSITORY,),
    CODEBUILD: (CODEBUILD,),
}


def clean(context: Context) -> Result:
    """Takes away all that the project has in the account, or one part of it, and proves it."""
    project = context.project
    scope = cleaning.scope(context, SCOPES)
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
    proofs |= beside.remove(context, caller, place, scope)
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    return Result({"target": project.target.name, "proofs": proofs}, lines, ok=all(proofs.values()))


def _resources(wanted: Desired, scope: tuple[str, ...], context: Context, caller: Caller) -> dict[str, bool]:
    def chosen(seen: Observed) -> Observed:
        return {key: one for key, one in seen.items() if key[0] in scope}

    def plan(seen: Observed, _: Collection[tuple[str, str]]) -> tuple[Instruction, ...]:
        in_use.refuse(seen, scope, caller)
        return planner.teardown(chosen(seen))

    prefix, how = kinds.prefix(context.project), pace(context, wanted)._replace(left=COSTS_ON)
    converge(wanted, prefix, how, caller, plan, everything=True)
    left = chosen(observe(wanted, prefix, caller, everything=True))
    if kinds.ENDPOINT in scope:
        if not left:
            namesakes.forget(context)
        return {"nothing of it is left in SageMaker": not left}
    return {f"no {OPERATIONS[scope[-1]].word} of it is left": not left}


def _dry_run(context: Context, scope: tuple[str, ...]) -> Result:
    """The calls for all that the project says, and nothing else, in the order of a real run."""
    place, assumed = facts.without_asking(context)
    whole = kinds.wanted(context.project, place)
    seen = {(r.kind, r.name): Seen(r.parameters) for r in whole.resources if r.kind != kinds.JOB and r.kind in scope}
    made: list[Mapping[str, Any]] = [
        call(c.service, c.operation, **c.parameters) for c in planner.teardown(seen) if isinstance(c, Call)
    ]
    made += local_model.removals(context) if kinds.MODEL in scope else []
    made += beside.removals(context, place, scope)
    return calls(made, there="all that the project says, and nothing else", **assumed)
