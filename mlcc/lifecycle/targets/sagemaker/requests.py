"""test and invoke: requests to what runs.  Law: an empty or wrong answer fails; nothing is sent twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlcc.core import model_names
from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import allowed, quoted
from mlcc.io.aws import runtime
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.targets import invocation, sample_request, server_contract
from mlcc.lifecycle.targets.sagemaker import (
    account,
    asynchronous,
    canary,
    client_lines,
    facts,
    names,
    states,
    transform_jobs,
    waking,
)
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.desired import Desired, Resource
from mlcc.lifecycle.targets.sagemaker.observer import observe_serving
from mlcc.lifecycle.targets.server_contract import Checked, Reply, Request


def test(context: Context) -> Result:
    """Sends real requests to the endpoint, or to each of its components and adapters, and checks every answer.

    Of a batch job nothing is sent: the job's own state and output are checked.
    """
    project = context.project
    place, assumed = facts.without_asking(context)
    wanted = kinds.wanted(project, place)
    if not wanted.endpoint:
        return _test_job(context, wanted, assumed)
    request = sample_request.request_of(project)
    chosen = _chosen(context, wanted)
    if context.argument("dry_run"):
        shown = (_calls(context, wanted.endpoint, part, request.payload, request) for part in chosen)
        return calls([one for each in shown for one in each], **assumed)
    caller = context.aws()
    account.place(context, caller)
    found = _health(context, caller, wanted, chosen)
    endpoint, *each = found
    for part, own in zip(chosen, each or [endpoint], strict=True):
        if endpoint.ok and own.ok:
            found += _awake(context, caller, wanted, part, request)
    return sample_request.report(found, target=project.target.name, endpoint=wanted.endpoint)


def _test_job(context: Context, wanted: Desired, assumed: Mapping[str, Any]) -> Result:
    prefix = kinds.prefix(context.project)
    if context.argument("dry_run"):
        return calls([call("sagemaker", "ListTransformJobs", NameContains=names.jobs_start(prefix))], **assumed)
    caller = context.aws()
    wanted = kinds.wanted(context.project, account.place(context, caller))
    found = [
        one._replace(detail=context.completed(one.detail))
        for one in transform_jobs.checks(transform_jobs.newest(wanted, prefix, caller), caller)
    ]
    return sample_request.report(found, target=context.project.target.name)


def _chosen(context: Context, wanted: Desired) -> list[Resource | None]:
    """Which components and adapters are asked; None stands for an endpoint that serves a model of its own.

    Raises UserError for a name that the project does not have.
    """
    parts = {r.part: r for r in wanted.of(kinds.COMPONENT, kinds.ADAPTER)}
    asked = context.argument("component")
    if asked and asked not in parts:
        kinds.refuse_switched_off(context.project, str(asked))
        message = f"no inference component or adapter of the project is called {quoted(str(asked))}"
        raise UserError([error("MLCC102", message, hint=f"known: {allowed(parts) or 'none'}")])
    return [parts[asked]] if asked else list(parts.values()) or [None]


def _first(context: Context, wanted: Desired) -> Resource | None:
    """Which one do/invoke asks: the one that is named, else the first component by name, which is then said."""
    chosen = sorted(
        (part for part in _chosen(context, wanted) if part is not None), key=lambda r: (r.kind == kinds.ADAPTER, r.part)
    )
    if len(chosen) > 1:
        others = allowed(part.part for part in chosen[1:])
        context.progress.say(f"asking {quoted(chosen[0].part)}, the first by name; --component names another: {others}")
    return chosen[0] if chosen else None


def _name(part: Resource | None) -> str:
    return part.name if part is not None else ""


def _calls(context: Context, endpoint: str, part: Resource | None, body: Any, request: Request) -> list[dict[str, Any]]:
    """A request as a dry run shows it."""
    members = runtime.request_of(endpoint, _name(part), request.headers())
    if "async" in context.project.target.uses:
        return asynchronous.calls(context.project, members, body)
    return [
        call(runtime.SERVICE, runtime.STREAM if context.argument("stream") else runtime.WHOLE, **members, Body=body)
    ]


# ---------------------------------------------------------------- checks
def _health(context: Context, caller: Caller, wanted: Desired, parts: Sequence[Resource | None]) -> list[Checked]:
    """Whether the endpoint, and each component and adapter that is asked, is in service, in this order."""
    started = context.now()
    seen = observe_serving(wanted, kinds.prefix(context.project), caller)
    milliseconds = (context.now() - started) * 1000
    found = []
    named = [(r.part, (r.kind, r.name)) for r in parts if r is not None]
    for word, key in (("endpoint", (kinds.ENDPOINT, wanted.endpoint)), *named):
        state = seen[key].status if key in seen else states.NOT_DEPLOYED
        ok = state == states.IN_SERVICE
        detail = state if ok else context.completed(f"wanted {states.IN_SERVICE}, saw {state}: do/status --why")
        found.append(Checked(f"{word} health", ok, detail, milliseconds))
    return found


def _awake(context: Context, caller: Caller, wanted: Desired, part: Resource | None, request: Request) -> list[Checked]:
    """The checks of one, after its first copy is there where it had scaled to none."""
    try:
        return list(_checks(context, caller, wanted, part, request))
    except AwsError as problem:
        if part is None or not waking.is_asleep(problem):
            raise
    woken = waking.awaited(context, caller, wanted, part)
    if not woken.ok:
        return [woken]
    try:
        return [woken, *_checks(context, caller, wanted, part, request)]
    except AwsError as problem:
        if not waking.is_asleep(problem):
            raise
        detail = context.completed("it had a copy for a moment, and has none: do/status --why")
        return [woken._replace(ok=False, detail=detail)]


def _checks(
    context: Context, caller: Caller, wanted: Desired, part: Resource | None, request: Request
) -> Iterator[Checked]:
    """The checks of one component or adapter, or of an endpoint that serves a model of its own."""

    def invoke(body: bytes, headers: Mapping[str, str]) -> Reply:
        return _reply(context, caller, wanted.endpoint, _name(part), body, headers)

    word = part.part if part is not None else ""
    container = context.project.container
    if "async" in context.project.target.uses and not context.project.get("async.s3_failure_path"):
        # a refusal goes nowhere, and would be waited for in vain
        container = {**container, "contract": {}}
    is_adapter = part is not None and part.kind == kinds.ADAPTER
    compared = (
        [canary.check(context, caller, wanted.endpoint, part, request)] if part is not None and is_adapter else []
    )
    for found in server_contract.check_invocations(invoke, container, request, context.clean):
        yield found._replace(name=f"{word} {found.name}".strip())
    yield from compared


def _reply(
    context: Context, caller: Caller, endpoint: str, component: str, body: bytes, headers: Mapping[str, str]
) -> Reply:
    if "async" in context.project.target.uses:
        usual = max(asynchronous.LIMIT_S, float(context.project.get("test.timeout_s", 0)))
        limit_s = float(context.argument("timeout", usual))
        return asynchronous.invoke(context, caller, endpoint, body, headers, limit_s)
    started = context.now()
    answer = runtime.SageMakerRuntime(caller, endpoint, component).invoke(body, headers)
    return Reply(answer.status, {"content-type": answer.content_type}, answer.body, context.now() - started)


# ---------------------------------------------------------------- a request of the user's own
def invoke(context: Context) -> Result:
    """Sends one request, and passes the answer on."""
    project = context.project
    place, assumed = facts.without_asking(context)
    wanted = kinds.wanted(project, place)
    if not wanted.endpoint:
        message = f"nothing answers on {project.target.name}: a job reads its requests from S3"
        raise UserError([error("MLCC319", message, hint="do/deploy runs the job; do/test looks at its output")])
    part = _first(context, wanted)
    large = "async" in project.target.uses
    request, body = invocation.request_of(context, invocation.MAX_ASYNC if large else invocation.MAX_BODY)
    if context.argument("dry_run"):
        shown = body.decode("utf-8", "replace")
        return calls(_calls(context, wanted.endpoint, part, shown, request), **assumed)
    if context.argument("clients"):
        asked = client_lines.Asked(wanted.endpoint, _name(part), _served(project, part))
        if large:
            asked = asked._replace(location=asynchronous.location(project, client_lines.FILE))
        return _clients(place, asked, request, body)
    caller = context.aws()
    account.place(context, caller)
    if large:
        asynchronous.warn_of_silence(context)
    if context.argument("stream"):
        parts = runtime.SageMakerRuntime(caller, wanted.endpoint, _name(part)).stream(body, request.headers())
        whole = invocation.streamed(context, parts)
        answered = invocation.answered(Reply(200, {}, whole, 0.0), endpoint=wanted.endpoint)
        return Result(answered.document, [])
    try:
        reply = _reply(context, caller, wanted.endpoint, _name(part), body, request.headers())
    except AwsError as problem:
        if part is None or not waking.is_asleep(problem):
            raise
        raise waking.asleep(wanted, part) from problem
    return invocation.answered(reply, endpoint=wanted.endpoint)


def _served(project: RenderedProject, part: Resource | None) -> str:
    """Under which name the engine serves the model: as mlcc.yaml says, else as its files are named to the engine."""
    own = f"inference_components[{part.part}]." if part is not None else ""
    name = project.get(f"{own}engine.served_model_name") or project.get("engine.served_model_name")
    model = str(project.get(f"{own}model") or project.get("model.name", ""))
    return str(name or (model if model_names.kind(model) == "hub" else project.container["model_dir"]))


def _clients(place: facts.Facts, asked: client_lines.Asked, request: Request, body: bytes) -> Result:
    """How clients ask this endpoint, as lines to copy."""
    found = client_lines.lines(place, asked, request, body, b'"messages"' in body)
    shown = [line for name, lines in found.items() for line in (f"# {name}", *lines, "")]
    clients = {name: "\n".join(lines) for name, lines in found.items()}
    return Result({"endpoint": asked.endpoint, "clients": clients}, shown[:-1])
