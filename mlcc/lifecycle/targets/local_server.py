"""The server of a project on this machine: started, watched, stopped.  Law: only what is proved ours is touched."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from mlcc.core.errors import PreconditionError, UserError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.text import allowed, printable, quoted
from mlcc.io import container_engines, programs
from mlcc.lifecycle import log_causes, own_paths, run_state, server_programs
from mlcc.lifecycle.context import Context
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.lifecycle.steps import build
from mlcc.lifecycle.targets import local_process, local_repository, server_contract
from mlcc.lifecycle.targets.local_process import Identity
from mlcc.registries.redaction import redact_values
from mlcc.registries.redaction_lines import after_cut
from mlcc.resolve.result import DEFAULT_COMPONENT

HOST = "127.0.0.1"
TAIL_LINES = 40
# Of a longer log the end is shown.
MAX_LOG_BYTES, MAX_LOG_LINES = 4 << 20, 100_000
LONG_LINE = f"(the last line has more than {MAX_LOG_BYTES >> 20} MiB and is not shown)"


def component(context: Context) -> str:
    """The name of the component that is served here.  Raises UserError for one that the project does not have."""
    asked = str(context.argument("component") or DEFAULT_COMPONENT)
    known = (*context.project.components,) or (DEFAULT_COMPONENT,)
    if context.argument("component") and asked not in known:
        message = f"no inference component of the project is called {quoted(asked)}"
        raise UserError([error("MLCC102", message, hint=f"known: {allowed(known)}")])
    return asked


def environment(context: Context, port: int | None, *, inside: bool) -> dict[str, str]:
    """What the server's environment holds beyond the machine's own.

    port: the port of this machine that it binds on loopback, or None in a container with a network of its own; inside:
    in a container, where the model has a place of its own.
    """
    project, facts = context.project, context.project.container
    own = project.environment(component(context))
    if port is not None:
        own[str(facts["port_variable"])] = str(port)
        own[str(facts["host_variable"])] = HOST
    if not inside:
        own[str(facts["model_dir_variable"])] = _model_dir(project)
    return own | _secrets(context)


def _secrets(context: Context) -> dict[str, str]:
    """Secrets that come from this machine's variables; the others need AWS and are left out here."""
    named = context.project.secret_variables
    return {name: context.environ[variable] for name, variable in named.items() if variable in context.environ}


def _model_dir(project: RenderedProject) -> str:
    if project.backend is not None:
        return local_repository.assemble(project)
    name = project.variables.get("MODEL_NAME", "")
    if name.startswith("./"):
        own_paths.stands(project.directory, name)
        path = os.path.join(os.path.abspath(project.directory), name)
        return path if os.path.isdir(path) else os.path.dirname(path)
    if name:
        message = f"{name} lies in AWS; the target local serves the sample model or a ./path of the project"
        raise PreconditionError([error("MLCC307", message, hint="model: {name: ./model}")])
    own_paths.stands(project.directory, build.artifact(project) or project.architecture.sample)
    return os.path.join(os.path.abspath(project.directory), project.architecture.sample)


def command(project: RenderedProject, built: build.Built) -> list[str]:
    """What starts the server.  Raises Refused where a link leads to its program."""
    entrypoint = str(project.container["entrypoint"])
    own_paths.stands(project.directory, entrypoint)
    return [built.reference, entrypoint, *map(str, project.container["arguments"])]


def start_process(context: Context, built: build.Built, port: int) -> dict[str, Any]:
    """Starts the server as a process of this machine and returns its record."""
    project = context.project
    server_programs.need(context)
    token = secrets.token_hex(16)
    environ = context.machine | environment(context, port, inside=False) | {local_process.TOKEN: token}
    environ["PATH"] = os.path.dirname(built.reference) + os.pathsep + environ.get("PATH", os.defpath)
    argv = command(project, built)
    url = f"http://{HOST}:{port}"
    record = {"kind": "process", "pid": 0, "start": 0, "token": token, "port": port, "url": url}
    # written before it starts: whoever is killed here leaves a token by which the server is found
    run_state.write(project.directory, run_state.SERVER, record)
    context.progress.say(f"starting {project.container['entrypoint']} on port {port}")
    with open(run_state.open_log(project.directory, run_state.LOG), "wb") as stream:
        pid = programs.background(argv, environ=environ, cwd=os.path.abspath(project.directory), log=stream)
    identity = local_process.identify(pid, token, context.sleep)
    return {**record, **identity._asdict()}


def need(context: Context, built: build.Built) -> None:
    """Raises PreconditionError for what a start would lack: before the server that runs is stopped for it."""
    project = context.project
    component(context)
    build.need_model(project)
    if built.kind != build.IMAGE:
        server_programs.need(context)
        command(project, built)
        if project.backend is None:
            _model_dir(project)


def need_secrets(context: Context) -> None:
    """Raises PreconditionError where a variable is not set that the server gets a secret from."""
    problems = []
    for name, variable in context.project.secret_variables.items():
        if variable not in context.environ:
            message = f"{printable(variable, 80)} is not set here, and secrets.{printable(name, 80)} is read from it"
            hint = f"export {printable(variable, 80)}; or mlcc set --unset secrets.{printable(name, 80)}, mlcc apply"
            problems.append(error("MLCC313", message, hint=hint))
    if problems:
        raise PreconditionError(problems)


def start_container(context: Context, built: build.Built, port: int) -> dict[str, Any]:
    """Starts the image and returns its record."""
    project, engine = context.project, context.need_engine()
    name = project.local_name
    options, environ = container_options(context, port)
    argv = [engine.program, "run", "--detach", "--name", name, *options]
    argv += [built.reference, *map(str, project.container["arguments"])]
    record = {"kind": "container", "container": "", "name": name, "port": port, "url": f"http://{HOST}:{port}"}
    run_state.write(project.directory, run_state.SERVER, record)
    context.progress.say(f"starting {built.reference} with {engine.name} on port {port}")
    done = programs.run(argv, environ=environ, timeout_s=120)
    if done.code:
        engine.ask("rm", "--force", name, environ=context.environ)
        answer = printable(" ".join(context.clean_printed(done.stderr.decode("utf-8", "replace")).split())[-300:], 0)
        raise UserError([error("MLCC308", f"{engine.name} could not start it: {answer}")])
    return {**record, "container": done.stdout.decode("utf-8", "replace").strip()}


def container_options(context: Context, port: int) -> tuple[list[str], dict[str, str]]:
    """Options of the engine's `run`, and the environment to call it with; whatever its network, loopback only.

    Values travel in the engine's own environment (`--env NAME`), never on a command line.
    """
    engine, project = context.need_engine(), context.project
    published = engine.publishes(context.environ)
    variables = environment(context, None if published else port, inside=True)
    network = ["--publish", f"{HOST}:{port}:{project.container['port']}"] if published else ["--network", "host"]
    options = ["--label", f"{container_engines.LABEL}={project.local_name}", *network]
    options += [part for name in sorted(variables) for part in ("--env", name)]
    return options, {**context.environ, **variables}


def wait(context: Context, record: Mapping[str, Any]) -> None:
    """Waits until /ping answers 200; stops the server and fails when it ends or takes too long."""
    limit = float(context.argument("timeout") or context.project.container["startup_timeout_s"])
    started = context.now()
    reply = None
    while context.now() - started < limit:
        if not alive(context, record):
            raise _failed_start(context, record, "the server ended while it started")
        reply = server_contract.ping(str(record["url"]), context.project.container, context.now)
        if reply.status == 200 and _owns(context, record):
            context.progress.say(f"ready after {context.now() - started:.1f} s")
            return
        if given_up(context, reply):
            raise _failed_start(context, record, "the model could not be loaded")
        context.sleep(0.1)
    seen = f"/ping answered {reply.status or reply.problem}" if reply is not None else "/ping was not asked"
    raise _failed_start(context, record, f"not ready after {limit:g} s: {seen}")


def given_up(context: Context, reply: server_contract.Reply) -> bool:
    """True when the server says that loading has failed for good (the word is the architecture's fact)."""
    word = context.project.container.get("ping_failed")
    try:
        answer = read_json(reply.body)
    except ValueError:
        return False
    return bool(word) and isinstance(answer, dict) and answer.get("status") == word


def _owns(context: Context, record: Mapping[str, Any]) -> bool:
    """True when what answers on the port is this server."""
    if is_container(record, context.project):
        return alive(context, record)
    return local_process.owns_port(str(record["token"]), int(record["port"]))


def _failed_start(context: Context, record: Mapping[str, Any], why: str) -> UserError:
    lines = log_lines(context, record, TAIL_LINES)
    for line in lines:
        context.progress.warn(f"    {line}")
    stop(context, record)
    found = log_causes.cause(lines, context.project.registries)
    hint = f"{found.hint}; " if found is not None else ""
    hint += "what the server printed stands above; do/logs shows all of it"
    return UserError([error("MLCC308", f"{why}: {found.says}" if found is not None else why, hint=hint)])


def recorded(project: RenderedProject) -> dict[str, Any]:
    """What the last deploy wrote down; empty when nothing was deployed."""
    return run_state.read(project.directory, run_state.SERVER)


def in_foreground(context: Context) -> list[dict[str, Any]]:
    """Records of the servers that do/run holds in the foreground of some terminal, as far as they still run."""
    found = []
    for record in run_state.foreground(context.project.directory):
        if record.get("kind") == "process":
            runs = bool(local_process.family(str(record.get("token", ""))))
        else:
            name = f"{context.project.local_name}-run-{str(record.get('token', ''))[:8]}"
            runs = context.engine is not None and context.engine.runs(name, context.environ)
        if runs:
            found.append(record)
    return found


def _identity(record: Mapping[str, Any]) -> Identity:
    try:
        return Identity(int(record["pid"]), int(record["start"]), str(record["token"]))
    except (KeyError, TypeError, ValueError):
        return Identity(0, 0, "")


def is_container(record: Mapping[str, Any], project: RenderedProject) -> bool:
    """A recorded container counts only under this project's own name."""
    return record.get("kind") == "container" and record.get("name") == project.local_name


def alive(context: Context, record: Mapping[str, Any]) -> bool:
    """True when the recorded server runs and is proved to be ours."""
    if is_container(record, context.project):
        if context.engine is None:
            return False
        return context.engine.runs(str(record["name"]), context.environ)
    if record.get("pid") == 0:
        return bool(
            local_process.family(str(record.get("token", "")))
        )  # whoever started it was killed before it could say
    return local_process.is_ours(_identity(record))


def log_lines(context: Context, record: Mapping[str, Any], count: int) -> list[str]:
    """The last `count` lines that the server printed (0: all), redacted and safe to print."""
    if is_container(record, context.project):
        # more lines than are shown: the first of those may be the middle of a key
        lines = 2 * MAX_LOG_LINES
        data, cut = context.need_engine().logs(str(record["name"]), context.environ, lines, MAX_LOG_BYTES)
    else:
        data, cut = run_state.tail(context.project.directory, run_state.LOG, MAX_LOG_BYTES)
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    given = _given_secrets(context, record)
    if cut:  # a part of a line, or of a key, that the limit has cut is not shown
        text = after_cut(text.partition("\n")[2], [*context.secrets, *given]) or LONG_LINE
    text = context.clean_printed(redact_values(text, given) if given else text)
    return [printable(line, 0) for line in _last_lines(text, min(count or MAX_LOG_LINES, MAX_LOG_LINES))]


def _given_secrets(context: Context, record: Mapping[str, Any]) -> list[str]:
    """The secrets that a server got from the shell that started it, which this one may not have."""
    names = context.project.secret_variables
    if not names:
        return []
    if not is_container(record, context.project):
        variables = local_process.variables(_identity(record))
    else:
        asked = ("inspect", "--format", "{{json .Config.Env}}", str(record["name"]))
        variables = _pairs(context.need_engine().ask(*asked, environ=context.environ).stdout)
    return [value for name, value in variables.items() if name in names]


def _pairs(answer: bytes) -> dict[str, str]:
    """Variables in an engine's list of `NAME=value`; none where it is no such list."""
    try:
        listed = read_json(answer)
    except ValueError:
        return {}
    pairs = (str(pair).partition("=") for pair in listed) if isinstance(listed, list) else ()
    return {name: value for name, _, value in pairs}


def _last_lines(text: str, count: int) -> list[str]:
    """The last lines of a text; only they are made, for a text may be nothing but line ends."""
    lines = text.removesuffix("\n").rsplit("\n", count)
    return lines[-count:] if text else []


def stop(context: Context, record: Mapping[str, Any]) -> bool:
    """Ends what is recorded; True when nothing of it is left."""
    left = True
    if is_container(record, context.project):
        engine, name = context.need_engine(), str(record["name"])
        grace = str(context.project.container["stop_timeout_s"])
        engine.ask("stop", "--time", grace, name, environ=context.environ, timeout_s=90)
        engine.ask("rm", "--force", name, environ=context.environ)
        left = engine.ask("inspect", name, environ=context.environ).code != 0
    elif record:
        left = local_process.stop(_identity(record), context.sleep, float(context.project.container["stop_timeout_s"]))
    return left
