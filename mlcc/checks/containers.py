"""The settings of each serving container, as several rules need them.  Law: pure; no rule of its own.

A project's `engine:` and `env:` apply to every inference component; those of a component override them.  A `Container`
is the project as a whole or one component, with the value of each key that applies to it and the path of that value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.checks.subject import Subject
from mlcc.core.paths import Item, Path, format_path
from mlcc.core.records import NamedTuple
from mlcc.registries.rows import Model
from mlcc.resolve.engine import options, spelling
from mlcc.resolve.engine.options import KnownOptions
from mlcc.resolve.hardware import shares
from mlcc.resolve.hardware.hosts import pod_devices
from mlcc.resolve.result import DEFAULT_COMPONENT


class Setting(NamedTuple):
    """A value and its path."""

    value: Any
    path: Path


class Container(NamedTuple):
    """One container: the engine keys and variables that apply to it, and the number of accelerators that it gets.

    prefix: () for the project, else the component's path; model: the row of the model that it serves; own_model:
    whether the component itself names the model; replicas: copies of the model in the container.
    """

    prefix: Path
    engine: Mapping[str, Setting]
    env: Mapping[str, Setting]
    devices: int | None
    model: Model | None = None
    own_model: bool = False
    replicas: int = 1

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an engine key."""
        setting = self.engine.get(key)
        return default if setting is None else setting.value

    def path(self, key: str) -> Path:
        """The path of an engine key, whether or not it is set."""
        setting = self.engine.get(key)
        return setting.path if setting is not None else (*self.prefix, "engine", *key.split("."))

    @property
    def model_path(self) -> Path:
        """The path of the key that names the model."""
        return (*self.prefix, "model") if self.own_model else ("model", "name")

    @property
    def words(self) -> str:
        """` in inference_components[chat]` for messages, or nothing for the project as a whole."""
        return f" in {format_path(self.prefix)}" if self.prefix else ""


def serving_containers(subject: Subject) -> Iterator[Container]:
    """Every container that the configuration describes."""
    engine = subject.rows.engine
    option = engine.replicas_option if engine is not None else ""
    variable = spelling.variable(engine, option) if engine is not None and option else ""
    for container in _containers(subject):
        copies = str(container.env[variable].value) if variable in container.env else ""
        is_number = copies.isascii() and copies.isdecimal() and len(copies) < 6
        yield container._replace(replicas=int(copies)) if is_number else container


def _containers(subject: Subject) -> Iterator[Container]:
    values, instance = subject.resolved.values, subject.rows.instance
    devices = instance.accelerator_count if instance is not None else None
    pod = pod_devices(subject.rows.target, subject.resolved.get("hyperpod.gpu_count"))
    devices = devices if pod is None else pod
    names = subject.resolved.names("inference_components")
    engine, env = _section(values, ())
    if not names or (names == (DEFAULT_COMPONENT,) and not _has_settings(values, DEFAULT_COMPONENT)):
        yield Container((), engine, env, devices, subject.rows.model)
        return
    served = [name for name in names if subject.enabled(("inference_components", Item(name)))]
    shared = shares.share(devices, len(served)) if devices and pod is None else devices
    for name in names:
        prefix: Path = ("inference_components", Item(name))
        if not subject.enabled(prefix):
            continue
        own_engine, own_env = _section(values, prefix)
        count, model = values.get((*prefix, "gpu_count")), values.get((*prefix, "model"))
        own_devices = int(count.value) if count is not None else shared
        row = subject.registries.model(str(model.value)) if model is not None else subject.rows.model
        yield Container(prefix, {**engine, **own_engine}, {**env, **own_env}, own_devices, row, model is not None)


def _has_settings(values: Mapping[Path, Any], name: str) -> bool:
    """Whether a component has settings of its own for its container."""
    keys = ("engine", "env", "gpu_count", "model")
    return any(p[:2] == ("inference_components", Item(name)) and p[2] in keys for p in values if len(p) > 2)


def _section(values: Mapping[Path, Any], prefix: Path) -> tuple[dict[str, Setting], dict[str, Setting]]:
    """The engine keys and the variables that are set in a section."""
    engine, env, size = {}, {}, len(prefix)
    for path, value in values.items():
        if path[:size] == prefix and len(path) > size + 1:
            if path[size] == "engine":
                engine[".".join(str(s) for s in path[size + 1 :])] = Setting(value.value, path)
            elif path[size] == "env":
                env[str(path[size + 1])] = Setting(value.value, path)
    return engine, env


def devices_needed(container: Container) -> int:
    """How many devices the model takes: those of its split, for each of its copies."""
    return container.replicas * split_size(container) * int(container.get("pipeline_parallel_size", 1))


def split_size(container: Container) -> int:
    """Over how many devices each layer is split."""
    size = container.get("tensor_parallel_size", 1)
    return (container.devices or 1) if size == spelling.MAX else int(size)


def known_options(subject: Subject) -> KnownOptions | None:
    """The options of the chosen version of the engine, or None where no list has them."""
    rows = subject.rows
    return options.at_version(rows.options, rows.engine_version) if rows.options is not None else None
