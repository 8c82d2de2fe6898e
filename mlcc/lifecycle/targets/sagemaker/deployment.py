"""deploy: the account becomes what the project says.  Law: look, plan, carry out, until the plan is empty.

A dry run only plans; `--plan` looks and compares; nothing else here decides what is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import Severity, error
from mlcc.io.aws.connection import Caller
from mlcc.lifecycle import interruption
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets import live_plan
from mlcc.lifecycle.targets.sagemaker import (
    account,
    capacity,
    expiry,
    facts,
    local_model,
    namesakes,
    planner,
    states,
    traffic,
    transform_jobs,
)
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Observed, Seen, differences
from mlcc.lifecycle.targets.sagemaker.desired import Desired, with_arns
from mlcc.lifecycle.targets.sagemaker.executor import Anew, Pace, Unsupported, execute
from mlcc.lifecycle.targets.sagemaker.observer import observe, observe_one
from mlcc.lifecycle.targets.sagemaker.planner import Call, Instruction

# How often a deployment looks and plans anew before it gives up: each time something had changed meanwhile.
ROUNDS = 20
# Longer than the longest start that SageMaker allows (an hour), with the machines before it; of a job, a day.
LIMIT_S, JOB_LIMIT_S = 5400.0, 86_400.0


def deploy(context: Context) -> Result:
    """Makes it serve, and waits until it does; a batch job runs until it is completed."""
    project = context.project
    _need_required(context)
    if context.argument("dry_run"):
        return _dry_run(context)
    caller = context.aws()
    asked = account.place(context, caller, image=True)
    place = local_model.sent(context, caller, asked, send=not context.argument("plan"))
    wanted = kinds.wanted(project, place)
    job = next(iter(wanted.of(kinds.JOB)), None)
    if job is not None:
        wanted = kinds.wanted(project, place._replace(job=transform_jobs.running(wanted, job.name, caller)))
    prefix = kinds.prefix(project)
    wanted = namesakes.after(context, wanted)
    if context.argument("plan"):
        return _planned(context, wanted, prefix, caller)
    if job is None:
        namesakes.begin(context, wanted)
    with capacity.explained(context, caller):

        def plan(seen: Observed, replaced: Collection[tuple[str, str]]) -> Sequence[Instruction]:
            namesakes.refuse(context, wanted, seen)
            return planner.plan(wanted, seen, replaced)

        converge(wanted, prefix, pace(context, wanted), caller, plan)
    with interruption.explained(context.progress):
        expiry.renew(wanted, observe(wanted, prefix, caller), caller)
    if job is not None:
        return transform_jobs.finished(wanted, context, caller)
    namesakes.remember(context, wanted)
    document = {"target": project.target.name, "status": states.IN_SERVICE, "endpoint": wanted.endpoint}
    lines = [f"{project.name} serves on the endpoint {wanted.endpoint}"]
    if wanted.of(kinds.ADAPTER):
        lines.append(context.completed("do/test asks each adapter whether it is loaded: the service does not"))
    return Result(document, lines)


def _planned(context: Context, wanted: Desired, prefix: str, caller: Caller) -> Result:
    """What a deployment would change, and what somebody should know of what runs."""
    seen = observe(wanted, prefix, caller)
    found = list(differences(wanted, seen))
    if wanted.of(kinds.JOB):
        found += transform_jobs.changed(wanted, prefix, caller)
    warnings = [one._replace(severity=Severity.WARNING) for one in namesakes.findings(context, wanted, seen)]
    warnings += traffic.findings(context.project, seen, caller, context.clock())
    warnings = [one._replace(hint=context.completed(one.hint)) for one in warnings]
    for one in warnings:
        speak = context.progress.warn if one.severity is Severity.WARNING else context.progress.say
        speak(f"{one.severity.label} {one.code}: {one.message} ({one.hint})")
    anew = {f"{kind}/{name}": why for (kind, name), why in planner.made_anew(wanted, seen).items()}
    return live_plan.shown(found, findings=warnings, anew=anew)


def _need_required(context: Context) -> None:
    """Raises PreconditionError where mlcc.yaml lacks what the target cannot do without."""
    project = context.project
    missing = [key for key in project.target.needs if project.get(key) is None]
    if missing:
        message = f"{project.target.name} needs {', '.join(missing)}"
        hint = f"mlcc set {missing[0]} VALUE, then mlcc apply"
        raise PreconditionError([error("MLCC320", message, hint=hint)])


def _dry_run(context: Context) -> Result:
    """The calls of a first deployment, and what had to be assumed for them."""
    place, assumed = facts.without_asking(context)
    wanted = kinds.wanted(context.project, place)
    made = [i for i in planner.plan(wanted, {}) if isinstance(i, Call)]
    policies = {r.name: place.policy_arn(r.name) for r in wanted.of(kinds.WAKING)}
    if policies:
        assumed["policy_arns"] = policies
    shown = [call(c.service, c.operation, **with_arns(c.parameters, policies)) for c in made]
    return calls(shown, **assumed)


# What is called for a state of the account.  The second argument: what cannot be changed in place, by kind and name.
Plan = Callable[[Observed, Collection[tuple[str, str]]], Sequence[Instruction]]


def pace(context: Context, wanted: Desired) -> Pace:
    """How a step speaks and waits: as long as its caller says, else as the slowest start needs, or a job."""
    limit_s = float(context.argument("timeout") or (JOB_LIMIT_S if wanted.of(kinds.JOB) else LIMIT_S))
    return Pace(context.progress, context.sleep, context.now, limit_s, clean=context.clean_printed)


def converge(wanted: Desired, prefix: str, pace: Pace, caller: Caller, plan: Plan, everything: bool = False) -> None:
    """Looks, plans and carries out until there is nothing left to do.

    prefix: what the names of the project's resources begin with; everything: looks also for what earlier deployments
    left.  A signal after the first call is explained.  Raises UserError when it never ends, or something cannot become
    what it shall be; AwsError for what the account refuses.
    """
    with ExitStack() as begun:
        _converged(wanted, prefix, pace, caller, plan, everything, begun)


def _converged(
    wanted: Desired, prefix: str, pace: Pace, caller: Caller, plan: Plan, everything: bool, begun: ExitStack
) -> None:
    def look(kind: str, name: str) -> Seen | None:
        return observe_one(wanted, kind, name, caller)

    replaced: set[tuple[str, str]] = set()
    for round_ in range(ROUNDS):
        seen = observe(wanted, prefix, caller, everything)
        instructions = plan(seen, replaced)
        if not instructions:
            return
        if not round_:
            begun.enter_context(interruption.explained(pace.progress, pace.left))
        policies = {
            name: str(one.parameters["PolicyARN"]) for (kind, name), one in seen.items() if kind == kinds.WAKING
        }
        try:
            execute(instructions, caller, pace, look, policies)
        except Unsupported as refused:
            replaced.add((refused.kind, refused.name))
        except Anew:
            pace.progress.say("the account has changed meanwhile; looking again")
    message = f"the account is still not as it shall be after {ROUNDS} rounds"
    raise UserError([error("MLCC322", message, hint=f"somebody else may be changing the same resources; {pace.left}")])
