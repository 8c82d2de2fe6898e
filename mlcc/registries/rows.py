"""Registry rows as frozen records.  Law: data only; a record reads no file and names no other row in code.

Every record has its place (`origin`: root, file and line) and the source of its facts (`source`).  `defaults` is a
partial mlcc.yaml: the values of the row at level 8 of the precedence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mlcc.core.nodes import Mark, Node
from mlcc.core.paths import EMPTY
from mlcc.core.records import NamedTuple

VALIDATION_LEVELS = ("tested", "community-validated", "experimental", "unknown")
NOTHING = Node({}, Mark(""))


class Row(Protocol):
    """The fields of every row; each record repeats them, because named tuples do not inherit."""

    @property
    def name(self) -> str:
        """The row's key."""

    @property
    def origin(self) -> str:
        """Root, file and line."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def source(self) -> str:
        """Where its facts come from."""

    @property
    def validation_level(self) -> str:
        """One of VALIDATION_LEVELS."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that are understood."""

    @property
    def defaults(self) -> Node:
        """A partial mlcc.yaml."""

    def _asdict(self) -> dict[str, Any]:
        """Field by field."""


class Architecture(NamedTuple):
    """A family of deployment configs that share one cookiecutter layer.

    uses: sections of mlcc.yaml that it reads beyond the common ones; ignores: keys of these that it does not;
    engine_only: keys that only its configs with an engine read; steps: do/ scripts; container: port and paths;
    model_kinds: the kinds of model that model.name may name (path, s3, jumpstart, registry, hub); sample: the path of
    the sample model; variables: those that its server reads, with the type of each (integer, boolean, text); recorded:
    what a record of a deployment says beside the variables with one of the prefixes; provided_by: what to do for a
    program that a process of this machine needs.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    layer: str = ""
    uses: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    engine_only: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    container: Mapping[str, Any] = EMPTY
    env_prefixes: tuple[str, ...] = ()
    model_kinds: tuple[str, ...] = ()
    sample: str = ""
    variables: Mapping[str, str] = EMPTY
    recorded: Mapping[str, str] = EMPTY
    provided_by: Mapping[str, str] = EMPTY


class DeploymentConfig(NamedTuple):
    """`architecture-backend`: one of the catalog.

    requirements_by_python: what stands in place of `requirements` for a Python that these do not support; example_env:
    variables that its server reads, as a comment of a new mlcc.yaml shows them.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    description: str = ""
    architecture: str = ""
    backend: str = ""
    frameworks: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = EMPTY
    engine: str = ""
    not_on: tuple[str, ...] = ()
    requirements_by_python: Mapping[str, list[str]] = EMPTY
    example_env: Mapping[str, str] = EMPTY

    def pins(self, python: str) -> tuple[str, ...]:
        """The packages of the server for a Python such as 3.10."""
        return tuple(self.requirements_by_python.get(python, self.requirements))


class Target(NamedTuple):
    """Where a container is deployed.

    instances: the list that an instance type must be on (`endpoint`, `transform`, `hyperpod`), empty for none;
    host_image: the key that names the machine image of SageMaker's host, empty where SageMaker runs no host;
    max_payload_mb: MiB of the largest request, 0 where servers know it themselves; start_s, load_mib_per_s,
    longest_start_s: how long an engine starts once it has its weights, how fast they arrive (0: nobody waits), and the
    longest wait that the service allows; ignores: keys that it does not read; needs: keys that its deployment requires;
    instead: keys that do in place of one of these; together: keys that need another one; secrets: the places from which
    a running container can read secrets, empty for any; components: inference components are deployed, and an absent
    list means one named `default`; manifests: Kubernetes manifests are rendered; devices: how Kubernetes calls a
    device, by the kind of accelerator; endpoint_metrics: what the operator can scale by, of CloudWatch, with the
    statistic; pod_metrics: what an autoscaler of Kubernetes' own can scale by, with the resource; lacks: do/ steps that
    it cannot have; predefined_metrics: those that Application Auto Scaling knows by name for what scales on the target;
    refuses: options of do/ steps that it does not have, with a blank between them, by step; quota: what Service Quotas
    calls the use of its instances (`ml.g5.xlarge for {quota}`), empty for none; parts: what do/clean takes away alone,
    `all` among them, empty where only the target itself knows; billed: what its instances are paid for (`endpoint`,
    `job`), empty where nobody is paid for them alone.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    description: str = ""
    layer: str = ""
    uses: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()
    instances: str = ""
    host_image: str = ""
    max_payload_mb: int = 0
    start_s: int = 0
    load_mib_per_s: int = 0
    longest_start_s: int = 0
    needs: tuple[str, ...] = ()
    refuses: Mapping[str, str] = EMPTY
    instead: Mapping[str, str] = EMPTY
    together: Mapping[str, str] = EMPTY
    secrets: tuple[str, ...] = ()
    components: bool = False
    needs_region: bool = True
    manifests: bool = False
    devices: Mapping[str, str] = EMPTY
    endpoint_metrics: Mapping[str, str] = EMPTY
    pod_metrics: Mapping[str, str] = EMPTY
    lacks: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    predefined_metrics: tuple[str, ...] = ()
    quota: str = ""
    billed: str = ""


class Profile(NamedTuple):
    """A named set of defaults of a framework version or a model."""

    name: str
    title: str
    defaults: Node


class FrameworkVersion(NamedTuple):
    """One version of a framework.  python: of its base image; other_pythons: others with wheels of every pin."""

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    python: str = ""
    requirements: tuple[str, ...] = ()
    sample_requirements: tuple[str, ...] = ()
    profiles: Mapping[str, Profile] = EMPTY
    accelerator: Mapping[str, Any] = EMPTY
    evidence: Mapping[str, Any] = EMPTY
    engine_version: str = ""
    images: Mapping[str, str] = EMPTY
    superseded_images: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    known_issues: tuple[Mapping[str, Any], ...] = ()
    other_pythons: tuple[str, ...] = ()


class Framework(NamedTuple):
    """A framework (sklearn, vllm ...) with its versions, newest first, and the model formats it loads.

    accounts: in which AWS account each region keeps its base images; left_out: releases that have no row, and why;
    packages: its names on PyPI, as pip compares them.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    formats: Mapping[str, str] = EMPTY
    default_format: str = ""
    versions: Mapping[str, FrameworkVersion] = EMPTY
    sample: Mapping[str, Any] = EMPTY
    engine: str = ""
    accounts: Mapping[str, str] = EMPTY
    left_out: Mapping[str, str] = EMPTY
    packages: tuple[str, ...] = ()


class Model(NamedTuple):
    """A model or a family of models (`name` may contain `*`)."""

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    family: str = ""
    profiles: Mapping[str, Profile] = EMPTY
    facts: Mapping[str, Any] = EMPTY
    architecture: str = ""
    gated: bool = False
    compatibility: Mapping[str, str] = EMPTY
    requires_template: bool = False
    chat_template: str = ""
    known_issues: tuple[Mapping[str, Any], ...] = ()
    instances: tuple[str, ...] = ()
    tune: Mapping[str, Any] = EMPTY
    notes: tuple[str, ...] = ()


class Instance(NamedTuple):
    """An instance type.  Unknown facts are None; memory in GiB; accelerator facts are per device.

    reported_memory_mib: what the device itself reports, less than what is installed; driver and last_driver: the first
    and the last driver branch that supports the device; small_batches: engines profile no larger batch on it than on
    small devices; local_storage: it has disks of its own, which take the place of a volume.
    """

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    family: str = ""
    platform: str = ""
    vcpu: int | None = None
    memory_gib: float | None = None
    accelerator: str = ""
    accelerator_name: str = ""
    accelerator_count: int | None = None
    accelerator_memory_gib: float | None = None
    compute_capability: str = ""
    reported_memory_mib: int | None = None
    driver: str = ""
    last_driver: str = ""
    neuron_cores: int | None = None
    small_batches: bool = False
    local_storage: bool = False
    endpoint: bool = False
    transform: bool = False
    hyperpod: bool = False


class Region(NamedTuple):
    """An AWS region."""

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    partition: str = ""
    dns_suffix: str = ""
    sagemaker: bool = False


class Entry(NamedTuple):
    """A row of a table of facts: a machine image, a CUDA version, a workload, a tested model."""

    name: str
    origin: str
    title: str = ""
    source: str = ""
    validation_level: str = "unknown"
    aliases: tuple[str, ...] = ()
    defaults: Node = NOTHING
    facts: Mapping[str, Any] = EMPTY
