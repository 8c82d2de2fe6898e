"""MLCC140: options of an engine that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Container, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.paths import Path
from mlcc.registries.engine_rows import Engine

CODE = "MLCC140"


def check(subject: Subject) -> Iterator[Finding]:
    """The engine's row names the keys that must reach another one, and those that need another one."""
    engine, seen = subject.rows.engine, set[Path]()
    if engine is None:
        return
    containers = list(serving_containers(subject))
    for container in containers:
        for path, message, hint in (*_too_low(container, engine), *_without_effect(container, engine, containers)):
            if path not in seen:
                seen.add(path)
                yield subject.finding(CODE, path, message, hint)


def _too_low(container: Container, engine: Engine) -> Iterator[tuple[Path, str, str]]:
    for key, bound in engine.lower_bounds.items():
        setting, other = container.engine.get(key), container.engine.get(bound)
        if setting is not None and other is not None and setting.value < other.value:
            message = f"{key} is {setting.value}, and must not be below {bound}, which is {other.value}"
            yield setting.path, message + container.words, f"raise it to {other.value}, or lower {bound}"


def _without_effect(container: Container, engine: Engine, every: list[Container]) -> Iterator[tuple[Path, str, str]]:
    for key, needed in engine.requires.items():
        setting = container.engine.get(key)
        # a key of the project has an effect where one component has what it needs
        if setting is not None and not any(c.get(needed) for c in every if c.engine.get(key) == setting):
            message = f"{key} has no effect without {needed}{container.words}"
            yield setting.path, message, f"set engine.{needed}, or remove it"
