"""status and logs.  Law: reads only; what the service says of a failure is shown in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from mlcc.core.text import printable
from mlcc.io.aws.codebuild import CodeBuild
from mlcc.io.aws.connection import AwsError, Caller
from mlcc.io.aws.ecr import Ecr
from mlcc.io.aws.logs import Event, Group, Logs
from mlcc.lifecycle import aws_errors, image_place
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets.base import SHOWN_LINES, WHY_LINES
from mlcc.lifecycle.targets.sagemaker import account, codebuild, facts, states, transform_jobs
from mlcc.lifecycle.targets.sagemaker import desired as kinds
from mlcc.lifecycle.targets.sagemaker.comparison import Seen
from mlcc.lifecycle.targets.sagemaker.observer import observe, observe_serving
from mlcc.lifecycle.targets.sagemaker.operations import OPERATIONS

# How far back do/logs looks, and how many events it reads where nobody says.
LOG_S, MOST_EVENTS = 24 * 3600.0, 100_000
# How often do/logs --follow asks, and how late an event may become visible behind later ones.
FOLLOW_S, LATE_S = 3.0, 30.0
GROUPS = {
    kinds.ENDPOINT: "/aws/sagemaker/Endpoints/",
    kinds.COMPONENT: "/aws/sagemaker/InferenceComponents/",
    kinds.ADAPTER: "/aws/sagemaker/InferenceComponents/",
}
JOB_GROUP = "/aws/sagemaker/TransformJobs"
# Some parts serve, and others have not been deployed yet.
INCOMPLETE = "Incomplete"


def status(context: Context) -> Result:
    """Whether it serves: the endpoint, and each of its components and adapters with the service's own reason."""
    project = context.project
    caller = context.aws()
    wanted = kinds.wanted(project, account.place(context, caller))
    if not wanted.endpoint:
        return _job(context, caller, transform_jobs.newest(wanted, kinds.prefix(project), caller))
    seen = observe_serving(wanted, kinds.prefix(project), caller)
    endpoint = seen.get((kinds.ENDPOINT, wanted.endpoint))
    word = endpoint.status if endpoint is not None else states.NOT_DEPLOYED
    word = _whole(word, [seen.get((r.kind, r.name)) for r in wanted.of(kinds.COMPONENT, kinds.ADAPTER)])
    document: dict[str, Any] = {"target": project.target.name, "status": word, "endpoint": wanted.endpoint}
    lines = [f"{project.name} on {project.target.name}: {word} (endpoint {wanted.endpoint})"]
    parts = []
    absent = {(r.kind, r.name): Seen({}, states.NOT_DEPLOYED) for r in wanted.of(*GROUPS)} if seen else {}
    for (kind, name), one in sorted({**absent, **seen}.items()):
        if kind in GROUPS:
            part, shown = _part(context, caller, kind, name, one)
            parts.append(part)
            lines += shown
    return Result({**document, "components": parts} if parts else document, lines)


def _whole(endpoint: str, parts: Sequence[Seen | None]) -> str:
    """The state of a deployment: the endpoint's, and where that serves, that of the first part that does not."""
    each = [one.status if one is not None else states.NOT_DEPLOYED for one in parts]
    if endpoint != states.IN_SERVICE:
        return endpoint
    found = next((state for state in each if state != states.IN_SERVICE), endpoint)
    return INCOMPLETE if found == states.NOT_DEPLOYED and states.IN_SERVICE in each else found


def assets(context: Context) -> Result:
    """Everything of the project that is in the account, by kind, with its state."""
    project, caller = context.project, context.aws()
    place = account.place(context, caller)
    wanted = kinds.wanted(project, place)._replace(endpoint=kinds.endpoint_name(project))
    seen = observe(wanted, kinds.prefix(project), caller, everything=True)
    found = [{"asset": kind, "kind": one.status or "there", "name": name} for (kind, name), one in sorted(seen.items())]
    beside = {
        "repository": (image_place.located(project, context.profile).repository, Ecr(caller).repository),
        "codebuild_project": (codebuild.name_of(project, place), CodeBuild(caller).project),
    }
    for asset, (name, look) in beside.items():
        try:
            found += [{"asset": asset, "kind": "there", "name": name}] if look(name) is not None else []
        except AwsError as problem:  # the rest is worth showing without it
            words = printable(context.clean_printed(problem.message), 200)
            context.progress.say(f"{problem.service} was not looked at: {words}")
    return Result({"assets": found}, [])


def _part(context: Context, caller: Caller, kind: str, name: str, one: Seen) -> tuple[dict[str, Any], list[str]]:
    """The endpoint, a component or an adapter: for the document, and for people."""
    part: dict[str, Any] = {"name": name, "kind": kind, "status": one.status}
    reason = context.clean_printed(one.reason)
    copies = ""
    if kind == kinds.COMPONENT and one.copies is not None:
        desired = one.parameters.get("RuntimeConfig", {}).get("CopyCount")
        part["copies"] = {"current": one.copies, "desired": desired}
        copies = f" ({one.copies} of {desired} copies)"
    made = context.completed(" (do/deploy makes it)") if one.status == states.NOT_DEPLOYED else ""
    lines = [f"  {OPERATIONS[kind].word} {name}: {one.status}{made}{copies} {reason}".rstrip()]
    if reason:
        part["reason"] = reason
    if context.argument("why") and (one.reason or one.status not in (states.IN_SERVICE, states.NOT_DEPLOYED)):
        more, shown = _why(context, caller, one.reason, Group(f"{GROUPS[kind]}{name}"))
        part |= more
        lines += shown
    return part, lines


def _why(context: Context, caller: Caller, reason: str, group: Group) -> tuple[dict[str, Any], list[str]]:
    """What a reason means, what would have shown the failure before, and the last lines of the log."""
    row = aws_errors.meaning(reason, context.project.registries)
    try:
        found: dict[str, Any] = {"log": printed(context, caller, [group], WHY_LINES)}
        lines = [f"    {line}" for line in found["log"]] or ["    (its log is empty)"]
    except AwsError as problem:  # the reason is worth showing without the log
        words = printable(context.clean_printed(problem.message), 200)
        found, lines = {"log": []}, [f"    (its log cannot be read: {words})"]
    if row:
        found |= {"meaning": row["says"], "hint": row["hint"]}
        lines = [f"    {row['says']}", f"    hint: {row['hint']}", *lines]
    return found, lines


def _job(context: Context, caller: Caller, job: Mapping[str, Any] | None) -> Result:
    """The project's last transform job."""
    project = context.project
    if job is None:
        lines = [f"{project.name} on {project.target.name}: {states.NOT_DEPLOYED}"]
        return Result({"target": project.target.name, "status": states.NOT_DEPLOYED}, lines)
    word, name, reason = str(job["TransformJobStatus"]), str(job["TransformJobName"]), str(job.get("FailureReason", ""))
    reason = context.clean_printed(reason)
    document: dict[str, Any] = {"target": project.target.name, "status": word, "job": name}
    lines = [f"{project.name} on {project.target.name}: {word} (transform job {name})"]
    if reason:
        document["reason"] = reason
        lines.append(f"  {reason}")
    if context.argument("why") and (reason or word != states.COMPLETED):
        more, shown = _why(context, caller, reason, Group(JOB_GROUP, f"{name}/"))
        document |= more
        lines += shown
    return Result(document, lines)


# ---------------------------------------------------------------- logs
def logs(context: Context) -> Result:
    """What the containers printed in the last day, by time; with `follow` also what they print from now on."""
    project = context.project
    wanted = kinds.wanted(project, facts.without_asking(context)[0])
    groups = [Group(f"{GROUPS[r.kind]}{r.name}") for r in wanted.of(*GROUPS)]
    groups += [Group(JOB_GROUP, f"{kinds.job_start(r.name)}-") for r in wanted.of(kinds.JOB)]
    if context.argument("dry_run"):
        made = [call("logs", "FilterLogEvents", logGroupName=g.name, **_streams(g)) for g in groups]
        return calls(made, **facts.without_asking(context)[1])
    caller = context.aws()
    place = account.place(context, caller)
    if wanted.of(kinds.JOB):  # its name follows from what the account says, and the last one need not be the next one
        job = transform_jobs.newest(kinds.wanted(project, place), kinds.prefix(project), caller)
        groups = [Group(JOB_GROUP, f"{job['TransformJobName']}/")] if job is not None else []
    most = int(context.argument("lines") or SHOWN_LINES)
    if context.argument("follow"):
        _follow(context, caller, groups, most)
    lines = printed(context, caller, groups, most)
    return Result({"target": project.target.name, "lines": lines}, lines or ["(the logs of the last day are empty)"])


def _streams(group: Group) -> dict[str, str]:
    return {"logStreamNamePrefix": group.streams} if group.streams else {}


def printed(context: Context, caller: Caller, groups: Sequence[Group], most: int) -> list[str]:
    """The last lines of some log groups, joined by time, without secrets, safe to print."""
    found = _events(caller, groups, context.clock() - LOG_S)
    if not found:
        return []
    # as a whole: half a secret is one, too, and may stand at the end of a line
    text = context.clean_printed("\n".join(event.text.rstrip("\n") for event in found[-most:]))
    return [printable(line, 0) for line in text.split("\n")]


def _events(caller: Caller, groups: Sequence[Group], since: float) -> list[Event]:
    """The events of some groups by time; of one time and stream in the order in which they came."""
    logs = Logs(caller)
    found = [event for group in groups for event in logs.events(group, since, MOST_EVENTS)]
    return sorted(found, key=lambda event: (event.at, event.stream))


def _follow(context: Context, caller: Caller, groups: Sequence[Group], most: int) -> NoReturn:
    """Shows lines as they come, until interrupted.  Events of the last seconds are asked for again: some come late."""
    cleaner, shown = context.cleaner(), dict[Event, None]()
    found = _events(caller, groups, context.clock() - LOG_S)[-most:]
    while True:
        for event in found:
            if event in shown:
                continue
            shown[event] = None
            for line in cleaner.feed(event.text.rstrip("\n")):
                context.emit(printable(line, 0))
        since = (max(shown).at if shown else context.clock()) - LATE_S
        shown = {event: None for event in shown if event.at >= since}
        context.sleep(FOLLOW_S)
        found = _events(caller, groups, since)
