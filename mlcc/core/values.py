"""Values that know where they came from.  Law: stdlib only, frozen data in, frozen data out.

A document is a tree of nodes with positions (`Node`); a configuration is a flat mapping from paths to `Value`s, each
with its source, its origin and every value that it beat.  The precedence is one ordered enum: nothing else in mlcc
decides which source wins.
"""

from __future__ import annotations

import enum
from typing import Any, Union

from mlcc.core.nodes import Mark
from mlcc.core.records import NamedTuple

Scalar = Union[str, int, float, bool]


class Source(enum.IntEnum):
    """Where a value comes from; the smaller number wins.  The tens are the nine levels (docs/mlcc-yaml.md)."""

    OPTION = 10
    ARGUMENT = 20
    ENVIRONMENT = 30
    CONFIG_FILE = 40
    OVERLAY = 50
    FILE = 51
    BASE = 52
    WORKSPACE = 53
    MANIFEST = 60
    PICKER = 70
    MODEL_PROFILE = 80
    MODEL = 81
    FRAMEWORK_PROFILE = 82
    FRAMEWORK = 83
    DEPLOYMENT_CONFIG = 84
    DEFAULT = 90

    @property
    def level(self) -> int:
        """1 (wins) to 9."""
        return self.value // 10

    @property
    def label(self) -> str:
        """The word used in output and in the lock."""
        return self.name.lower().replace("_", "-")

    @property
    def rank(self) -> str:
        """The level in words, for people: a number alone beside `registries` would read as a count of them."""
        return f"precedence {self.level} of {max(Source).level}"

    @property
    def committed(self) -> bool:
        """False for what only this run knows: `apply --locked` refuses such values."""
        return self.level not in (1, 2, 3, 4, 7)

    @property
    def by_hand(self) -> bool:
        """True for what somebody wrote or chose, as opposed to the registries' and the built-in defaults."""
        return self.level < 8


SOURCE_TITLES: dict[Source, str] = {
    Source.OPTION: "command line options (--set a.b=v, --region ...)",
    Source.ARGUMENT: "command line arguments (init NAME)",
    Source.ENVIRONMENT: "environment variables (ML_REGION, ML_INSTANCE_TYPE ...)",
    Source.CONFIG_FILE: "--config FILE",
    Source.OVERLAY: "mlcc.yaml: environments.NAME, chosen with --env",
    Source.FILE: "mlcc.yaml",
    Source.BASE: "mlcc.yaml: the file named by extends",
    Source.WORKSPACE: "mlcc.workspace.yaml: the file named by base",
    Source.MANIFEST: 'project manifest ([tool.mlcc] in pyproject.toml, "mlcc" in package.json)',
    Source.PICKER: "picker answers (MCP)",
    Source.MODEL_PROFILE: "registries: model, chosen profile",
    Source.MODEL: "registries: model",
    Source.FRAMEWORK_PROFILE: "registries: framework version, chosen profile",
    Source.FRAMEWORK: "registries: framework version",
    Source.DEPLOYMENT_CONFIG: "registries: deployment config",
    Source.DEFAULT: "built-in defaults",
}


# ---------------------------------------------------------------- resolved values
class HeldChoice(NamedTuple):
    """What a registry chose for the user, as mlcc.lock holds it.

    context: the question that it answers (the framework, the model), as text.
    """

    value: Scalar
    context: str


class Beaten(NamedTuple):
    """A value that lost, with where it came from."""

    value: Any
    source: Source
    origin: str


class Value(NamedTuple):
    """A resolved leaf: the value that won, its source and origin, and all that it beat, strongest first.

    mark: where the winner stands, for findings about it.
    """

    value: Any
    source: Source
    origin: str
    beaten: tuple[Beaten, ...] = ()
    mark: Mark = Mark("")
