"""A resolved configuration: every leaf with its source, and the registry rows that it selects.  Law: data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.core.findings import Finding
from mlcc.core.paths import EMPTY, Item, Path, dotted_path, names
from mlcc.core.records import NamedTuple
from mlcc.core.values import Source, Value
from mlcc.registries.engine_rows import Engine, EngineOptions
from mlcc.registries.rows import Architecture, DeploymentConfig, Framework, FrameworkVersion, Instance, Model, Target
from mlcc.registries.triton_rows import TritonBackend
from mlcc.resolve.choices import Choice

# Findings with which the configuration is still resolved and checked.
CONTRADICTIONS = ("MLCC130",)
DEFAULT_COMPONENT = "default"


# What every component has: a list that says no more of the implied one is as good as none.
_OF_EVERY_COMPONENT = ("name", "enabled", "copy_count")


def covers_copies(values: Mapping[Path, Any]) -> bool:
    """Whether the top-level `scaling` is also that of a component's copies.

    It is where the only component is the one that an absent list means, with nothing of its own.
    """
    listed = names(values, ("inference_components",))
    place: Path = ("inference_components", Item(DEFAULT_COMPONENT))
    return listed in ((), (DEFAULT_COMPONENT,)) and not any(
        path[:2] == place and path[2] not in _OF_EVERY_COMPONENT for path in values
    )


class Resolved(NamedTuple):
    """A resolved configuration for one environment.

    values: every leaf, in path order; rows: what it selects; findings: of the resolution; env: the overlay's
    name, or None for the default; choices: what registries chose where the user named nothing; texts: the bytes of
    files that the configuration names and renders as they are, by the name that it gives them.
    """

    values: Mapping[Path, Value]
    rows: Rows
    findings: tuple[Finding, ...] = ()
    env: str | None = None
    choices: Mapping[Path, Choice] = EMPTY
    texts: Mapping[str, bytes] = EMPTY

    def value(self, dotted: str) -> Value | None:
        """The leaf at a dotted path, with its provenance."""
        return self.values.get(dotted_path(dotted))

    def get(self, dotted: str, default: Any = None) -> Any:
        """The plain value at a dotted path."""
        value = self.value(dotted)
        return default if value is None else value.value

    def below(self, dotted: str) -> dict[str, Any]:
        """Plain values of the direct keys of a mapping (`env`, `tags`)."""
        prefix = dotted_path(dotted)
        size = len(prefix)
        return {str(p[size]): v.value for p, v in self.values.items() if len(p) == size + 1 and p[:size] == prefix}

    def names(self, dotted: str) -> tuple[str, ...]:
        """Names of the elements of a named list, in order."""
        return names(self.values, dotted_path(dotted))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that contributed a value, strongest first."""
        return tuple(sorted({v.source for v in self.values.values()}))

    @property
    def uncommitted(self) -> tuple[Path, ...]:
        """Leaves that only this run knows (options, variables, --config, picker answers)."""
        return tuple(p for p, v in self.values.items() if not v.source.committed)


# The section of mlcc.yaml that architectures with a model repository read.
TRITON = "triton"


class Rows(NamedTuple):
    """The registry rows that a configuration selects; None where it names none, or no row has the name."""

    config: DeploymentConfig | None = None
    architecture: Architecture | None = None
    target: Target | None = None
    framework: Framework | None = None
    version: FrameworkVersion | None = None
    model: Model | None = None
    instance: Instance | None = None
    engine: Engine | None = None
    options: EngineOptions | None = None
    backends: Mapping[str, TritonBackend] = EMPTY

    @property
    def backend(self) -> TritonBackend | None:
        """The Triton backend of the deployment config, where it has one."""
        return self.backends.get(self.config.backend) if self.config is not None else None

    @property
    def requirements(self) -> tuple[str, ...]:
        """The Python packages of the chosen rows, each with its exact version."""
        pins = self.config.pins(self.version.python if self.version is not None else "") if self.config else ()
        return (*(self.version.requirements if self.version is not None else ()), *pins)

    @property
    def levels(self) -> Mapping[str, str]:
        """The validation level of each chosen row, by the path that chose it."""
        rows = {"deployment.config": self.config, "framework.version": self.version, "model.name": self.model}
        return {path: row.validation_level for path, row in rows.items() if row is not None}

    @property
    def engine_version(self) -> str:
        """The engine's own version: the name of an image may contain another one."""
        return (self.version.engine_version or self.version.name) if self.version is not None else ""
