"""Registry rows as frozen records.  Law: data only; a record never reads a file and never knows another row by name.

Every record says where it came from (`origin`: root, file and line) and which source its facts have (`source`).
`defaults` is a partial mlcc.yaml: what the row contributes at level 8 of the precedence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlcc.values import Mark, Node

VALIDATION_LEVELS = ("tested", "community-validated", "experimental", "unknown")
NOTHING = Node({}, Mark(""))


@dataclass(frozen=True, slots=True)
class Row:
    """What every row has."""

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING


@dataclass(frozen=True, slots=True)
class Architecture(Row):
    """A family of deployment configs that share one cookiecutter layer.

    uses: sections of mlcc.yaml that it reads beyond the common ones; steps: do/ scripts; container: port and paths;
    model_kinds: what model.name may name (path, s3, jumpstart, registry, hub); sample: where the sample model lies.
    """

    layer: str = ""
    uses: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    container: Mapping[str, Any] = field(default_factory=dict)
    env_prefixes: tuple[str, ...] = ()
    model_kinds: tuple[str, ...] = ()
    sample: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentConfig(Row):
    """`architecture-backend`: one of the catalog."""

    description: str = ""
    architecture: str = ""
    backend: str = ""
    frameworks: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target(Row):
    """Where a container is deployed.

    instances: the list that an instance type must be on (`endpoint`, `transform`, `hyperpod`), empty for none;
    components: inference components are deployed, and an absent list means one named `default`.
    """

    description: str = ""
    layer: str = ""
    uses: tuple[str, ...] = ()
    instances: str = ""
    components: bool = False
    needs_region: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of defaults of a framework version or a model."""

    name: str
    title: str
    defaults: Node


@dataclass(frozen=True, slots=True)
class FrameworkVersion(Row):
    """One version of a framework: base image, pins, environment, profiles."""

    python: str = ""
    requirements: tuple[str, ...] = ()
    sample_requirements: tuple[str, ...] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    accelerator: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Framework(Row):
    """A framework (sklearn, vllm ...) with its versions, newest first, and the model formats it loads."""

    formats: Mapping[str, str] = field(default_factory=dict)
    default_format: str = ""
    versions: Mapping[str, FrameworkVersion] = field(default_factory=dict)
    sample: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model(Row):
    """A model or a family of models (`name` may hold `*`)."""

    family: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance(Row):
    """An instance type.  Unknown facts are None; memory in GiB; accelerator facts are per device."""

    family: str = ""
    platform: str = ""
    vcpu: int | None = None
    memory_gib: float | None = None
    accelerator: str = ""
    accelerator_name: str = ""
    accelerator_count: int | None = None
    accelerator_memory_gib: float | None = None
    compute_capability: str = ""
    endpoint: bool = False
    transform: bool = False
    hyperpod: bool = False


@dataclass(frozen=True, slots=True)
class Region(Row):
    """An AWS region."""

    partition: str = ""
    dns_suffix: str = ""
    sagemaker: bool = False
