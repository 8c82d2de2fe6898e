"""The whole server, put together: `mlcc dev aws`.  Law: it says that it is not AWS; what it needs are its arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from mlcc import registries
from mlcc.core.records import NamedTuple
from mlcc.io.aws.connection import NOBODY, AwsError, Caller
from mlcc.io.aws.sns import Sns
from mlcc.lifecycle.context import Context
from mlcc.servers.devserver.containers import Containers
from mlcc.servers.devserver.copies import Image, Started
from mlcc.servers.devserver.dispatcher import Dispatcher
from mlcc.servers.devserver.keeper import Engine, Keeper
from mlcc.servers.devserver.launchers import Processes
from mlcc.servers.devserver.objects import Guarded, Objects, S3Objects, unpacker
from mlcc.servers.devserver.projects import Projects
from mlcc.servers.devserver.rules import ASSUMED, Durations
from mlcc.servers.devserver.things import Account
from mlcc.servers.devserver.timeline import Timeline
from mlcc.servers.devserver.web import HOST, DevServer

PROCESS, CONTAINER = "process", "container"
STARTED = {PROCESS: "processes", CONTAINER: "containers"}
OWN = ("SAGEMAKER", "SAGEMAKER_RUNTIME", "APPLICATION_AUTO_SCALING", "CLOUDWATCH", "CLOUDWATCH_LOGS", "SERVICE_QUOTAS")
NOBODY_S_KEYS = {"AWS_ACCESS_KEY_ID": NOBODY, "AWS_SECRET_ACCESS_KEY": NOBODY}
# Of a project without an image nothing can be pushed: where it was built only this server knows.
ECR = "ECR"
LOG, DATA = "containers.log", "data"


class Settings(NamedTuple):
    """The settings of `mlcc dev aws`.

    speed: seconds of the server's clock in a real one; launcher: PROCESS or CONTAINER; folder: for logs and model data;
    beside: the address of a server for all other services, empty for none; account: its number.
    """

    region: str
    account: str
    folder: str
    launcher: str
    speed: float = 1.0
    port: int = 0
    beside: str = ""


class Running(NamedTuple):
    """A server that listens, and what ends all that it started."""

    server: DevServer
    close: Callable[[], None]


def opened(
    settings: Settings,
    contexts: Callable[[], Sequence[Context]],
    now: Callable[[], float],
    clock: Callable[[], float],
    beside: Caller | None,
) -> Running:
    """Listens on loopback.  contexts: of the projects whose images there are, at least one; now: seconds of a steady
    clock; clock: seconds since 1970; beside: calls S3, SNS and other logs.  Raises OSError where the port is taken.
    """
    projects, first = Projects(contexts, beside), contexts()[0]
    objects: Objects | None = Guarded(S3Objects(beside)) if beside is not None else None
    unpacked = unpacker(lambda: objects, os.path.join(settings.folder, DATA))
    engine = first.need_engine() if settings.launcher == CONTAINER else None
    keeper = Keeper(settings.folder, Engine(engine.program if engine is not None else "", first.environ), first.sleep)
    if keeper.take_over():
        first.progress.say("what an earlier server with this folder had left running is ended")
    launcher = _launcher(settings, projects, first, unpacked, keeper)

    def launch(image: Image) -> Started:
        return launcher(image._replace(environment={**role_variables(settings), **image.environment}))

    def notify(topic: str, text: str) -> None:
        try:
            if beside is not None:
                Sns(beside).publish(topic, text)
        except AwsError as problem:
            first.progress.say(f"the notification to {topic} is lost: {problem.message}")

    account = Account(
        settings.region,
        settings.account,
        Timeline(clock()),
        launch,
        durations=Durations(pace=settings.speed),
        knows=projects.starts_process if engine is None else projects.known,
        images=projects.digest,
        objects=objects,
        unpacked=unpacked,
        notify=notify,
        instance=registries.load().instance,
        beside=beside,
    )
    try:
        server = DevServer(Dispatcher(account), now, settings.speed, settings.port, first.progress.say)
    except OSError:
        keeper.close()
        raise

    def close() -> None:
        server.server_close()
        launcher.close()
        keeper.close()

    return Running(server, close)


def _launcher(
    settings: Settings, projects: Projects, first: Context, unpacked: Callable[[str], str], keeper: Keeper
) -> Containers | Processes:
    """Who starts the projects' images."""
    data, log = os.path.join(settings.folder, DATA), os.path.join(settings.folder, LOG)
    if settings.launcher == CONTAINER:
        engine = first.need_engine()
        return Containers(engine, first.environ, projects.reference, unpacked, data, log, keeper)
    return Processes(projects.command, unpacked, log, first.sleep, keeper)


def role_variables(settings: Settings) -> dict[str, str]:
    """What a container has of its execution role: the region, and beside a server for all other services (its secrets
    among them) that one's address, which a container reaches in the machine's own network."""
    found = {"AWS_REGION": settings.region, "AWS_DEFAULT_REGION": settings.region}
    if settings.beside:
        found |= {"AWS_ENDPOINT_URL": settings.beside, **NOBODY_S_KEYS}
    return found


def variables(settings: Settings, url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that leads the SDK to the server, and nowhere else.

    The credentials are nobody's: a call that went astray would be refused by AWS.
    """
    spared = ",".join(filter(None, (environ.get("NO_PROXY") or environ.get("no_proxy", ""), HOST)))
    own = (*OWN, *((ECR,) if settings.launcher == PROCESS else ()))
    return {
        "AWS_ENDPOINT_URL": settings.beside or url,
        **{f"AWS_ENDPOINT_URL_{name}": url for name in own},
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
        **NOBODY_S_KEYS,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": spared,
        "no_proxy": spared,
    }


def words(settings: Settings, url: str) -> list[str]:
    """What somebody who starts it should know."""
    return [
        f"This is not AWS: a test instrument at {url}, for programs of this machine.",
        f"It starts {STARTED[settings.launcher]}; its clock runs {settings.speed:g} times as fast as real time.",
        f"What no source states about SageMaker it assumes: {', '.join(ASSUMED)}.",
    ]
