"""MLCC141: a host driver that is older than the image's CUDA needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mlcc.checks.containers import parallel, places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.registries.rows import Entry, FrameworkVersion, Target
from mlcc.resolve.hardware import hosts

CODE = "MLCC141"
_VARIANT = re.compile(r"cuda-(\d+)-(\d+)")


def check(subject: Subject) -> Iterator[Finding]:
    """The machine image decides the driver; without a named one SageMaker's default host may be years old.

    A driver of an older branch still runs a newer CUDA by the image's compatibility package, for one device only:
    with several the logs end after the engine's arguments.
    """
    version, target, instance = subject.rows.version, subject.rows.target, subject.rows.instance
    if version is None or target is None or version.accelerator.get("type") != "cuda":
        return
    if not target.host_image:
        return  # a cluster brings its own machine image
    if instance is None or instance.accelerator != "cuda":
        return  # MLCC104 speaks of it
    amis = subject.registries.entries("amis")
    named = target.host_image
    name = str(subject.resolved.get(named, hosts.HOST))
    version = _held(subject, version)
    ami, needed = amis.get(name), _needed(subject, version)
    if ami is None or not needed:
        return
    has = str(ami.facts.get("driver", ""))
    other = ami.facts.get("accelerator") != "cuda"
    if not other and (not has or hosts.branch(has) >= hosts.branch(needed)):
        return
    toolkit = version.accelerator.get("version", "")
    fits = hosts.host(amis, needed, target.instances)
    older = _older(subject, amis, target)
    hint = f"set {named}: {fits}" if fits else f"no host of this use has it{older}"
    said = f"the default host has driver {has} or newer" if name == hosts.HOST else f"{name} has driver {has}"
    said = f"{name} has no driver for CUDA devices" if other else said
    severity = _severity(subject, ami, version)
    dies = "the container dies before its first log line"
    ends = dies if severity is Severity.ERROR else f"without the image's compatibility package {dies}"
    message = f"{said}, and CUDA {toolkit} in the image needs {needed}: {ends}"
    yield subject.finding(CODE, tuple(named.split(".")), message, hint, severity)


def _severity(subject: Subject, ami: Entry, version: FrameworkVersion) -> Severity:
    """A warning where the compatibility package may bridge the gap, for one device."""
    bridge, has = _fact(subject, version, "forward_compat_from"), str(ami.facts.get("driver", ""))
    bridged = ami.facts.get("forward_compat") and bridge and hosts.branch(has) >= hosts.branch(bridge)
    several = any(parallel(place) > 1 for place in places(subject))
    return Severity.WARNING if bridged and not several else Severity.ERROR


def _held(subject: Subject, version: FrameworkVersion) -> FrameworkVersion:
    """The version as the chosen image holds it: a variant has another CUDA, and of an image of one's own nobody knows.

    A variant's name says its toolkit: `cuda-12-9`.
    """
    image, usual = subject.resolved.get("framework.base_image"), version.defaults.get("framework", "base_image")
    if usual is None or image == usual.value:
        return version
    name = next((n for n, found in version.images.items() if found == image), "")
    toolkit = _VARIANT.fullmatch(name)
    if toolkit is None:
        known = name and not name.startswith("cuda")
        return version if known else version._replace(accelerator={"type": "cuda"})
    return version._replace(accelerator={"type": "cuda", "version": f"{toolkit[1]}.{toolkit[2]}"})


def _needed(subject: Subject, version: FrameworkVersion) -> str:
    """The least driver branch: the image's own word, else that of its CUDA toolkit."""
    own = str(version.accelerator.get("driver", ""))
    return own or _fact(subject, version, "minor_compat_from") or _fact(subject, version, "driver")


def _fact(subject: Subject, version: FrameworkVersion, key: str) -> str:
    """A fact of the CUDA toolkit in a version's image."""
    toolkit = str(version.accelerator.get("version", ""))
    row = subject.registries.entries("cuda").get(".".join(toolkit.split(".")[:2]))
    return str(row.facts.get(key, "")) if row is not None else ""


def _older(subject: Subject, amis: Mapping[str, Entry], target: Target) -> str:
    """The newest version of the framework, or of another one of the config, that some host of this use can run."""
    own, config = subject.rows.framework, subject.rows.config
    others = [subject.registries.framework(name) for name in config.frameworks] if config is not None else []
    for framework in (own, *(f for f in others if f != own)):
        for version in framework.versions.values() if framework is not None else ():
            found = hosts.host(amis, _needed(subject, version), target.instances)
            if found and framework is not None:
                name = "" if framework == own else f"framework.name {framework.name}, "
                return f": take {name}framework.version {version.name} and {target.host_image} {found}"
    return ""
