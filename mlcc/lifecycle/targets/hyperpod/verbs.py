"""The verbs of the target hyperpod-eks.  Law: the cluster is proved first; what is not the project's is not touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mlcc.core.errors import UserError
from mlcc.core.findings import error
from mlcc.core.text import printable
from mlcc.io.kubectl import MANAGER, Kubectl, KubectlError, Object, selector
from mlcc.lifecycle import aws_errors, interruption
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.targets import invocation, sample_request, server_contract
from mlcc.lifecycle.targets.base import SHOWN_LINES, WHY_LINES
from mlcc.lifecycle.targets.hyperpod import cluster, documents, own_objects, refusals, teardown
from mlcc.lifecycle.targets.hyperpod.documents import Manifest
from mlcc.lifecycle.targets.hyperpod.objects import ABSENT, DEPLOYMENT, ENDPOINT, KINDS, State, differences, has_labels
from mlcc.lifecycle.targets.live_plan import Difference, shown
from mlcc.lifecycle.targets.sagemaker import account, desired, facts
from mlcc.lifecycle.targets.sagemaker.facts import Facts
from mlcc.resolve.hyperpod import manifests

KUBERNETES = "kubernetes"
POLL_S = 10.0
# Of what was printed before do/logs --follow: kubectl's own number.
FOLLOWED_LINES = 10


def explained(verb: Callable[[Context], Result]) -> Callable[[Context], Result]:
    """A verb whose errors, AWS's and the cluster's, are findings."""
    return aws_errors.explained(refusals.explained(verb))


clean = explained(teardown.clean)


@explained
def deploy(context: Context) -> Result:
    """Applies the manifests, and waits until they serve."""
    project = context.project
    found = documents.read(project)
    if context.argument("dry_run"):
        return _dry_run(context, found)
    caller = context.aws()
    place = account.place(context, caller, image=documents.needs_image(found))
    kubectl = cluster.connect(context, caller)
    wanted = _completed(context, found, place)
    before = {one.path: _ours(context, kubectl, one) for one in wanted}
    if context.argument("plan"):
        return _plan(context, kubectl, wanted, before)
    with interruption.explained(context.progress):
        for one in wanted:
            context.progress.say(f"apply {one.path}: {one.kind} {one.name}")
            kubectl.apply(one.document)
        for one in wanted:
            _wait(context, kubectl, one)
        keep = {(one.kind, one.name) for one in wanted}
        own_objects.delete(context, kubectl, [key for key in own_objects.labelled(context, kubectl) if key not in keep])
    name = _cluster(context)
    where = {"cluster": name, "namespace": documents.namespace(project)}
    document = {"target": project.target.name, "status": "InService", **where}
    return Result(document, [f"{project.name} serves on the HyperPod cluster {name}"])


@explained
def status(context: Context) -> Result:
    """Whether it serves: each object with the cluster's own word and reason."""
    project = context.project
    if context.argument("dry_run"):
        return _listed(context)
    kubectl = _connected(context)
    found = own_objects.labelled(context, kubectl)
    states = {key: KINDS[key[0]].state(one) for key, one in found.items()}
    serving = [state for (kind, _), state in states.items() if kind in (ENDPOINT, DEPLOYMENT)]
    word = next((state.word for state in serving), ABSENT)
    if serving and all(state.ready for state in serving):
        word = "InService"
    lines = [f"{project.name} on {project.target.name}: {word} (namespace {documents.namespace(project)})"]
    parts = []
    for (kind, name), state in states.items():
        part: dict[str, Any] = {"name": name, "kind": kind, "status": state.word}
        if state.reason:
            part["reason"] = printable(context.clean_printed(state.reason), 600)
        lines.append(f"  {kind} {name}: {state.word} {part.get('reason', '')}".rstrip())
        if context.argument("why") and not state.ready and kind in (ENDPOINT, DEPLOYMENT):
            part["log"] = _printed(context, kubectl, [(kind, name)], WHY_LINES)
            lines += [f"    {line}" for line in part["log"]] or ["    (its log is empty)"]
        parts.append(part)
    document = {"target": project.target.name, "status": word, "namespace": documents.namespace(project)}
    return Result({**document, "components": parts} if parts else document, lines)


def _listed(context: Context) -> Result:
    """The calls of status, before anything is there."""
    project = context.project
    place = documents.namespace(project)
    made = [
        call(KUBERNETES, "List", namespace=place, kind=kind, selector=selector(own_objects.marks(context, kind)))
        for kind in KINDS
    ]
    assumed = {} if cluster.name_of(project) else {"cluster": "the one that hyperpod.cluster will name"}
    return calls(made, **assumed)


@explained
def test(context: Context) -> Result:
    """Sends real requests through a forwarded port, and checks every answer."""
    project = context.project
    request = sample_request.request_of(project)
    if context.argument("dry_run"):
        target, port = _forward(context, documents.read(project), {})
        return calls(
            [call(KUBERNETES, "PortForward", namespace=documents.namespace(context.project), target=target, port=port)]
        )
    with _served(context) as url:
        checks = list(server_contract.check(url, project.container, request, context.now, context.clean))
    return sample_request.report(checks, target=project.target.name, cluster=_cluster(context))


@explained
def invoke(context: Context) -> Result:
    """Sends one request through a forwarded port, and passes the answer on."""
    project = context.project
    request, body = invocation.request_of(context)
    if context.argument("dry_run"):
        target, port = _forward(context, documents.read(project), {})
        return calls(
            [call(KUBERNETES, "PortForward", namespace=documents.namespace(context.project), target=target, port=port)]
        )
    path = str(project.container["invocations"])
    with _served(context) as url:
        reply = server_contract.send(url, "POST", path, context.now, body, request.headers(), request.timeout_s)
    return invocation.answered(reply, cluster=_cluster(context))


@explained
def logs(context: Context) -> Result:
    """The last lines that the pods printed, each with its pod; with --follow also those that come."""
    project, count = context.project, int(context.argument("lines") or SHOWN_LINES)
    if context.argument("dry_run"):
        listed = [(one.kind, one.name) for one in documents.read(project) if one.kind in (ENDPOINT, DEPLOYMENT)]
        made = [
            call(
                KUBERNETES,
                "Logs",
                namespace=documents.namespace(context.project),
                selector=_pods(context, *key),
                lines=count,
            )
            for key in listed
        ]
        return calls(made)
    kubectl = _connected(context)
    found = list(own_objects.labelled(context, kubectl))
    if context.argument("follow"):
        _follow(context, kubectl, found, int(context.argument("lines") or FOLLOWED_LINES))
        return Result({"target": project.target.name, "lines": []}, [])
    lines = _printed(context, kubectl, found, count)
    return Result({"target": project.target.name, "lines": lines}, lines or ["(the logs are empty)"])


# ---------------------------------------------------------------- parts
def _cluster(context: Context) -> str:
    """The name of the cluster, which `cluster.connect` has proved."""
    return cluster.name_of(context.project)


def _connected(context: Context) -> Kubectl:
    """kubectl on the project's cluster, for what changes nothing."""
    caller = context.aws()
    account.place(context, caller)
    return cluster.connect(context, caller)


@contextmanager
def _served(context: Context) -> Iterator[str]:
    """An address of this machine that leads to what serves, for as long as the block lasts.

    Raises UserError where nothing of the project is in the cluster.
    """
    kubectl = _connected(context)
    found = own_objects.labelled(context, kubectl)
    if not any(kind in (ENDPOINT, DEPLOYMENT) for kind, _ in found):
        raise UserError([error("MLCC375", f"{context.project.name} is not deployed", hint="do/deploy")])
    target, port = _forward(context, documents.read(context.project), found)
    with kubectl.forwarded(target, port) as local:
        yield f"http://127.0.0.1:{local}"


def _completed(context: Context, found: Sequence[Manifest], place: Facts) -> list[Manifest]:
    project = context.project
    identity = desired.identity(project, place.region).short
    expires = desired.expires(str(project.get("ttl", "")), place.now)
    return [documents.completed(one, place.image, identity, expires) for one in found]


def _dry_run(context: Context, found: Sequence[Manifest]) -> Result:
    """The calls of a first deployment."""
    place, assumed = facts.without_asking(context)
    assumed.pop("role_arn", None)  # nobody assumes one
    made = []
    for one in _completed(context, found, place):
        made.append(
            call(
                KUBERNETES,
                "Apply",
                fieldManager=MANAGER,
                namespace=documents.namespace(context.project),
                object=one.document,
            )
        )
    for one in found:
        made.append(
            call(KUBERNETES, "Get", namespace=documents.namespace(context.project), kind=one.kind, name=one.name)
        )
    if not cluster.name_of(context.project):
        assumed["cluster"] = "the one that hyperpod.cluster will name"
    return calls(made, **assumed)


def _ours(context: Context, kubectl: Kubectl, one: Manifest) -> Object | None:
    """The object of a manifest as it is.  Raises UserError where it is somebody else's."""
    try:
        found = kubectl.get(KINDS[one.kind].resource, one.name)
    except KubectlError as problem:
        if not refusals.is_unknown_resource(problem):
            raise
        raise KubectlError("get", f"no matches for kind {one.kind}: {problem.words}") from problem
    if found is not None and not has_labels(found, own_objects.marks(context, one.kind)):
        where = documents.namespace(context.project)
        message = f"the {one.kind} {printable(one.name)} in {where} was not made for this project"
        wanted = selector(own_objects.marks(context, one.kind))
        hint = f"it lacks {wanted}: rename the project, use another namespace, or delete it by hand"
        raise UserError([error("MLCC376", message, hint=hint)])
    return found


def _plan(
    context: Context, kubectl: Kubectl, wanted: Sequence[Manifest], before: Mapping[str, Object | None]
) -> Result:
    """Every field in which the cluster is not as the manifests say: the server itself works out what it would keep."""
    found: list[Difference] = []
    for one in wanted:
        after = kubectl.apply(one.document, dry_run=True)
        found += differences(one.kind, one.name, before[one.path], after)
    return shown(found, "cluster")


def _wait(context: Context, kubectl: Kubectl, one: Manifest) -> None:
    """Waits until an object serves.  Raises UserError where it fails, is deleted, or takes too long."""
    limit_s, started, shown_before = float(context.argument("timeout") or own_objects.LIMIT_S), context.now(), ""
    while True:
        found = kubectl.get(KINDS[one.kind].resource, one.name)
        state = (
            KINDS[one.kind].state(found) if found is not None else State(ABSENT, failed=True, reason="it was deleted")
        )
        if state.ready:
            return
        reason = printable(context.clean_printed(state.reason), 600)
        words = f"{one.kind} {one.name}: {state.word} {reason}".rstrip()
        if state.failed:
            raise UserError([error("MLCC375", words, hint="do/status --why; do/logs")])
        if words != shown_before:
            shown_before = words
            context.progress.say(words)
        if context.now() - started > limit_s:
            hint = f"do/status --why; {interruption.GOES_ON}"
            raise UserError([error("MLCC375", f"{words} (still, after {limit_s:.0f} s)", hint=hint)])
        context.sleep(POLL_S)


def _forward(context: Context, wanted: Sequence[Manifest], found: Mapping[tuple[str, str], Object]) -> tuple[str, int]:
    """What a port is forwarded to: the Service, or the Deployment that the operator made."""
    for one in wanted:
        if one.kind == ENDPOINT:
            status = (found.get((one.kind, one.name)) or {}).get("status") or {}
            own = (status.get("deploymentStatus") or {}).get("name") or one.name
            return f"deployment/{own}", int(context.project.container["port"])
    return f"service/{manifests.object_name(context.project.name, context.project.env)}", 80


def _pods(context: Context, kind: str, name: str) -> str:
    """The labels of an object's pods.  Those of the operator carry the name of the endpoint as `app`."""
    return f"app={name}" if kind == ENDPOINT else selector(documents.owner(context.project).labels)


def _follow(context: Context, kubectl: Kubectl, keys: Sequence[tuple[str, str]], count: int) -> None:
    """Shows lines as the pods print them, until they end.  Raises UserError where nothing serves."""
    chosen = [_pods(context, *key) for key in keys if key[0] in (ENDPOINT, DEPLOYMENT)]
    if not chosen:
        raise UserError([error("MLCC375", f"{context.project.name} is not deployed", hint="do/deploy")])
    clean = context.cleaner()
    for line in kubectl.followed(chosen[0], count):
        for shown_now in clean.feed(line):
            context.emit(printable(shown_now, 0))
    for rest in clean.rest():
        context.emit(printable(rest, 0))


def _printed(context: Context, kubectl: Kubectl, keys: Sequence[tuple[str, str]], count: int) -> list[str]:
    """The last lines of some objects' pods, without secrets, safe to print."""
    chosen = dict.fromkeys(_pods(context, *key) for key in keys if key[0] in (ENDPOINT, DEPLOYMENT))
    text = context.clean_printed("".join(kubectl.logs(labels, count) for labels in chosen))
    return [printable(line, 0) for line in text.splitlines()]
