"""MLCC142: a device that is too old, or too new, for the image's kernels."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.proposals import larger
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.resolve.hardware import instances

CODE = "MLCC142"


def check(subject: Subject) -> Iterator[Finding]:
    """Compares the device's compute capability with those that the image, or its CUDA, supports."""
    version, instance = subject.rows.version, subject.rows.instance
    if version is None or instance is None or not instance.compute_capability:
        return
    needs = instances.device_needs(subject.registries, version)
    name = f"{subject.rows.framework.name} {version.name}" if subject.rows.framework is not None else version.name
    if needs.too_old(instance):
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and {name} needs {needs.least}"
        )
        other = larger(subject, "choose newer devices (mlcc catalog instances)", needs.met)
        hint = f"{other}, or an older version of the framework"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
    if needs.too_new(instance):
        toolkit = version.accelerator.get("version", "")
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and CUDA {toolkit} in the image supports up to {needs.newest}.x"
        )
        hint = "choose a newer version of the framework (mlcc catalog frameworks), or older devices"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
