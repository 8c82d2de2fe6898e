"""The target `local`: this machine, a container where an engine answers, else a supervised process.

Law: no AWS account, no boto3, no network beyond loopback; nothing is left behind after clean, and clean proves it.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.io import programs
from mlcc.lifecycle import run_state, server_programs, step_lock
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import (
    cleaning,
    invocation,
    live_plan,
    local_plan,
    local_process,
    local_rehearsal,
    sample_request,
    server_contract,
)
from mlcc.lifecycle.targets import local_server as server
from mlcc.lifecycle.targets.base import WHY_LINES
from mlcc.lifecycle.targets.local_server import HOST

ATTEMPTS = 3
# This machine has no parts of a deployment: it is taken away as a whole.
SCOPES = {cleaning.ALL: True}
# How often do/logs --follow looks.
FOLLOW_S = 1.0
IN_SERVICE, STARTING, FAILED, STOPPED = "InService", "Creating", "Failed", "Stopped"


# ---------------------------------------------------------------- deploy
def deploy(context: Context) -> Result:
    """Starts the server in the background and waits until /ping answers 200."""
    project = context.project
    if context.argument("dry_run"):
        return calls([call("engine", "start", **_start_parameters(context))], port=_wanted_port(context))
    if context.argument("plan"):
        record = server.recorded(project)
        runs = bool(record) and server.alive(context, record)
        return live_plan.shown(list(local_plan.differences(context, record, runs)), "local")
    server.need_secrets(context)
    built = build.existing(context)
    server.need(context, built)
    running = server.recorded(project)
    if running and server.alive(context, running):
        context.progress.say("a server of this project runs already; it is replaced")
    server.stop(context, running)
    with ExitStack() as undo:
        undo.callback(_give_up, context)
        try:
            url = str(_started(context, built)["url"])
        except UserError:
            undo.pop_all()  # it is stopped, and do/logs shall show why
            raise
        undo.pop_all()
    document = {"target": "local", "status": IN_SERVICE, "url": url}
    return Result(document, [f"{project.name} serves at {url}/invocations"])


def _started(context: Context, built: build.Built) -> dict[str, Any]:
    """Starts a server and waits for it; on another port when the first is taken meanwhile."""
    start = server.start_container if built.kind == build.IMAGE else server.start_process
    for attempt in itertools.count(1):
        port = local_process.free_port(_wanted_port(context) if attempt == 1 else 0, HOST)
        record = {**start(context, built, port), local_plan.STARTED: local_plan.started(context)}
        run_state.write(context.project.directory, run_state.SERVER, record)
        try:
            server.wait(context, record)
            return record
        except UserError:
            # a port that was free when we looked may be another's by the time the server binds it
            if attempt == ATTEMPTS or not local_process.listens(port, HOST):
                raise
            context.progress.say(f"port {port} was taken meanwhile; trying another")
    raise AssertionError("BUG: the last attempt raises")


def _give_up(context: Context) -> None:
    """Interrupted: what was starting does not go on behind the user's back."""
    if server.stop(context, server.recorded(context.project)):
        run_state.remove(context.project.directory, run_state.SERVER)
        context.progress.say("the server that was starting is stopped")


def _wanted_port(context: Context) -> int:
    return int(context.argument("port") or context.project.container["port"])


def _start_parameters(context: Context) -> dict[str, Any]:
    project = context.project
    names = sorted(project.environment())
    started = local_rehearsal.container(context, _wanted_port(context))
    facts = {"entrypoint": project.container["entrypoint"], "port": project.container["port"], "environment": names}
    return {**facts, "container": started}


# ---------------------------------------------------------------- state
def status(context: Context) -> Result:
    """Whether it serves, and where."""
    if context.argument("dry_run"):
        return calls([call("engine", "ping", path=context.project.container["ping"])])
    record = server.recorded(context.project)
    word = STOPPED
    if record and server.alive(context, record):
        reply = server_contract.ping(str(record.get("url", "")), context.project.container, context.now)
        word = IN_SERVICE if reply.status == 200 else FAILED if server.given_up(context, reply) else STARTING
    elif record:
        word = FAILED
    document: dict[str, Any] = {"target": "local", "status": word}
    lines = [f"{context.project.name} on local: {word}"]
    if word in (IN_SERVICE, STARTING):
        document["url"] = record["url"]
        document["kind"] = record["kind"]
        lines.append(f"  {record['kind']} at {record['url']}")
    if context.argument("why") and record and word != IN_SERVICE:
        document["log"] = server.log_lines(context, record, WHY_LINES)
        lines += [f"    {line}" for line in document["log"]] or ["    (its log is empty)"]
    foreground = [str(r["url"]) for r in server.in_foreground(context)]
    if foreground:
        document["foreground"] = foreground
        lines += [f"  do/run serves in the foreground at {url}" for url in foreground]
    return Result(document, lines)


def _running(context: Context) -> dict[str, Any]:
    record = server.recorded(context.project)
    if not record or not server.alive(context, record):
        message = f"no server of {context.project.name} runs here"
        raise PreconditionError([error("MLCC309", message, hint="do/deploy --target local")])
    return record


# ---------------------------------------------------------------- test
def test(context: Context) -> Result:
    """Sends real requests to the running server and checks every answer."""
    project = context.project
    request = sample_request.request_of(project)
    if context.argument("dry_run"):
        parameters = {"path": project.container["invocations"], "content_type": request.content_type}
        return calls([call("engine", "invoke", **parameters)])
    record = _running(context)
    found = list(server_contract.check(str(record["url"]), project.container, request, context.now, context.clean))
    log = server.log_lines(context, record, WHY_LINES) if any(one.broke for one in found) else []
    return sample_request.report(found, log, target="local", url=record["url"])


def invoke(context: Context) -> Result:
    """Sends one request to the running server, and passes the answer on."""
    project = context.project
    request, body = invocation.request_of(context)
    path = str(project.container["invocations"])
    if context.argument("dry_run"):
        return calls([call("engine", "invoke", path=path, content_type=request.content_type)])
    url = str(_running(context)["url"])
    if context.argument("clients"):
        quoted = map(shlex.quote, (f"Content-Type: {request.content_type}", body.decode("utf-8", "replace")))
        line = f"curl {url}{path} -H {next(quoted)} --data-binary {next(quoted)}"
        return Result({"url": url, "clients": {"curl": line}}, [line])
    reply = server_contract.send(url, "POST", path, context.now, body, request.headers(), request.timeout_s)
    return invocation.answered(reply, url=url)


# ---------------------------------------------------------------- logs
def logs(context: Context) -> Result:
    """What the server printed."""
    if context.argument("dry_run"):
        return calls([call("engine", "logs", lines=int(context.argument("lines") or 0))])
    record = server.recorded(context.project)
    if not record:
        raise PreconditionError([error("MLCC309", "no server was started here", hint="do/deploy --target local")])
    if context.argument("follow"):
        _follow(context, record)
        return Result({"target": "local", "lines": []}, [])
    lines = server.log_lines(context, record, int(context.argument("lines") or 0))
    return Result({"target": "local", "lines": lines}, lines or ["(the log is empty)"])


def _follow(context: Context, record: Mapping[str, Any]) -> None:
    """Shows lines as they come, until the server ends.  The whole text is looked through for secrets each time."""
    shown: list[str] = []
    ended = False
    while not ended:
        ended = not server.alive(context, record)
        lines = server.log_lines(context, record, 0)
        new = lines[len(shown) :] if lines[: len(shown)] == shown else lines
        if not shown and context.argument("lines"):
            new = new[-int(context.argument("lines")) :]
        for line in new:
            context.emit(line)
        shown = lines
        context.sleep(0 if ended else FOLLOW_S)


# ---------------------------------------------------------------- clean
def clean(context: Context) -> Result:
    """Ends the server, removes what build and deploy made, and proves that nothing is left."""
    cleaning.scope(context, SCOPES)
    project = context.project
    record, built = server.recorded(project), run_state.read(project.directory, run_state.BUILD)
    if context.argument("dry_run"):
        return calls([call("engine", "stop", recorded=bool(record)), call("engine", "remove", kind=built.get("kind"))])
    stopped = all(
        [server.stop(context, record), *(server.stop(context, r) for r in run_state.foreground(project.directory))]
    )
    stopped = _remove_containers(context) and stopped
    # whose tokens another program keeps: they are none of ours to end, and what they run from stays
    others = local_process.users(os.path.join(project.directory, run_state.RUN_DIR))
    stopped = stopped and not others
    image_gone = _remove_image(context) if built.get("kind") == build.IMAGE else True
    log = run_state.leftovers(project.directory) if not stopped else []
    if stopped:
        run_state.sweep(project.directory)
    port = record.get("port")
    proofs = {
        "no process of it runs": stopped,
        "its port is closed": not (
            isinstance(port, int) and local_process.holds_port(str(record.get("token", "")), port)
        ),
        "no image of it is left": image_gone,
        "no local state is left": not (log or run_state.leftovers(project.directory)),
    }
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    document: dict[str, Any] = {"target": "local", "proofs": proofs}
    if others:
        document["processes"] = others
        pids = ", ".join(map(str, others))
        lines.append(f"processes {pids} run from what do/build made here: end mlcc dev aws, then do/clean again")
    model = build.artifact(project)
    if model and build.present(project, model):
        # a model is nobody's scratch file: it may be the user's own by now
        document["kept"] = [model]
        lines.append(f"kept {model}: {context.completed('do/build trains it anew once it is removed')}")
    return Result(document, lines, ok=all(proofs.values()))


def _remove_containers(context: Context) -> bool:
    """Ends every container of this project, recorded or not; True when none is left."""
    engine, name = context.engine, context.project.local_name
    if engine is None:
        return True
    for container in engine.containers(name, context.environ):
        engine.ask("rm", "--force", container, environ=context.environ)
    return not engine.containers(name, context.environ)


def _remove_image(context: Context) -> bool:
    engine, project = context.engine, context.project
    return engine is not None and engine.remove_images(build.image_name(project), project.local_name, context.environ)


# ---------------------------------------------------------------- run
def run(context: Context) -> Result:
    """Serves in the foreground, on the caller's terminal, until interrupted."""
    project = context.project
    if context.argument("dry_run"):
        return calls([call("engine", "run", **_start_parameters(context))], port=_wanted_port(context))
    token = secrets.token_hex(16)
    name = f"{run_state.FOREGROUND}{token[:8]}.json"
    server.need_secrets(context)
    with step_lock.held(context):
        built = build.existing(context)
        port = local_process.free_port(_wanted_port(context), HOST)
        kind = "container" if built.kind == build.IMAGE else "process"
        url = f"http://{HOST}:{port}"
        record = {"kind": kind, "pid": 0, "start": 0, "token": token, "port": port, "url": url}
        run_state.write(project.directory, name, record)
    context.progress.say(f"{project.name} at {url}/invocations until Ctrl-C")
    try:
        code = (_run_container if built.kind == build.IMAGE else _run_process)(context, built, port, token)
    finally:
        run_state.remove(project.directory, name)
    raise UserError([error("MLCC308", f"the server ended by itself, or somebody ended it (exit {code})")])


def _run_process(context: Context, built: build.Built, port: int, token: str) -> int:
    project = context.project
    server_programs.need(context)
    environ = context.machine | server.environment(context, port, inside=False) | {local_process.TOKEN: token}
    environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
    argv = server.command(project, built)
    return programs.foreground(
        argv, environ=environ, cleaner=context.cleaner, cwd=project.directory, grace_s=_grace(project)
    )


def _run_container(context: Context, built: build.Built, port: int, token: str) -> int:
    project, engine = context.project, context.need_engine()
    name = f"{project.local_name}-run-{token[:8]}"
    options, environ = server.container_options(context, port)
    argv = [engine.program, "run", "--rm", "--name", name, *options]
    argv += [built.reference, *map(str, project.container["arguments"])]
    try:
        return programs.foreground(argv, environ=environ, cleaner=context.cleaner, grace_s=_grace(project))
    finally:
        engine.ask("rm", "--force", name, environ=context.environ)


def _grace(project: RenderedProject) -> float:
    return float(project.container["stop_timeout_s"])
