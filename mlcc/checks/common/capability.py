"""MLCC142: a device older, or newer, than the image's kernels are made for."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.hardware import instances

CODE = "MLCC142"


def check(subject: Subject) -> Iterator[Finding]:
    """Compares the device's compute capability with the least one that the image, or its CUDA, supports."""
    version, instance = subject.rows.version, subject.rows.instance
    if version is None or instance is None or not instance.compute_capability:
        return
    needed = instances.needs(subject.registries, version)
    name = f"{subject.rows.framework.name} {version.name}" if subject.rows.framework is not None else version.name
    if needed.too_old(instance):
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and {name} needs {needed.least}"
        )
        hint = "choose newer devices (mlcc catalog instances), or an older version of the framework"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
    if needed.too_new(instance):
        toolkit = version.accelerator.get("version", "")
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and CUDA {toolkit} in the image makes code up to {needed.newest}.x"
        )
        hint = "choose a newer version of the framework (mlcc catalog frameworks), or older devices"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
