"""Starts ministack, an AWS of another maker, with a CodeBuild that runs buildspecs, and with ECR under its own host name.

What is faked: a build runs in a shell of this machine, not in the project's image, with the programs that PATH names;
its role is not assumed.  ministack itself says SUCCEEDED of a build that never ran.  An engine whose HTTP proxy this
server is reaches ECR by the address that AWS gives out (ACCOUNT.dkr.ecr.REGION.amazonaws.com).

Run by ministack's own interpreter; MINISTACK_BUILD_PATH: the PATH of builds.
"""

from __future__ import annotations

import contextvars
import copy
import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import zipfile
from typing import Any
from urllib.parse import urlsplit

import yaml
from botocore import session
from ministack import app as gateway
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import codebuild

PHASES = ("INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD")
SUCCEEDED, FAILED, STOPPED, TIMED_OUT, RUNNING = "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT", "IN_PROGRESS"
OVERRIDES = {
    "sourceLocationOverride": ("source", "location"),
    "sourceTypeOverride": ("source", "type"),
    "buildspecOverride": ("source", "buildspec"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
}
SECRET = "SECRETS_MANAGER"


class Wrong(Exception):
    """What ends a build before its first command."""


# ---------------------------------------------------------------- StartBuild
def start_build(request: dict[str, Any]) -> Any:
    """The project's build, as the request changes it, in a thread."""
    name = request.get("projectName", "")
    if name not in codebuild._projects:
        text = f"Project cannot be found: arn:aws:codebuild:{get_region()}:{get_account_id()}:project/{name}"
        return error_response_json("ResourceNotFoundException", text, 400)
    token = request.get("idempotencyToken")
    for known in codebuild._builds.values():
        if token and known.get("token") == token:
            return json_response({"build": shown(known)})
    project = overridden(codebuild._projects[name], request)
    number = codebuild._build_id(name)
    build = codebuild._make_build_record(project, number, request.get("sourceVersion"))
    build.pop("endTime")
    build |= {"buildStatus": RUNNING, "currentPhase": "SUBMITTED", "phases": [], "buildComplete": False, "token": token}
    codebuild._builds[number] = build
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(Build(build, project).run,), daemon=True).start()
    return json_response({"build": shown(build)})


def shown(build: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in copy.deepcopy(build).items() if name != "token"}


def overridden(project: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    found = copy.deepcopy(project)
    for name, (section, member) in OVERRIDES.items():
        if name in request:
            found[section][member] = request[name]
    found["timeoutInMinutes"] = request.get("timeoutInMinutesOverride", found.get("timeoutInMinutes", 60))
    given = [*found["environment"].get("environmentVariables", []), *request.get("environmentVariablesOverride", [])]
    found["environment"]["environmentVariables"] = list({one["name"]: one for one in given}.values())
    return found


# ---------------------------------------------------------------- one build
class Build:
    """A build: its folder, its shell's state and its log."""

    def __init__(self, record: dict[str, Any], project: dict[str, Any]) -> None:
        self.record, self.project = record, project
        self.say = codebuild._log_sink(record)
        self.folder = tempfile.mkdtemp(prefix="codebuild-")
        self.source = os.path.join(self.folder, "src")
        self.state = os.path.join(self.folder, "state")
        self.deadline = time.monotonic() + 60.0 * int(project["timeoutInMinutes"])
        self.environ: dict[str, str] = {}
        self.ok = True

    def run(self) -> None:
        status, phase = FAILED, "DOWNLOAD_SOURCE"
        try:
            specification = self.prepared()
            self.phase(phase, SUCCEEDED)
            for phase in PHASES:
                ended = self.phase_of(phase, specification.get("phases", {}).get(phase.lower()) or {})
                if ended:
                    self.phase(phase, ended)
                    status = ended
                    break
            else:
                status = SUCCEEDED if self.ok else FAILED
        except Exception as problem:
            self.say(f"[Container] {type(problem).__name__}: {problem}")
            self.phase(phase, FAILED, f"{type(problem).__name__}: {problem}")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.record["buildComplete"] = True
        codebuild._finish_build(self.record, status)
        codebuild._clear_stopped(self.record["id"])

    def prepared(self) -> dict[str, Any]:
        """The source, the buildspec and the environment."""
        os.mkdir(self.source)
        source = self.project["source"]
        if source["type"] != "S3":
            raise Wrong(f"a source of the type {source['type']} is not there in this CodeBuild")
        bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
        data = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                path = archive.extract(member, self.source)
                os.chmod(path, member.external_attr >> 16 & 0o777 or 0o644)
        text = source.get("buildspec") or "buildspec.yml"
        if "\n" not in text:
            with open(os.path.join(self.source, text), encoding="utf-8") as stream:
                text = stream.read()
        specification: dict[str, Any] = yaml.safe_load(text)
        if str(specification.get("version")) != "0.2":
            raise Wrong(f"YAML_FILE_ERROR: unsupported version {specification.get('version')}")
        own = specification.get("env", {})
        self.environ = self.machine() | {name: str(value) for name, value in own.get("variables", {}).items()}
        for one in self.project["environment"]["environmentVariables"]:
            secret = one.get("type") == SECRET
            self.environ[one["name"]] = secret_of(one["value"]) if secret else one["value"]
        self.shell = own.get("shell", "sh")
        with open(self.state, "w", encoding="utf-8"):
            pass
        return specification

    def machine(self) -> dict[str, str]:
        """What every build has in its environment; the credentials are nobody's."""
        docker = {name: os.environ[name] for name in ("DOCKER_HOST",) if name in os.environ}
        return docker | {
            "PATH": os.environ.get("MINISTACK_BUILD_PATH") or os.environ["PATH"],
            "HOME": self.folder,
            "LANG": "C.UTF-8",
            "CODEBUILD_BUILD_ID": self.record["id"],
            "CODEBUILD_BUILD_ARN": self.record["arn"],
            "CODEBUILD_SRC_DIR": self.source,
            "AWS_REGION": get_region(),
            "AWS_DEFAULT_REGION": get_region(),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nobody",
        }

    def phase_of(self, phase: str, specification: dict[str, Any]) -> str:
        """Runs a phase; answers the status with which it ends the whole build, empty where that goes on.

        post_build runs after a build that failed, too; an earlier phase that failed ends the build.
        """
        self.record["currentPhase"] = phase
        for command in specification.get("commands", ()):
            self.say(f"[Container] Running command {command}")
            code = self.command(command)
            if codebuild._stop_requested(self.record["id"]):
                return STOPPED
            if time.monotonic() >= self.deadline:
                return TIMED_OUT
            if code:
                self.ok = False
                text = f"Error while executing command: {command}. Reason: exit status {code}"
                self.phase(phase, FAILED, f"COMMAND_EXECUTION_ERROR: {text}")
                return FAILED if phase in PHASES[:2] else ""
        self.phase(phase, SUCCEEDED)
        return ""

    def command(self, command: str) -> int:
        """Runs a command with what earlier ones have exported, and where they have gone to; its exit code."""
        script = os.path.join(self.folder, "command")
        with open(script, "w", encoding="utf-8") as stream:
            stream.write(f". {self.state}\nexport CODEBUILD_BUILD_SUCCEEDING={int(self.ok)}\n{command}\n")
            stream.write(f"code=$?\nexport -p >{self.state}.new\necho \"cd '$PWD'\" >>{self.state}.new\n")
            stream.write(f"mv {self.state}.new {self.state}\nexit $code\n")
        with subprocess.Popen(
            [self.shell, script], cwd=self.source, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True, errors="replace",
        ) as process:  # fmt: skip
            over = threading.Event()
            threading.Thread(target=self.watch, args=(process, over), daemon=True).start()
            assert process.stdout is not None
            for line in process.stdout:
                self.say(line.rstrip("\n"))
            code = process.wait()
            over.set()
        return code

    def watch(self, process: subprocess.Popen[str], over: threading.Event) -> None:
        """Ends what runs when the build is stopped, or its time is over."""
        while not over.wait(0.1):
            if codebuild._stop_requested(self.record["id"]) or time.monotonic() >= self.deadline:
                os.killpg(process.pid, signal.SIGKILL)
                return

    def phase(self, name: str, status: str, context: str = "") -> None:
        if any(one["phaseType"] == name for one in self.record["phases"]):
            return
        self.say(f"[Container] Phase complete: {name} State: {status}")
        codebuild._record_phase(self.record, name, status)
        if context:
            code, _, text = context.partition(": ")
            self.record["phases"][-1]["contexts"] = [{"statusCode": code, "message": text}]


def client(service: str) -> Any:
    """This server, asked over HTTP as anybody asks it."""
    keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody", "region_name": get_region()}
    return session.get_session().create_client(
        service, endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}", **keys
    )


def secret_of(reference: str) -> str:
    """A secret as CodeBuild names it: `id` or its ARN, and behind a colon a key of the JSON in it."""
    parts = reference.split(":")
    count = 7 if reference.startswith("arn:") else 1
    text = str(client("secretsmanager").get_secret_value(SecretId=":".join(parts[:count]))["SecretString"])
    return str(json.loads(text)[parts[count]]) if len(parts) > count else text


# ---------------------------------------------------------------- as a proxy
def own_path(app: Any) -> Any:
    """The application behind a proxy's requests, which name the host in their first line."""

    async def proxied(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("http://"):
            path = urlsplit(scope["path"]).path or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)

    return proxied


codebuild._start_build = start_build
codebuild.EXECUTE_BUILDS = True
codebuild._container_for_build = lambda number: None
gateway.app = own_path(gateway.app)

if __name__ == "__main__":
    gateway.main()
