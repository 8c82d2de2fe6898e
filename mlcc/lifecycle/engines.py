"""Container engines of this machine.  Law: one counts only when it answers; what it can do is asked, not assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlcc import proc
from mlcc.diagnostics import error, printable, quoted
from mlcc.errors import PreconditionError

NAMES = ("docker", "podman")
CHOICE = "MLCC_ENGINE"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers: its name, the program's path, its version, and whether `docker buildx` is there."""

    name: str
    program: str
    version: str
    buildx: bool = False

    def build_arguments(self, image: str, platform: str, context: str) -> list[str]:
        """The command that builds `context` into `image`.

        SageMaker refuses OCI manifests, which buildx makes unless told otherwise
        (https://github.com/aws/amazon-sagemaker-feedback/issues/180).
        """
        if self.buildx:
            head = [self.program, "buildx", "build", "--provenance=false", "--output", "type=docker"]
        elif self.name == "podman":
            head = [self.program, "build", "--format", "docker"]
        else:
            head = [self.program, "build"]
        return [*head, "--network", "host", "--platform", platform, "--tag", image, context]


def detect(environ: Mapping[str, str]) -> Engine | None:
    """The engine that answers: docker, else podman; MLCC_ENGINE names one, or `none`."""
    choice = environ.get(CHOICE, "")
    if choice == NONE:
        return None
    for name in (choice,) if choice else NAMES:
        engine = _ask(name, environ)
        if engine is not None:
            return engine
    if choice:
        message = f"{CHOICE}={quoted(choice)}: it does not answer"
        raise PreconditionError([error("MLCC302", message, hint="start it, or set MLCC_ENGINE=none")])
    return None


def _ask(name: str, environ: Mapping[str, str]) -> Engine | None:
    program = proc.find(name, environ)
    if program is None:
        return None
    done = proc.run([program, "version", "--format", "{{json .}}"], environ=environ, timeout_s=15)
    if done.code:
        return None
    return Engine(name, program, _version(done.stdout), name == "docker" and _has_buildx(program, environ))


def _version(answer: bytes) -> str:
    try:
        document = json.loads(answer)
        server = document.get("Server") or document.get("Client") or {}
        return printable(str(server.get("Version", "")), 40)
    except (ValueError, AttributeError):
        return ""


def _has_buildx(program: str, environ: Mapping[str, str]) -> bool:
    return proc.run([program, "buildx", "version"], environ=environ, timeout_s=15).code == 0
