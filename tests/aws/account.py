"""An account of the server `mlcc/servers/devserver` without HTTP, for tests that make many deployments."""

from __future__ import annotations

import atexit
import datetime
import functools
import io
import json
import shutil
import tempfile
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any

from mlcc import pipeline
from mlcc.io.aws.connection import AwsError
from mlcc.lifecycle.context import Context, Silent
from mlcc.lifecycle.rendered_project import RenderedProject, load_project
from mlcc.load.request import Request
from mlcc.registries import load
from mlcc.servers.devserver import runtime
from mlcc.servers.devserver.asking import Invocation
from mlcc.servers.devserver.copies import Image
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.faults import DELAY, EXECUTED, LostReply
from mlcc.servers.devserver.refusal import Refusal
from mlcc.servers.devserver.rules import Rules
from mlcc.servers.devserver.things import Account
from mlcc.servers.devserver.timeline import Timeline
from tests.aws import walker
from tests.aws.cloud import NUMBER, REGION, Cloud, Stored
from tests.helpers import build_tree

FAKED = ("codebuild", "ecr", "iam", "s3", "sts")


class Container:
    """A container that starts at once, unless its image or environment says that it cannot."""

    def __init__(self, image: Image, url: str = "http://127.0.0.1:9") -> None:
        self.image, self._url = image, url
        self.stopped = False
        self.adapters: dict[str, str] = {}

    def healthy(self) -> bool:
        return "broken" not in self.image.environment.values()

    def ended(self) -> bool:
        return self.stopped

    def url(self) -> str:
        return self._url

    def adapt(self, name: str, source: str) -> bool:
        """As vLLM: a name that is loaded is refused, whatever it is loaded from."""
        if name in self.adapters or "broken" in source:
            return False
        self.adapters[name] = source
        return True

    def drop(self, name: str) -> None:
        self.adapters.pop(name, None)

    def stop(self) -> None:
        self.stopped = True


class Bucket:
    """S3 as a dictionary: a fake."""

    def __init__(self, objects: Mapping[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})

    def read(self, uri: str) -> bytes | None:
        return self.objects.get(uri)

    def write(self, uri: str, data: bytes) -> None:
        self.objects[uri] = data

    def below(self, prefix: str) -> list[str]:
        return sorted(uri for uri in self.objects if uri.startswith(prefix))


class Beside:
    """The server beside ours: the tables."""

    region = REGION

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._cloud.answer(service, operation, parameters)


BEFORE, AFTER = "killed before", "killed after"


class Killed(BaseException):
    """The process that called is no more: it makes no further call, in no `finally` either."""


def dated(answer: Any) -> Any:
    """An answer with times as the SDK reads them."""
    if isinstance(answer, dict):
        return {
            name: datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
            if isinstance(value, float) and name.endswith("Time")
            else dated(value)
            for name, value in answer.items()
        }
    return [dated(one) for one in answer] if isinstance(answer, list) else answer


class World:
    """An account, the clock that moves when somebody sleeps, and a connection to it."""

    def __init__(self, model: str = "http://127.0.0.1:9", **rules: bool) -> None:
        """model: where a server answers in place of the containers; nobody does unless a test names one."""
        self.model = model
        self.containers: list[Container] = []
        timeline = Timeline(1_700_000_000.0)
        self.account = Account(REGION, NUMBER, timeline, self._launched, Rules(**rules), instance=load().instance)
        self.account.knows = lambda image: "gone" not in image
        self.dispatcher = Dispatcher(self.account)
        self.region = REGION
        self.asked: list[tuple[str, str]] = []
        # where the process that calls is killed: before a call is carried out, or after
        self.kill: tuple[str, str] | None = None
        self.dead = False
        # whether each request must be one that the service's model allows; a test of refusals sends others
        self.checks = True
        self.quotas: list[dict[str, Any]] | None = None
        self.cloud = Cloud(lambda: timeline.now)
        self.account.objects = Stored(self.cloud)
        self.account.beside = Beside(self.cloud)

    def _launched(self, image: Image) -> Container:
        self.containers.append(Container(image, self.model))
        return self.containers[-1]

    @property
    def running(self) -> list[Container]:
        return [c for c in self.containers if not c.stopped]

    @property
    def logs(self) -> dict[str, list[dict[str, Any]]]:
        return self.cloud.logs

    def call(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """As a connection: what our server has no answer for is answered from tables."""
        if self.dead:
            raise Killed
        self.asked.append((service, operation))
        if self.checks:
            walker.check(service, operation, parameters)
        try:
            self.dead = self.kill == (operation, BEFORE)
            if self.dead:
                raise Killed
            answer = self._answer(service, operation, parameters)
            late = self.account.faults.meets(DELAY, operation, parameters)
            if late is not None:
                self.sleep(late.seconds)
            self.dead = self.kill == (operation, AFTER)
            if self.dead:
                raise Killed
            return answer
        except Refusal as refusal:
            raise AwsError(service, operation, refusal.code, refusal.message, refusal.status) from None
        except LostReply:
            raise AwsError(service, operation, "ConnectionClosedError", "the connection was closed") from None

    def _answer(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if service in FAKED:
            return self._faked(service, operation, parameters)
        if service == runtime.SERVICE:
            return self._invoked(operation, parameters)
        if operation == "ListServiceQuotas" and self.quotas is not None:
            return {"Quotas": self.quotas}
        found: dict[str, Any] = dated(self.dispatcher.answer(service, operation, dict(parameters)))
        return found

    def _invoked(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """A request to a model, as it travels, without its way over HTTP."""
        members = walker.service_model(runtime.SERVICE).operation_model(operation).input_shape.members
        headers = Message()
        for name, value in parameters.items():
            if members[name].serialization.get("location") == "header":
                headers[members[name].serialization["name"]] = str(value)
        asked = Invocation(parameters["EndpointName"], headers, parameters.get("Body", b""))
        try:
            answer = runtime.begin(self.dispatcher, operation, asked)()
        except Refusal as refusal:
            answer = runtime.refused(refusal)
        if answer.error:
            said = json.loads(answer.body)
            raise AwsError(runtime.SERVICE, operation, answer.error, said["Message"], answer.status)
        return {"Body": io.BytesIO(answer.body), "ContentType": answer.kind}

    def revive(self) -> None:
        """Another process asks from now on."""
        self.kill, self.dead = None, False

    def _faked(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """From the tables, with the same faults."""
        self.account.faults.raise_for(operation, parameters)
        answer = self.cloud.answer(service, operation, parameters)
        if self.account.faults.meets(EXECUTED, operation, parameters) is not None:
            raise LostReply
        return answer

    def sleep(self, seconds: float) -> None:
        self.account.timeline.advance_to(self.account.timeline.now + seconds)

    def context(self, folder: Path, env: str | None = None, **arguments: Any) -> Context:
        """A step's context on this account."""
        now = lambda: self.account.timeline.now  # noqa: E731
        return Context(loaded(folder, env), {}, Silent(), self.sleep, now, arguments, now, lambda region: self)

    def operations(self) -> list[str]:
        """What was carried out and changed something."""
        return [
            e.operation
            for e in self.dispatcher.journal
            if not e.code and not e.operation.startswith(("Describe", "Filter", "Get", "Invoke", "List"))
        ]

    def left(self) -> list[str]:
        """Everything that is there."""
        account = self.account
        tables = (account.models, account.configs, account.endpoints, account.components, account.targets)
        named = [*(name for table in tables for name in table), *account.alarms, *map(str, account.policies)]
        return [*named, *self.cloud.left()]


def render(text: str, folder: Path) -> Path:
    """A rendered project of a test's own."""
    build_tree(folder, {"mlcc.yaml": text})
    project = pipeline.read(folder / "mlcc.yaml", Request())
    assert project.ok, project.findings
    pipeline.apply(project)
    return folder


@functools.cache
def loaded(folder: Path, env: str | None) -> RenderedProject:
    """A rendered project as the steps read it; nobody changes it meanwhile."""
    return load_project(str(folder), env=env)


@functools.cache
def rendered(text: str) -> Path:
    """A rendered project that several tests read and none changes."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return render(text, Path(folder))
