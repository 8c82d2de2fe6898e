"""MLCC142: a device older, or newer, than the image's kernels are made for."""

from collections.abc import Iterator

from mlcc.checks.base import Subject
from mlcc.diagnostics import Finding
from mlcc.options import order

CODE = "MLCC142"


def check(subject: Subject) -> Iterator[Finding]:
    """Compares the device's compute capability with the least one that the image, or its CUDA, supports."""
    version, instance = subject.rows.version, subject.rows.instance
    if version is None or instance is None or not instance.compute_capability:
        return
    toolkit = ".".join(str(version.accelerator.get("version", "")).split(".")[:2])
    row = subject.registries.entries("cuda").get(toolkit)
    least = str(
        version.accelerator.get("compute_capability", "") or (row.facts.get("compute_capability", "") if row else "")
    )
    if least and order(instance.compute_capability) < order(least):
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and {version.name} needs {least}"
        )
        hint = "choose newer devices (mlcc catalog instances), or an older version of the framework"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
    newest = int(row.facts.get("newest_major", 0)) if row is not None else 0
    if newest and int(instance.compute_capability.partition(".")[0]) > newest:
        message = (
            f"{instance.name} has {instance.accelerator_name} devices of compute capability "
            f"{instance.compute_capability}, and CUDA {toolkit} in the image makes code up to {newest}.x"
        )
        hint = "choose a newer version of the framework (mlcc catalog frameworks), or older devices"
        yield subject.finding(CODE, ("deployment", "instance_type"), message, hint)
