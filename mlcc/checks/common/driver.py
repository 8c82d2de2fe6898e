"""MLCC141: a host driver that is older than the image's CUDA needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlcc.checks.containers import devices_needed, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import Entry, FrameworkVersion, Target
from mlcc.resolve.hardware import hosts
from mlcc.resolve.hardware.hosts import driver_branch

CODE = "MLCC141"
_VARIANT = re.compile(r"cuda-(\d+)-(\d+)")


class Host(NamedTuple):
    """The machine image of a host: its name, its driver (empty where it is not known), and whether it is for CUDA."""

    name: str
    driver: str
    for_cuda: bool
    row: Entry

    def has(self, branch: str) -> bool:
        """Whether its driver is of a branch or newer; True where the driver is not known."""
        return self.for_cuda and (not self.driver or driver_branch(self.driver) >= driver_branch(branch))

    @property
    def words(self) -> str:
        """What it has, for messages."""
        if not self.for_cuda:
            return f"{self.name} has no driver for CUDA devices"
        newer = f"the default host has driver {self.driver} or newer"
        return newer if self.name == hosts.HOST else f"{self.name} has driver {self.driver}"


def check(subject: Subject) -> Iterator[Finding]:
    """The machine image decides the driver; SageMaker's default host may be years old.

    A driver of an older branch still runs a newer CUDA by the image's compatibility package, for one device only:
    with several the logs end after the engine's arguments.
    """
    version, target, instance = subject.rows.version, subject.rows.target, subject.rows.instance
    if version is None or target is None or version.accelerator.get("type") != "cuda":
        return
    if not target.host_image:
        return  # a cluster has its own machine image
    if instance is None or instance.accelerator != "cuda":
        return  # MLCC104 reports it
    version = _version_in_image(subject, version)
    host, needed = _host(subject, target), _needed_driver(subject, version)
    if host is None or not needed or host.has(needed):
        return
    severity = _severity(subject, host, version)
    dies = "the container dies before its first log line"
    ends = dies if severity is Severity.ERROR else f"without the image's compatibility package {dies}"
    toolkit = version.accelerator.get("version", "")
    message = f"{host.words}, and CUDA {toolkit} in the image needs {needed}: {ends}"
    path = tuple(target.host_image.split("."))
    yield subject.finding(CODE, path, message, _hint(subject, target, needed), severity)


def _host(subject: Subject, target: Target) -> Host | None:
    name = str(subject.resolved.get(target.host_image, hosts.HOST))
    row = subject.registries.entries("amis").get(name)
    if row is None:
        return None
    return Host(name, str(row.facts.get("driver", "")), row.facts.get("accelerator") == "cuda", row)


def _hint(subject: Subject, target: Target, needed: str) -> str:
    amis = subject.registries.entries("amis")
    fits = hosts.oldest_host(amis, needed, target.instances)
    if fits:
        return f"set {target.host_image}: {fits}"
    return f"no host of this use has it{_older_version(subject, amis, target)}"


def _severity(subject: Subject, host: Host, version: FrameworkVersion) -> Severity:
    """A warning where the compatibility package may bridge the gap, for one device."""
    bridge = _cuda_fact(subject, version, "forward_compat_from")
    bridged = host.row.facts.get("forward_compat") and bridge and driver_branch(host.driver) >= driver_branch(bridge)
    several = any(devices_needed(container) > 1 for container in serving_containers(subject))
    return Severity.WARNING if bridged and not several else Severity.ERROR


def _version_in_image(subject: Subject, version: FrameworkVersion) -> FrameworkVersion:
    """The version with the CUDA of the chosen image: a variant has another one, and that of a user's image is unknown.

    A variant is named after its toolkit: `cuda-12-9`.
    """
    image, usual = subject.resolved.get("framework.base_image"), version.defaults.get("framework", "base_image")
    if usual is None or image == usual.value:
        return version
    variant = next((name for name, its_image in version.images.items() if its_image == image), "")
    toolkit = _VARIANT.fullmatch(variant)
    if toolkit is not None:
        return version._replace(accelerator={"type": "cuda", "version": f"{toolkit[1]}.{toolkit[2]}"})
    is_known = variant and not variant.startswith("cuda")
    return version if is_known else version._replace(accelerator={"type": "cuda"})


def _needed_driver(subject: Subject, version: FrameworkVersion) -> str:
    """The lowest driver branch: the one in the version's row, else that of its CUDA toolkit."""
    own = str(version.accelerator.get("driver", ""))
    return own or _cuda_fact(subject, version, "minor_compat_from") or _cuda_fact(subject, version, "driver")


def _cuda_fact(subject: Subject, version: FrameworkVersion, key: str) -> str:
    """A fact about the CUDA toolkit in a version's image."""
    toolkit = str(version.accelerator.get("version", ""))
    row = subject.registries.entries("cuda").get(".".join(toolkit.split(".")[:2]))
    return str(row.facts.get(key, "")) if row is not None else ""


def _older_version(subject: Subject, amis: Mapping[str, Entry], target: Target) -> str:
    """The newest version of the framework, or of another one of the config, that some host of this use can run."""
    own, config = subject.rows.framework, subject.rows.config
    others = [subject.registries.framework(name) for name in config.frameworks] if config is not None else []
    for framework in (own, *(f for f in others if f != own)):
        for version in framework.versions.values() if framework is not None else ():
            host = hosts.oldest_host(amis, _needed_driver(subject, version), target.instances)
            if host and framework is not None:
                name = "" if framework == own else f"framework.name {framework.name}, "
                return f": take {name}framework.version {version.name} and {target.host_image} {host}"
    return ""
