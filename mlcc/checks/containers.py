"""What a serving container is told, wherever that is written.  Law: pure; no rule, only what several rules look at.

A project's `engine:` and `env:` hold for every inference component; a component's own stand over them.  `place` is the
project as a whole or one component, with the effective value of each key and where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mlcc.checks.subject import Subject
from mlcc.core.paths import Item, Path, format_path
from mlcc.registries.rows import Model
from mlcc.resolve.engine import options, spelling
from mlcc.resolve.engine.options import Known
from mlcc.resolve.result import DEFAULT_COMPONENT


class Found(NamedTuple):
    """A value and where it stands."""

    value: Any
    path: Path


class Place(NamedTuple):
    """One container: engine keys and container variables that hold for it, and how many accelerators it gets.

    prefix: () for the project, else the component's path; model: the row of what it serves; own_model:
    whether that is named for this component; replicas: copies of the model within the container.
    """

    prefix: Path
    engine: Mapping[str, Found]
    env: Mapping[str, Found]
    devices: int | None
    model: Model | None = None
    own_model: bool = False
    replicas: int = 1

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an engine key."""
        found = self.engine.get(key)
        return default if found is None else found.value

    def path(self, key: str) -> Path:
        """Where an engine key stands, or would stand."""
        found = self.engine.get(key)
        return found.path if found is not None else (*self.prefix, "engine", *key.split("."))

    @property
    def words(self) -> str:
        """` in inference_components[chat]`, or nothing for the project as a whole."""
        return f" in {format_path(self.prefix)}" if self.prefix else ""


def places(subject: Subject) -> Iterator[Place]:
    """Every container that the configuration describes."""
    engine = subject.rows.engine
    name = spelling.variable(engine, engine.replicas) if engine is not None and engine.replicas else ""
    for place in _places(subject):
        copies = str(place.env[name].value) if name in place.env else ""
        yield (
            place._replace(replicas=int(copies))
            if copies.isascii() and copies.isdecimal() and len(copies) < 6
            else place
        )


def _places(subject: Subject) -> Iterator[Place]:
    values = subject.resolved.values
    instance = subject.rows.instance
    devices = instance.accelerator_count if instance is not None else None
    names = subject.resolved.names("inference_components")
    common = _section(values, ())
    if not names or (names == (DEFAULT_COMPONENT,) and not _says(values, DEFAULT_COMPONENT)):
        yield Place((), *common, devices, subject.rows.model)
        return
    for name in names:
        prefix: Path = ("inference_components", Item(name))
        if not subject.enabled(prefix):
            continue
        own = _section(values, prefix)
        count, model = values.get((*prefix, "gpu_count")), values.get((*prefix, "model"))
        given = int(count.value) if count is not None else devices
        row = subject.registries.model(str(model.value)) if model is not None else subject.rows.model
        yield Place(prefix, {**common[0], **own[0]}, {**common[1], **own[1]}, given, row, model is not None)


def _says(values: Mapping[Path, Any], name: str) -> bool:
    """Whether a component says anything of its container itself."""
    keys = ("engine", "env", "gpu_count", "model")
    return any(p[:2] == ("inference_components", Item(name)) and p[2] in keys for p in values if len(p) > 2)


def _section(values: Mapping[Path, Any], prefix: Path) -> tuple[dict[str, Found], dict[str, Found]]:
    engine, env, size = {}, {}, len(prefix)
    for path, value in values.items():
        if path[:size] == prefix and len(path) > size + 1:
            if path[size] == "engine":
                engine[".".join(str(s) for s in path[size + 1 :])] = Found(value.value, path)
            elif path[size] == "env":
                env[str(path[size + 1])] = Found(value.value, path)
    return engine, env


def parallel(place: Place) -> int:
    """How many devices the model takes: what it is split over, for each of its copies."""
    return place.replicas * tensor_parallel(place) * int(place.get("pipeline_parallel_size", 1))


def tensor_parallel(place: Place) -> int:
    """Over how many devices each layer is split."""
    size = place.get("tensor_parallel_size", 1)
    return (place.devices or 1) if size == "max" else int(size)


def known(subject: Subject) -> Known | None:
    """What the chosen version of the engine knows, or None where no list is there."""
    rows = subject.rows
    return options.known(rows.options, rows.engine_version) if rows.options is not None else None
