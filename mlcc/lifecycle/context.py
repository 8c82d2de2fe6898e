"""What every step gets.  Law: time, environment, sleep and talk arrive as arguments; a step returns its result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.io.aws.connection import Caller
from mlcc.io.container_engines import Engine, detect
from mlcc.io.environment import of_machine
from mlcc.lifecycle import step_words
from mlcc.lifecycle.bootstrap.profile import Profile, of_account
from mlcc.lifecycle.rendered_project import RenderedProject
from mlcc.registries.redaction import forms, is_secret_name, redact_forms, redact_printed
from mlcc.registries.redaction_lines import Lines

# Steps that texts name as commands; `do/config` is a file in them.
STEPS = (
    "adapter", "build", "clean", "deploy", "export", "invoke", "logs", "manifest", "push", "register", "run", "status",
    "submit", "test", "validate",
)  # fmt: skip


class Progress(Protocol):
    """How a step speaks while it works; the command line shows it, tests record it."""

    def say(self, text: str) -> None:
        """One line for people."""

    def warn(self, text: str) -> None:
        """The same about something wrong, which is shown with -q, too."""

    def detail(self, text: str) -> None:
        """A line of a program's output: shown with -v, and after a failure."""


class Silent:
    """A Progress that keeps its lines."""

    def __init__(self) -> None:
        """No lines yet."""
        self.lines: list[str] = []
        self.details: list[str] = []

    def say(self, text: str) -> None:
        """Keeps a line."""
        self.lines.append(text)

    def warn(self, text: str) -> None:
        """Keeps a line."""
        self.lines.append(text)

    def detail(self, text: str) -> None:
        """Keeps a line."""
        self.details.append(text)


class Completed:
    """A Progress whose lines name steps as this run must type them; a program's lines stay as they are."""

    def __init__(self, progress: Progress, completed: Callable[[str], str]) -> None:
        """completed: what makes of a text one with the options."""
        self._progress, self._completed = progress, completed

    def say(self, text: str) -> None:
        """Passes a line on."""
        self._progress.say(self._completed(text))

    def warn(self, text: str) -> None:
        """Passes a line on."""
        self._progress.warn(self._completed(text))

    def detail(self, text: str) -> None:
        """Passes a program's line on."""
        self._progress.detail(text)


@dataclass(frozen=True)
class Context:
    """The arguments of a step.

    project: as rendered; environ: for the programs that a step starts; now: seconds of a steady clock; arguments: what
    the command line gave the step beyond the common options; clock: seconds since 1970; connect: makes a connection to
    AWS for a region (empty: that of the environment); home: mlcc's own folder; emit: shows a line of the result at
    once, for what has no end; find_profile: reads the bootstrap profile of this run, None where there is none; user:
    who runs the step, as the machine knows them.
    """

    project: RenderedProject
    environ: Mapping[str, str]
    progress: Progress
    sleep: Callable[[float], None]
    now: Callable[[], float]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = field(default=lambda: 0.0)
    connect: Callable[[str], Caller] | None = None
    home: str = ""
    user: str = ""
    emit: Callable[[str], None] = field(default=lambda line: None)
    find_profile: Callable[[], Profile | None] = field(default=lambda: None)

    @cached_property
    def profile(self) -> Profile | None:
        """The bootstrap profile of this run, read once; a profile of another account is none of this project.

        Raises UserError where its file is broken.
        """
        return of_account(self.find_profile(), str(self.project.get("deployment.account_id", "")))

    def argument(self, name: str, default: Any = None) -> Any:
        """One of the step's own arguments."""
        value = self.arguments.get(name)
        return default if value is None else value

    @cached_property
    def engine(self) -> Engine | None:
        """The container engine that answers, asked once."""
        return detect(self.environ)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Values that are secrets: those that the project takes from variables, and variables with a secret's name."""
        named = (str(v) for p, v in self.project.values.items() if p[0] == "secrets" and p[-1] == "env" and len(p) == 3)
        own = [self.environ[name] for name in named if name in self.environ]
        return (*own, *(value for name, value in self.environ.items() if is_secret_name(name)))

    def completed(self, text: str) -> str:
        """A text of mlcc's own whose `do/STEP` carry this run's environment and target, where it named them."""
        project = self.project
        own = project.registries.canonical("targets", project.variables.get("DEPLOYMENT_TARGET", ""))[0]
        target = project.target.name if project.target.name != own else ""
        return step_words.completed(text, STEPS, project.env or "", target)

    def clean(self, text: str) -> str:
        """Text without secrets that are known or have a format.  For whole texts: half a token is a secret, too."""
        return redact_forms(text, self._forms)

    def clean_printed(self, text: str) -> str:
        """The same for free text that a program or a service printed: also what it gives to a secret's name."""
        return redact_printed(self.clean(text))

    @cached_property
    def _forms(self) -> list[str]:
        return forms(self.secrets)

    def cleaner(self) -> Lines:
        """The same for lines that come one by one, and are shown at once."""
        return Lines(self.secrets)

    @property
    def machine(self) -> dict[str, str]:
        """What a program of the project gets of the environment; everything else, secrets above all, it does not."""
        return of_machine(self.environ)

    def aws(self) -> Caller:
        """A connection to AWS in the project's region, else the bootstrap profile's, else the caller's.

        The SDK reads AWS_DEFAULT_REGION and ~/.aws itself, but not AWS_REGION, which all others read.  Raises AwsError
        for an unknown profile of ~/.aws.
        """
        assert self.connect is not None, "BUG: a step on AWS was started without a connection"
        place = str(self.project.get("deployment.region", "")) or (self.profile.region if self.profile else "")
        return self.connect(place or self.environ.get("AWS_REGION", ""))

    def need_engine(self) -> Engine:
        """The container engine that answers.  Raises PreconditionError when none does."""
        if self.engine is None:
            raise PreconditionError([error("MLCC302", "no container engine answers", hint="start docker or podman")])
        return self.engine


@dataclass(frozen=True)
class Result:
    """What a step did.

    document: for -o json, in the shape of the contract; lines: the same for people; ok: False makes the exit code 1;
    raw: what stdout gets instead of the lines where it is a file or another program; whole: the lines are the result as
    other programs take it, and are printed unless a format is asked for.
    """

    document: Mapping[str, Any]
    lines: Sequence[str] = ()
    ok: bool = True
    raw: bytes = b""
    whole: bool = False


def call(service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """One call of a dry run."""
    return {"service": service, "operation": operation, "parameters": parameters}


def calls(found: Sequence[Mapping[str, Any]], **assumed: Any) -> Result:
    """The result of a dry run: what would be called, and what had to be assumed."""
    lines = [f"would call {c['service']} {c['operation']}: {json.dumps(c['parameters'])}" for c in found]
    return Result({"calls": list(found), "assumed": assumed}, lines or ["nothing would be called"])
