"""What an account holds.  Law: data; who changes it says so in one of the modules of operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mlcc.io.aws.connection import Caller
from mlcc.registries.rows import Instance
from mlcc.servers.devserver.container_output import ContainerOutput
from mlcc.servers.devserver.copies import Group, Launcher
from mlcc.servers.devserver.faults import Faults
from mlcc.servers.devserver.objects import Objects
from mlcc.servers.devserver.rules import Durations, Rules
from mlcc.servers.devserver.timeline import Timeline

IN_SERVICE, CREATING, UPDATING, DELETING, FAILED = "InService", "Creating", "Updating", "Deleting", "Failed"
ROLLING_BACK, ROLLBACK_FAILED, COMPLETED = "RollingBack", "UpdateRollbackFailed", "Completed"
SYSTEM_UPDATING, OUT_OF_SERVICE = "SystemUpdating", "OutOfService"
MOVING = (CREATING, UPDATING, DELETING, SYSTEM_UPDATING, ROLLING_BACK)


@dataclass
class Thing:
    """One resource: the request that made it, and what has become of it."""

    name: str
    arn: str
    request: dict[str, Any]
    created: float
    changed: float
    tags: dict[str, str] = field(default_factory=dict)
    status: str = ""
    reason: str = ""
    copies: Group | None = None
    # the specification that runs, which an update that fails leaves in place
    running: dict[str, Any] = field(default_factory=dict)
    # of an endpoint: what the variants that are being changed shall be, and how its last update was asked for
    wanted: dict[str, Any] = field(default_factory=dict)
    deployment: dict[str, Any] = field(default_factory=dict)
    # asynchronous requests that its containers work at
    busy: int = 0

    def url(self) -> str:
        """Where a healthy copy of it listens, each in turn; empty where there is none."""
        return self.copies.next_url() if self.copies is not None else ""


def at_once(work: Callable[[], Any], done: Callable[[Any], None]) -> None:
    """Does something and hands its result over: what a server does in a thread."""
    done(work())


@dataclass
class Account:
    """All that is there, and what is needed to change it.

    launch: starts containers; knows: whether it can start an image; images: the digest of a repository's image by tag
    (empty: none); objects: S3; unpacked: the folder of a model's data, which may raise Unavailable; notify: publishes a
    text to a topic of SNS; aside: does what takes time, and hands its result over; instance: what is known of an
    instance type; quotas: instances by name of the quota; asynchronous: every asynchronous request so far; beside: the
    server of what this one does not have (None: there is none); output: what containers have printed; measured:
    requests by metric and dimensions, and by the minute; groups, packages: of models, by their names in lower case;
    hub: models of the public hub.
    """

    region: str
    number: str
    timeline: Timeline
    launch: Launcher
    rules: Rules = field(default_factory=Rules)
    durations: Durations = field(default_factory=Durations)
    partition: str = "aws"
    models: dict[str, Thing] = field(default_factory=dict)
    configs: dict[str, Thing] = field(default_factory=dict)
    endpoints: dict[str, Thing] = field(default_factory=dict)
    components: dict[str, Thing] = field(default_factory=dict)
    jobs: dict[str, Thing] = field(default_factory=dict)
    groups: dict[str, Thing] = field(default_factory=dict)
    packages: dict[str, Thing] = field(default_factory=dict)
    hub: dict[str, dict[str, str]] = field(default_factory=dict)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    asynchronous: list[Any] = field(default_factory=list)
    measured: dict[tuple[str, tuple[tuple[str, str], ...]], dict[int, int]] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    knows: Callable[[str], bool] = lambda image: True
    images: Callable[[str, str], str] = lambda repository, tag: ""
    objects: Objects | None = None
    unpacked: Callable[[str], str] = lambda uri: uri
    notify: Callable[[str, str], None] | None = None
    aside: Callable[[Callable[[], Any], Callable[[Any], None]], None] = at_once
    instance: Callable[[str], Instance | None] = lambda name: None
    beside: Caller | None = None
    output: ContainerOutput = field(init=False)

    def __post_init__(self) -> None:
        self.output = ContainerOutput(lambda: self.date)

    @property
    def date(self) -> float:
        """The moment as answers name it, in seconds since 1970: real time, however fast the clock runs, as that of
        whoever asks, and of the objects in S3."""
        timeline = self.timeline
        return timeline.start + (timeline.now - timeline.start) / self.durations.pace

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource of SageMaker, which spells names in lower case."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.number}:{kind}/{name.lower()}"

    def drop_target(self, where: str) -> None:
        """Nothing scales any more what Application Auto Scaling calls so: its policies go with it."""
        del self.targets[where]
        for key in [key for key in self.policies if key[0] == where]:
            del self.policies[key]

    def made(self, kind: str, name: str, request: dict[str, Any], status: str = "") -> Thing:
        """A new resource of a request."""
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        own = {key: value for key, value in request.items() if key != "Tags"}
        now = self.date
        return Thing(name, self.arn(kind, name), own, now, now, tags, status)

    def tagged(self) -> dict[str, Thing]:
        """Every resource that takes tags, by ARN."""
        made = (self.models, self.configs, self.endpoints, self.components, self.jobs)
        tables = (*made, self.groups, self.packages)
        return {thing.arn: thing for table in tables for thing in table.values()}
