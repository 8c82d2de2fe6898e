"""MLCC132: an option that the chosen version of the engine does not have."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Container, known_options, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.paths import Path
from mlcc.core.records import NamedTuple
from mlcc.core.text import nearest
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.options import KnownOptions, names_of, variable_name

CODE = "MLCC132"
EXTRA = "extra_args."


class Unknown(NamedTuple):
    """An option that the engine does not have: the path and the name under which it is set, and the path to report.

    The variable of an extra argument has the same mistake; it is not reported again.
    """

    path: Path
    name: str
    also_wrong: Path


def check(subject: Subject) -> Iterator[Finding]:
    """Variables with the engine's prefix are its options or its own variables; any other one is a mistake.

    Where the list is that of another version it is a warning: the wanted version may have the option.
    """
    engine, options = subject.rows.engine, known_options(subject)
    if engine is None or options is None:
        return
    seen: set[Path] = set()
    for container in serving_containers(subject):
        for find in (_typed_keys, _extra_arguments, _variables):
            for unknown in find(container, engine, options):
                if unknown.path not in seen:
                    yield _finding(subject, unknown, engine, options)
                seen |= {unknown.path, unknown.also_wrong}


def _typed_keys(container: Container, engine: Engine, options: KnownOptions) -> Iterator[Unknown]:
    """Keys of `engine:` whose option this version does not have."""
    for key, setting in container.engine.items():
        how = spelling.spelled(engine, key)
        if how is not None and not options.find(how.option):
            yield Unknown(setting.path, f"--{how.option}", setting.path)


def _extra_arguments(container: Container, engine: Engine, options: KnownOptions) -> Iterator[Unknown]:
    """Keys of `engine.extra_args` that are no option."""
    typed, names = spelling.keys_by_variable(engine), _option_names(options)
    for key, setting in container.engine.items():
        option = key.removeprefix(EXTRA)
        variable = spelling.variable(engine, option)
        if option != key and variable not in typed and variable_name(option) not in names:
            path = container.env[variable].path if variable in container.env else setting.path
            yield Unknown(setting.path, f"--{option}", path)


def _variables(container: Container, engine: Engine, options: KnownOptions) -> Iterator[Unknown]:
    """Variables with the engine's prefix that are neither an option nor a variable of its own."""
    names = _option_names(options)
    own = {*spelling.keys_by_variable(engine), *engine.model_variables.values(), *options.variables}
    own |= {name for companions in engine.companions.values() for name in companions}
    for name, setting in container.env.items():
        prefix = next((p for p in engine.prefixes if name.startswith(p)), "")
        if prefix and name not in own and name.removeprefix(prefix) not in names:
            yield Unknown(setting.path, name, setting.path)


def _option_names(options: KnownOptions) -> set[str]:
    """The names of all options as they are written in variables, without a prefix."""
    return {variable_name(name) for row in options.options.values() for name in names_of(row)}


def _finding(subject: Subject, unknown: Unknown, engine: Engine, options: KnownOptions) -> Finding:
    if unknown.name.startswith("--"):
        names = [f"--{option}" for option in options.options]
    else:
        names = [spelling.variable(engine, option) for option in options.options] + sorted(options.variables)
    known = {name.lower(): name for name in names}
    near = known.get(nearest(unknown.name.lower(), known), "")
    hint = f"did you mean {near}? " if near else ""
    wanted, name = subject.rows.engine_version, engine.options_name
    message = f"{name} {wanted} has no option {unknown.name}"
    if not options.exact:
        message = f"{name} {options.version}, the nearest version with a list to {wanted}, has no option {unknown.name}"
    severity = Severity.ERROR if options.exact else Severity.WARNING
    return subject.finding(CODE, unknown.path, message, hint + "remove it, or choose a version that has it", severity)
