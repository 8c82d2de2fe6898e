"""Container engines of this machine.  Law: one counts only when it answers; what it can do is asked, not assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlcc.core.errors import PreconditionError
from mlcc.core.findings import error
from mlcc.core.json_data import read_json
from mlcc.core.records import NamedTuple
from mlcc.core.text import allowed, printable, quoted
from mlcc.io import programs

CHOICE = "MLCC_ENGINE"
NONE = "none"
BUILD_NETWORK, NETWORKS = "MLCC_BUILD_NETWORK", ("default", "host", "none")
LABEL = "mlcc.project"


class Traits(NamedTuple):
    """Where the command lines of the engines differ.

    build: how an image gets Docker's manifest, which is the only one that SageMaker takes, and a failed build leaves
    no container; buildx: the same where the engine's buildx plugin answers, empty for an engine without; gpus: what
    gives a container every GPU; bridge: a network that must be there before a port can be published, empty where none
    is needed; daemon: what prints the address of the chosen daemon, empty for an engine without one.
    """

    build: tuple[str, ...]
    buildx: tuple[str, ...]
    gpus: tuple[str, ...]
    bridge: str = ""
    daemon: tuple[str, ...] = ()


# In the order in which they are tried.  SageMaker refuses OCI manifests, which buildx and podman make unless asked
# otherwise (https://github.com/aws/amazon-sagemaker-feedback/issues/180).
TRAITS = {
    "docker": Traits(
        ("build", "--force-rm"),
        ("buildx", "build", "--provenance=false", "--output", "type=docker"),
        ("--gpus", "all"),
        "bridge",
        ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}"),
    ),
    "podman": Traits(("build", "--force-rm", "--format", "docker"), (), ("--device", "nvidia.com/gpu=all")),
}


class Engine(NamedTuple):
    """An engine that answers: its name, the program's path and its version."""

    name: str
    program: str
    version: str

    @property
    def traits(self) -> Traits:
        """Where its command line differs from the others'."""
        return TRAITS[self.name]

    def ask(self, *arguments: str, environ: Mapping[str, str], timeout_s: float = 60) -> programs.Finished:
        """Runs the engine's own command line to its end."""
        return programs.run([self.program, *arguments], environ=environ, timeout_s=timeout_s)

    def build_arguments(
        self,
        image: str,
        platform: str,
        context: str,
        project: str,
        environ: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> list[str]:
        """The command that builds `context` into `image`, labelled as the project's.

        secrets: variables of the command's own environment that steps of the build may mount by name.
        """
        traits = self.traits
        plugin = traits.buildx and self.ask("buildx", "version", environ=environ, timeout_s=15).code == 0
        head = list(traits.buildx if plugin else traits.build)
        head += ["--label", f"{LABEL}={project}", *_build_network(environ), "--platform", platform]
        head += [part for name in secrets for part in ("--secret", f"id={name},env={name}")]
        return [self.program, *head, "--tag", image, context]

    def signed_out(self, folder: str, environ: Mapping[str, str]) -> dict[str, str]:
        """An environment in which the engine keeps its sign-ins in a folder, and still finds its daemon.

        Another folder of configuration has no contexts, and one of them may say where the daemon is.
        """
        found = {**environ, "DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": f"{folder}/auth.json"}
        if self.traits.daemon and "DOCKER_HOST" not in environ:
            asked = self.ask(*self.traits.daemon, environ=environ)
            host = asked.stdout.decode("utf-8", "replace").strip()
            found |= {"DOCKER_HOST": host} if asked.code == 0 and "://" in host else {}
        return found

    def publishes(self, environ: Mapping[str, str]) -> bool:
        """True when a container can have a network of its own with a port published on this machine.

        A docker daemon may run without its bridge; podman needs none.
        """
        bridge = self.traits.bridge
        return not bridge or self.ask("network", "inspect", bridge, environ=environ).code == 0

    def runs(self, container: str, environ: Mapping[str, str]) -> bool:
        """True when a container of this name runs."""
        asked = self.ask("inspect", "--format", "{{.State.Running}}", container, environ=environ)
        return asked.stdout.strip() == b"true"

    def logs(self, container: str, environ: Mapping[str, str], lines: int, max_bytes: int) -> tuple[bytes, bool]:
        """The end of what a container printed, and whether the limit of bytes has cut it."""
        argv = [self.program, "logs", "--tail", str(lines), container]
        done, cut = programs.end_of(argv, environ=environ, timeout_s=60, max_bytes=max_bytes)
        return done.stdout, cut

    def containers(self, project: str, environ: Mapping[str, str]) -> list[str]:
        """Every container of a project, running or not."""
        listed = self.ask("ps", "--all", "--quiet", "--filter", f"label={LABEL}={project}", environ=environ)
        return listed.stdout.decode("ascii", "replace").split()

    def remove_images(self, image: str, project: str, environ: Mapping[str, str]) -> bool:
        """Removes an image and those of the project whose name a later build took; True when none is left."""
        self.ask("rmi", "--force", image, environ=environ, timeout_s=120)
        untagged = ("images", "--quiet", "--filter", "dangling=true", "--filter", f"label={LABEL}={project}")
        for found in dict.fromkeys(self.ask(*untagged, environ=environ).stdout.decode("ascii", "replace").split()):
            self.ask("rmi", "--force", found, environ=environ, timeout_s=120)
        gone = self.ask("image", "inspect", image, environ=environ).code != 0
        return gone and not self.ask(*untagged, environ=environ).stdout.strip()


def _build_network(environ: Mapping[str, str]) -> list[str]:
    """The engine's own network, unless the operator names another one.

    With the host's, a Dockerfile, which may be a stranger's, reaches what listens on the host's loopback interface.
    """
    network = environ.get(BUILD_NETWORK, "")
    if network not in ("", *NETWORKS):
        message = f"{BUILD_NETWORK}={quoted(network)}: no such network of a build"
        raise PreconditionError([error("MLCC302", message, hint=f"it may be {allowed(NETWORKS)}, or absent")])
    return ["--network", network] if network else []


def detect(environ: Mapping[str, str]) -> Engine | None:
    """The engine that answers: docker, else podman; MLCC_ENGINE names one, or `none`."""
    choice = environ.get(CHOICE, "")
    if choice == NONE:
        return None
    if choice and choice not in TRAITS:
        message = f"{CHOICE}={quoted(choice)}: mlcc knows no such container engine"
        raise PreconditionError([error("MLCC302", message, hint=f"it may be {allowed([*TRAITS, NONE])}")])
    for name in (choice,) if choice else TRAITS:
        engine = _ask(name, environ)
        if engine is not None:
            return engine
    if choice:
        message = f"{CHOICE}={quoted(choice)}: it does not answer"
        raise PreconditionError([error("MLCC302", message, hint="start it, or set MLCC_ENGINE=none")])
    return None


def _ask(name: str, environ: Mapping[str, str]) -> Engine | None:
    program = programs.find(name, environ)
    if program is None:
        return None
    done = programs.run([program, "version", "--format", "{{json .}}"], environ=environ, timeout_s=15)
    if done.code:
        return None
    return Engine(name, program, _version(done.stdout))


def _version(answer: bytes) -> str:
    try:
        document = read_json(answer)
        server = document.get("Server") or document.get("Client") or {}
        return printable(str(server.get("Version", "")), 40)
    except (ValueError, AttributeError):
        return ""
