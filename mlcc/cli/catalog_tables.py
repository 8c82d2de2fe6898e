"""The tables that `mlcc catalog` can print."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcc.cli.output import Columns
from mlcc.registries.loader import Registries
from mlcc.registries.rows import Row

Rows = Mapping[str, Row]


def _versions(registries: Registries) -> Rows:
    return {f"{f.name} {v.name}": v for f in registries.frameworks.values() for v in f.versions.values()}


def _policies(registries: Registries) -> Mapping[str, Any]:
    """Rules by name; where several have one name all hold, and the others differ by where they stand."""
    found: dict[str, Any] = {}
    for row in registries.policies:
        found[row.name if row.name not in found else f"{row.name} ({row.mark})"] = row
    return found


TABLES: dict[str, tuple[Callable[[Registries], Rows], Columns, str]] = {
    "amis": (lambda r: r.entries("amis"), ("name", "use", "driver", "cuda"), "machine images"),
    "engines": (lambda r: r.engines, ("name", "prefix", "style", "options"), "serving engines"),
    "configs": (
        lambda r: r.deployment_configs,
        ("name", "title", "frameworks", "validation_level"),
        "deployment configs",
    ),
    "frameworks": (_versions, ("name", "validation_level", "python", "needs", "profiles"), "framework versions"),
    "instances": (
        lambda r: r.instances,
        (
            "name",
            "vcpu",
            ("memory_gib", "GiB"),
            ("accelerator_count", "acc"),
            ("accelerator_name", "accelerator"),
            "endpoint",
            ("transform", "batch"),
            "hyperpod",
        ),
        "instance types",
    ),
    "models": (lambda r: r.models, ("name", "family", "validation_level"), "models"),
    "policies": (_policies, ("name", "path", "severity", "title"), "policies"),
    "quantizations": (
        lambda r: r.entries("quantizations"),
        ("name", "bits_per_weight", "title"),
        "ways to quantise weights",
    ),
    "regions": (lambda r: r.regions, ("name", "title", "partition", "sagemaker"), "regions"),
    "e2e": (
        lambda r: r.entries("e2e"),
        ("name", "tier", "model", "instance_type", ("max_model_len", "length")),
        "tested models",
    ),
    "targets": (lambda r: r.targets, ("name", "title", "aliases"), "deployment targets"),
    "workloads": (
        lambda r: r.entries("workloads"),
        ("name", "title", ("input_tokens_mean", "in"), ("output_tokens_mean", "out"), "streaming"),
        "benchmark workloads",
    ),
}
