"""The verbs of the SageMaker targets.  Law: look, plan, carry out, until the plan is empty; a dry run only plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, printable, quoted
from mlcc.io.aws import logs as log_events
from mlcc.io.aws import runtime
from mlcc.io.aws.connection import Caller
from mlcc.lifecycle import image_tag
from mlcc.lifecycle.aws_errors import explained
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets import sample_request, server_contract
from mlcc.lifecycle.targets.sagemaker import account, planner
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker import facts as places
from mlcc.lifecycle.targets.sagemaker.comparison import Difference, Observed, Seen, differences
from mlcc.lifecycle.targets.sagemaker.desired import Desired, with_arns
from mlcc.lifecycle.targets.sagemaker.executor import Anew, execute
from mlcc.lifecycle.targets.sagemaker.observer import observe, observe_one
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS
from mlcc.lifecycle.targets.sagemaker.planner import Call, Instruction

# How often a deployment looks and plans anew before it gives up: each time something had changed meanwhile.
ROUNDS = 20
# Longer than the longest start that SageMaker allows (an hour), with the machines before it.
LIMIT_S = 5400.0


# How far back do/logs looks, how many events it reads, and how many lines it shows where nobody says.
LOG_S, MOST_EVENTS, SHOWN_LINES = 24 * 3600.0, 100_000, 1000
# Of the log of what does not serve (do/status --why).
WHY_LINES = 20
GROUPS = {
    kinds.ENDPOINT: "/aws/sagemaker/Endpoints/",
    kinds.COMPONENT: "/aws/sagemaker/InferenceComponents/",
    kinds.ADAPTER: "/aws/sagemaker/InferenceComponents/",
}


@explained
def deploy(context: Context) -> Result:
    """Makes it serve, and waits until it does."""
    project = context.project
    if context.argument("dry_run"):
        return _dry_run(context)
    if "batch" in project.target.uses:
        message = f"deploy on {project.target.name} is not there in this version of mlcc"
        raise PreconditionError([error("MLCC311", message, hint="do/deploy --dry-run shows its calls")])
    caller = context.aws()
    facts = account.ask(project, caller, context.clock(), image_tag.tag_of(project))
    wanted = kinds.wanted(project, facts)
    if context.argument("plan"):
        return shown(differences(wanted, observe(wanted, kinds.prefix(project), caller)))
    _converge(wanted, context, caller, lambda seen: planner.plan(wanted, seen))
    document = {"target": project.target.name, "status": planner.IN_SERVICE, "endpoint": wanted.endpoint}
    return Result(document, [f"{project.name} serves on the endpoint {wanted.endpoint}"])


@explained
def clean(context: Context) -> Result:
    """Takes away all that the project has in the account, and proves it."""
    project = context.project
    if context.argument("dry_run"):
        facts, assumed = _assumed(context)
        whole = kinds.wanted(project, facts)
        seen = {(r.kind, r.name): Seen(r.parameters) for r in whole.resources if r.kind != kinds.JOB}
        made = [i for i in planner.teardown(seen) if isinstance(i, Call)]
        listed = [call(c.service, c.operation, **c.parameters) for c in made]
        return calls(listed, there="all that the project says, and nothing else", **assumed)
    caller = context.aws()
    wanted = kinds.wanted(project, account.ask(project, caller, context.clock()))
    _converge(wanted, context, caller, planner.teardown, everything=True)
    left = observe(wanted, kinds.prefix(project), caller, everything=True)
    proofs = {"nothing of it is left in the account": not left}
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    return Result({"target": project.target.name, "proofs": proofs}, lines, ok=all(proofs.values()))


@explained
def status(context: Context) -> Result:
    """Whether it serves: the endpoint, and each of its components and adapters with the service's own reason."""
    project = context.project
    caller = context.aws()
    wanted = kinds.wanted(project, account.ask(project, caller, context.clock()))
    seen = observe(wanted, kinds.prefix(project), caller)
    endpoint = seen.get((kinds.ENDPOINT, wanted.endpoint))
    word = endpoint.status if endpoint is not None else "NotDeployed"
    document: dict[str, Any] = {"target": project.target.name, "status": word, "endpoint": wanted.endpoint}
    lines = [f"{project.name} on {project.target.name}: {word} (endpoint {wanted.endpoint})"]
    parts = []
    for (kind, name), one in sorted(seen.items()):
        if kind not in GROUPS:
            continue
        reason = {"reason": one.reason} if one.reason else {}
        part: dict[str, Any] = {"name": name, "kind": kind, "status": one.status, **reason}
        lines.append(f"  {OPERATIONS[kind].word} {name}: {one.status} {one.reason}".rstrip())
        if context.argument("why") and (one.reason or one.status != planner.IN_SERVICE):
            part["log"] = _printed(context, caller, [f"{GROUPS[kind]}{name}"], WHY_LINES)
            lines += [f"    {line}" for line in part["log"]] or ["    (its log is empty)"]
        parts.append(part)
    return Result({**document, "components": parts} if parts else document, lines)


@explained
def test(context: Context) -> Result:
    """Sends real requests to the endpoint, or to each of its components and adapters, and checks every answer."""
    project = context.project
    request = sample_request.request_of(project)
    wanted = kinds.wanted(project, _assumed(context)[0])
    parts = {r.part: r.name for r in wanted.of(kinds.COMPONENT, kinds.ADAPTER)} or {"": ""}
    asked = context.argument("component")
    if asked and asked not in parts:
        message = f"no inference component or adapter of the project is called {quoted(str(asked))}"
        raise UserError([error("MLCC102", message, hint=f"known: {allowed([p for p in parts if p]) or 'none'}")])
    chosen = {asked: parts[asked]} if asked else parts
    if context.argument("dry_run"):
        made = [_invocation(wanted.endpoint, name, request) for name in chosen.values()]
        return calls(made, **_assumed(context)[1])
    caller = context.aws()
    account.ask(project, caller, context.clock())
    found = [check for part in chosen.items() for check in _checks(context, caller, wanted.endpoint, part, request)]
    return sample_request.report(found, target=project.target.name, endpoint=wanted.endpoint)


@explained
def logs(context: Context) -> Result:
    """What the containers printed in the last day, by time: of the endpoint and of each of its components."""
    project = context.project
    wanted = kinds.wanted(project, _assumed(context)[0])
    groups = [f"{GROUPS[r.kind]}{r.name}" for r in wanted.of(*GROUPS)]
    if context.argument("dry_run"):
        return calls([call("logs", "FilterLogEvents", logGroupName=group) for group in groups], **_assumed(context)[1])
    caller = context.aws()
    account.ask(project, caller, context.clock())
    lines = _printed(context, caller, groups, int(context.argument("lines") or SHOWN_LINES))
    return Result({"target": project.target.name, "lines": lines}, lines or ["(the logs of the last day are empty)"])


def _printed(context: Context, caller: Caller, groups: Sequence[str], most: int) -> list[str]:
    """The last lines of some log groups, joined by time, without secrets, safe to print."""
    since = context.clock() - LOG_S
    found = sorted(event for group in groups for event in log_events.events(caller, group, since, MOST_EVENTS))
    if not found:
        return []
    # as a whole: half a secret is one, too, and may stand at the end of a line
    text = context.clean("\n".join(event.text.rstrip("\n") for event in found[-most:]))
    return [printable(line, 0) for line in text.split("\n")]


def _checks(
    context: Context, caller: Caller, endpoint: str, part: tuple[str, str], request: server_contract.Request
) -> Iterator[server_contract.Checked]:
    """The checks of one component, or of an endpoint that serves a model of its own."""

    def invoke(body: bytes, headers: Mapping[str, str]) -> server_contract.Reply:
        started = context.now()
        answer = runtime.invoke(caller, endpoint, part[1], body, headers)
        seconds = context.now() - started
        return server_contract.Reply(answer.status, {"content-type": answer.content_type}, answer.body, seconds)

    for found in server_contract.check_invocations(invoke, context.project.container, request, context.clean):
        yield found._replace(name=f"{part[0]} {found.name}".strip())


def _invocation(endpoint: str, component: str, request: server_contract.Request) -> dict[str, Any]:
    """InvokeEndpoint as a dry run shows it."""
    headers = {runtime.MEMBERS[name]: value for name, value in request.headers().items()}
    named = {"InferenceComponentName": component} if component else {}
    return call(runtime.SERVICE, "InvokeEndpoint", EndpointName=endpoint, Body=request.payload, **headers, **named)


def _assumed(context: Context) -> tuple[places.Facts, dict[str, Any]]:
    """The facts of a project without asking anybody."""
    region = context.environ.get("AWS_REGION", "") or context.environ.get("AWS_DEFAULT_REGION", "")
    return places.assumed(context.project, region, context.clock())


def shown(found: Sequence[Difference], source: str = "account") -> Result:
    """Differences between a project and what runs, in the shape of `mlcc plan`.  source: where that was seen."""
    changes: dict[str, str] = {}
    values = []
    for one in found:
        where = f"{one.kind}/{one.name}"
        action = "create" if one.before is None and not one.path else "delete" if one.after is None else "update"
        changes[where] = "update" if one.path else action
        if one.path:
            values.append({"path": f"{where}/{one.path}", "before": one.before, "after": one.after, "source": source})
    summary = {action: list(changes.values()).count(action) for action in dict.fromkeys(changes.values())}
    lines = [f"{action:<7} {where}" for where, action in changes.items()]
    lines += [f"  {v['path']}: {v['before']} -> {v['after']}" for v in values]
    document = {
        "changes": [{"path": where, "action": action} for where, action in changes.items()],
        "values": values,
        "summary": summary,
        "findings": [],
    }
    return Result(document, lines or ["no changes: what runs is what the project says"])


def _dry_run(context: Context) -> Result:
    """The calls of a first deployment, and what had to be assumed for them."""
    facts, assumed = _assumed(context)
    wanted = kinds.wanted(context.project, facts)
    made = [i for i in planner.plan(wanted, {}) if isinstance(i, Call)]
    policies = {r.name: facts.policy_arn(r.name) for r in wanted.of(kinds.WAKING)}
    if policies:
        assumed["policy_arns"] = policies
    return calls([call(c.service, c.operation, **with_arns(c.parameters, policies)) for c in made], **assumed)


Plan = Callable[[Observed], Sequence[Instruction]]


def _converge(wanted: Desired, context: Context, caller: Caller, plan: Plan, everything: bool = False) -> None:
    """Looks, plans and carries out until there is nothing left to do.  Raises UserError when it never ends."""
    prefix = kinds.prefix(context.project)

    def look(kind: str, name: str) -> Seen | None:
        return observe_one(wanted, kind, name, caller)

    limit_s = float(context.argument("timeout") or LIMIT_S)
    for _ in range(ROUNDS):
        seen = observe(wanted, prefix, caller, everything)
        instructions = plan(seen)
        if not instructions:
            return
        policies = {
            name: str(one.parameters["PolicyARN"]) for (kind, name), one in seen.items() if kind == kinds.WAKING
        }
        try:
            execute(instructions, caller, context, look, limit_s, policies)
        except Anew:
            context.progress.say("the account has changed meanwhile; looking again")
    message = f"the account is still not as it shall be after {ROUNDS} rounds"
    raise UserError([error("MLCC322", message, hint="somebody else may be changing the same resources")])
