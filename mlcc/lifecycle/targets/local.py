"""The target `local`: this machine, a container where an engine answers, else a supervised process.

Law: no AWS account, no boto3, no network beyond loopback; nothing is left behind after clean, and clean proves it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mlcc import proc
from mlcc.diagnostics import error, printable
from mlcc.errors import PreconditionError, UserError
from mlcc.lifecycle import build, contract, engines, process, state
from mlcc.lifecycle.context import Context, Result, call, calls
from mlcc.lifecycle.process import Identity
from mlcc.lifecycle.project import RenderedProject

HOST = "127.0.0.1"
IN_SERVICE, STARTING, FAILED, STOPPED = "InService", "Creating", "Failed", "Stopped"
TAIL_LINES = 40


# ---------------------------------------------------------------- deploy
def deploy(context: Context) -> Result:
    """Starts the server in the background and waits until /ping answers 200."""
    project = context.project
    if context.argument("dry_run"):
        return calls([call("engine", "start", **_start_parameters(project))], port=project.container["port"])
    built = build.existing(project, context.environ)
    running = _recorded(project)
    if running and _alive(context, running):
        context.progress.say("a server of this project runs already; it is replaced")
    _stop(context, running)
    port = process.free_port(int(context.argument("port") or project.container["port"]), HOST)
    record = _container(context, built, port) if built.kind == build.IMAGE else _process(context, built, port)
    state.write(project.directory, state.SERVER, record)
    _wait(context, record)
    url = str(record["url"])
    document = {"target": "local", "status": IN_SERVICE, "url": url}
    return Result(document, [f"{project.name} serves at {url}/invocations"])


def _start_parameters(project: RenderedProject) -> dict[str, Any]:
    names = sorted(project.environment())
    return {"entrypoint": project.container["entrypoint"], "port": project.container["port"], "environment": names}


def _server_environment(context: Context, port: int, inside: bool) -> dict[str, str]:
    """What the server's environment holds beyond the machine's own."""
    project, facts = context.project, context.project.container
    own = project.environment(str(context.argument("component") or "default"))
    own[str(facts["port_variable"])] = str(port)
    if not inside:
        own[str(facts["host_variable"])] = HOST
        own[str(facts["model_dir_variable"])] = _model_dir(project)
    return own | _secrets(context)


def _secrets(context: Context) -> dict[str, str]:
    """Secrets that come from this machine's variables; the others need AWS and are left out here."""
    found = {}
    for path, value in context.project.values.items():
        if path[0] == "secrets" and path[-1] == "env" and len(path) == 3 and value in context.environ:
            found[str(path[1])] = context.environ[str(value)]
    return found


def _model_dir(project: RenderedProject) -> str:
    name = project.variables.get("MODEL_NAME", "")
    if name.startswith("./"):
        path = os.path.join(os.path.abspath(project.directory), name)
        return path if os.path.isdir(path) else os.path.dirname(path)
    if name:
        message = f"{name} lies in AWS; the target local serves the sample model or a ./path of the project"
        raise PreconditionError([error("MLCC307", message, hint="model: {name: ./model}")])
    return os.path.join(os.path.abspath(project.directory), project.architecture.sample)


# what a server needs of the machine; everything else, secrets above all, stays away from it
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def _process(context: Context, built: build.Built, port: int) -> dict[str, Any]:
    project = context.project
    _programs(context)
    token = secrets.token_hex(16)
    environ = {k: v for k, v in context.environ.items() if k in _PASSED}
    environ |= _server_environment(context, port, inside=False) | {process.TOKEN: token}
    environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
    argv = [built.reference, str(project.container["entrypoint"]), *map(str, project.container["arguments"])]
    log = state.path(project.directory, state.LOG)
    context.progress.say(f"starting {project.container['entrypoint']} on port {port}")
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as stream:
        pid = proc.background(argv, environ=environ, cwd=os.path.abspath(project.directory), log=stream)
    identity = process.identify(pid, token, context.sleep)
    return {"kind": "process", **asdict(identity), "port": port, "url": f"http://{HOST}:{port}"}


def _programs(context: Context) -> None:
    for program in context.project.config.programs:
        if proc.find(program, context.environ) is None:
            raise proc.missing(program)


def _container(context: Context, built: build.Built, port: int) -> dict[str, Any]:
    project, engine = context.project, _engine(context)
    name = f"mlcc-{project.name}"
    argv = [engine.program, "run", "--detach", "--name", name, "--label", f"mlcc.project={project.name}"]
    argv += ["--network", "host", *_environment_arguments(_server_environment(context, port, inside=True))]
    argv += [built.reference, *map(str, project.container["arguments"])]
    context.progress.say(f"starting {built.reference} with {engine.name} on port {port}")
    environ = {**context.environ, **_server_environment(context, port, inside=True)}
    done = proc.run(argv, environ=environ, timeout_s=120)
    if done.code:
        said = printable(done.stderr.decode("utf-8", "replace").strip()[-300:], 0)
        raise UserError([error("MLCC308", f"{engine.name} could not start it: {said}")])
    container = done.stdout.decode("utf-8", "replace").strip()
    return {"kind": "container", "container": container, "name": name, "port": port, "url": f"http://{HOST}:{port}"}


def _environment_arguments(variables: Mapping[str, str]) -> list[str]:
    """`--env NAME` for each: the value travels in the engine's own environment, never on a command line."""
    return [part for name in sorted(variables) for part in ("--env", name)]


def _engine(context: Context) -> engines.Engine:
    found = engines.detect(context.environ)
    if found is None:
        raise PreconditionError([error("MLCC302", "no container engine answers", hint="start docker or podman")])
    return found


def _wait(context: Context, record: Mapping[str, Any]) -> None:
    """Waits until /ping answers 200; stops the server and fails when it ends or takes too long."""
    limit = float(context.argument("timeout") or context.project.container["startup_timeout_s"])
    started = context.now()
    reply = None
    while context.now() - started < limit:
        if not _alive(context, record):
            raise _failed_start(context, record, "the server ended while it started")
        reply = contract.ping(str(record["url"]), context.project.container, context.now)
        if reply.status == 200 and _owns(context, record):
            context.progress.say(f"ready after {context.now() - started:.1f} s")
            return
        context.sleep(0.1)
    seen = f"/ping said {reply.status or reply.problem}" if reply is not None else "/ping was not asked"
    raise _failed_start(context, record, f"not ready after {limit:g} s: {seen}")


def _owns(context: Context, record: Mapping[str, Any]) -> bool:
    """True when what answers on the port is this server."""
    if _is_container(record, context.project):
        return _alive(context, record)
    return process.owns_port(str(record["token"]), int(record["port"]))


def _failed_start(context: Context, record: Mapping[str, Any], why: str) -> UserError:
    for line in _log_lines(context, record, TAIL_LINES):
        context.progress.say(f"    {line}")
    _stop(context, record)
    return UserError([error("MLCC308", why, hint="what the server printed stands above; do/logs shows all of it")])


# ---------------------------------------------------------------- state
def _recorded(project: RenderedProject) -> dict[str, Any]:
    return state.read(project.directory, state.SERVER)


def _identity(record: Mapping[str, Any]) -> Identity:
    try:
        return Identity(int(record["pid"]), int(record["start"]), str(record["token"]))
    except (KeyError, TypeError, ValueError):
        return Identity(0, 0, "")


def _is_container(record: Mapping[str, Any], project: RenderedProject) -> bool:
    """A recorded container counts only under this project's own name."""
    return record.get("kind") == "container" and record.get("name") == f"mlcc-{project.name}"


def _alive(context: Context, record: Mapping[str, Any]) -> bool:
    if _is_container(record, context.project):
        engine = engines.detect(context.environ)
        if engine is None:
            return False
        argv = [engine.program, "inspect", "--format", "{{.State.Running}}", str(record["name"])]
        return proc.run(argv, environ=context.environ, timeout_s=30).stdout.strip() == b"true"
    return process.is_ours(_identity(record))


def status(context: Context) -> Result:
    """Whether it serves, and where."""
    record = _recorded(context.project)
    word = STOPPED
    if record and _alive(context, record):
        reply = contract.ping(str(record.get("url", "")), context.project.container, context.now)
        word = IN_SERVICE if reply.status == 200 else STARTING
    elif record:
        word = FAILED
    document: dict[str, Any] = {"target": "local", "status": word}
    lines = [f"{context.project.name} on local: {word}"]
    if word in (IN_SERVICE, STARTING):
        document["url"] = record["url"]
        document["kind"] = record["kind"]
        lines.append(f"  {record['kind']} at {record['url']}")
    return Result(document, lines)


def _running(context: Context) -> dict[str, Any]:
    record = _recorded(context.project)
    if not record or not _alive(context, record):
        message = f"no server of {context.project.name} runs here"
        raise PreconditionError([error("MLCC309", message, hint="do/deploy --target local")])
    return record


# ---------------------------------------------------------------- test
def request_of(project: RenderedProject) -> contract.Request:
    """What is sent: test.* of mlcc.yaml, else the framework's sample payload."""
    sample = str(project.framework.sample.get("payload", "")) if project.framework is not None else ""
    payload = str(project.get("test.payload", "") or sample)
    if not payload:
        raise PreconditionError(
            [error("MLCC310", "there is nothing to send", hint="test: {payload: ...} in mlcc.yaml")]
        )
    return contract.Request(
        payload,
        str(project.get("test.content_type", "application/json")),
        str(project.get("test.accept", "")),
        str(project.get("test.custom_attributes", "")),
        float(project.get("test.timeout_s", 60)),
    )


def test(context: Context) -> Result:
    """Sends real requests to the running server and judges every answer."""
    project = context.project
    request = request_of(project)
    if context.argument("dry_run"):
        parameters = {"path": project.container["invocations"], "content_type": request.content_type}
        return calls([call("engine", "invoke", **parameters)])
    record = _running(context)
    found = list(contract.check(str(record["url"]), project.container, request, context.now))
    lines = [f"{'ok  ' if c.ok else 'FAIL'} {c.name:<13}{c.milliseconds:8.1f} ms  {c.detail}" for c in found]
    failed = [c for c in found if not c.ok]
    lines.append(f"{len(found) - len(failed)} of {len(found)} checks hold")
    document = {
        "target": "local",
        "url": record["url"],
        "checks": [
            {"name": c.name, "ok": c.ok, "detail": c.detail, "milliseconds": round(c.milliseconds, 2)} for c in found
        ],
    }
    return Result(document, lines, ok=not failed)


# ---------------------------------------------------------------- logs
def _log_lines(context: Context, record: Mapping[str, Any], count: int) -> list[str]:
    from mlcc.deployments.redaction import redact_text

    data = b""
    if _is_container(record, context.project):
        engine = _engine(context)
        done = proc.run([engine.program, "logs", str(record["name"])], environ=context.environ, timeout_s=60)
        data = done.stdout + done.stderr
    else:
        try:
            with open(state.path(context.project.directory, state.LOG), "rb") as stream:
                data = stream.read()
        except OSError:
            data = b""
    lines = data.decode("utf-8", "replace").splitlines()
    return [printable(redact_text(line), 0) for line in (lines[-count:] if count else lines)]


def logs(context: Context) -> Result:
    """What the server printed."""
    record = _recorded(context.project)
    if not record:
        raise PreconditionError([error("MLCC309", "no server was started here", hint="do/deploy --target local")])
    lines = _log_lines(context, record, int(context.argument("lines") or 0))
    return Result({"target": "local", "lines": lines}, lines or ["(the log is empty)"])


# ---------------------------------------------------------------- clean
def _stop(context: Context, record: Mapping[str, Any]) -> bool:
    """Ends what is recorded; True when nothing of it is left."""
    left = True
    if _is_container(record, context.project):
        engine = _engine(context)
        grace = str(context.project.container["stop_timeout_s"])
        proc.run([engine.program, "stop", "--time", grace, str(record["name"])], environ=context.environ, timeout_s=90)
        proc.run([engine.program, "rm", "--force", str(record["name"])], environ=context.environ, timeout_s=60)
        argv = [engine.program, "inspect", str(record["name"])]
        left = proc.run(argv, environ=context.environ, timeout_s=30).code != 0
    elif record:
        left = process.stop(_identity(record), context.sleep, float(context.project.container["stop_timeout_s"]))
    return left


def clean(context: Context) -> Result:
    """Ends the server, removes what build and deploy made, and proves that nothing is left."""
    project = context.project
    record, built = _recorded(project), state.read(project.directory, state.BUILD)
    if context.argument("dry_run"):
        return calls([call("engine", "stop", recorded=bool(record)), call("engine", "remove", kind=built.get("kind"))])
    stopped = _stop(context, record)
    image_gone = _remove_image(context) if built.get("kind") == build.IMAGE else True
    log = state.leftovers(project.directory) if not stopped else []
    if stopped:
        state.sweep(project.directory)
    port = record.get("port")
    proofs = {
        "no process of it runs": stopped,
        "its port is closed": not (isinstance(port, int) and process.listens(port, HOST)),
        "no image of it is left": image_gone,
        "no local state is left": not (log or state.leftovers(project.directory)),
    }
    lines = [f"{'ok  ' if held else 'LEFT'} {what}" for what, held in proofs.items()]
    return Result({"target": "local", "proofs": proofs}, lines, ok=all(proofs.values()))


def _remove_image(context: Context) -> bool:
    engine = engines.detect(context.environ)
    if engine is None:
        return False
    image = build.image_name(context.project)
    proc.run([engine.program, "rmi", "--force", image], environ=context.environ, timeout_s=120)
    return proc.run([engine.program, "image", "inspect", image], environ=context.environ, timeout_s=30).code != 0


# ---------------------------------------------------------------- run
def run(context: Context) -> Result:
    """Serves in the foreground, on the caller's terminal, until interrupted."""
    project = context.project
    if context.argument("dry_run"):
        return calls([call("engine", "run", **_start_parameters(project))], port=project.container["port"])
    built = build.existing(project, context.environ)
    port = process.free_port(int(context.argument("port") or project.container["port"]), HOST)
    context.progress.say(f"{project.name} at http://{HOST}:{port}/invocations until Ctrl-C")
    if built.kind == build.IMAGE:
        variables = _server_environment(context, port, inside=True)
        argv = [_engine(context).program, "run", "--rm", "--init", "--network", "host"]
        argv += [*_environment_arguments(variables), built.reference, *map(str, project.container["arguments"])]
        code = proc.foreground(argv, environ={**context.environ, **variables})
    else:
        _programs(context)
        environ = {k: v for k, v in context.environ.items() if k in _PASSED}
        environ |= _server_environment(context, port, inside=False)
        environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
        argv = [built.reference, str(project.container["entrypoint"]), *map(str, project.container["arguments"])]
        code = proc.foreground(argv, environ=environ, cwd=project.directory)
    return Result({"target": "local", "exit": code}, [], ok=code in (0, 130, -2, -15, 143))
