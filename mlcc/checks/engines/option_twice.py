"""MLCC130: container variables that set one option of the engine to different values."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import Container, Setting, known_options, serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding
from mlcc.core.nodes import Mark
from mlcc.core.paths import format_path
from mlcc.core.records import NamedTuple
from mlcc.core.value_text import short_text
from mlcc.registries.engine_rows import Engine
from mlcc.registries.redaction import shown_value
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.options import KnownOptions, names_of, variable_name

CODE = "MLCC130"


class Named(NamedTuple):
    """The option that a variable sets, and whether the variable is that of the negated option."""

    option: str
    negated: bool


class Use(NamedTuple):
    """A place where an option is set: its name there, its comparable value, and the setting."""

    name: str
    value: str
    setting: Setting


def check(subject: Subject) -> Iterator[Finding]:
    """The same option by two prefixes, an alias, or its negation.  Keys of `engine:` are compared when resolved."""
    engine, options = subject.rows.engine, known_options(subject)
    if engine is None or options is None:
        return
    seen = {f.path for f in subject.resolved.findings if f.code == CODE}
    for container in serving_containers(subject):
        first: dict[str, Use] = {}
        for option, use in _uses(subject, container, engine, options):
            other = first.setdefault(option, use)
            paths = {format_path(use.setting.path), format_path(other.setting.path)}
            if not spelling.same_value(other.value, use.value) and not seen & paths:
                seen |= paths
                message = f"{_shown(use)}, and {_shown(other)}: they are one option{container.words}"
                yield subject.finding(CODE, use.setting.path, message, "keep one of them")


def _uses(subject: Subject, container: Container, engine: Engine, options: KnownOptions) -> Iterator[tuple[str, Use]]:
    """Every variable that sets an option.  One that is made from an extra argument is shown as that."""
    names = _names(options)
    extra = {
        _mark(subject, setting): (f"engine.{key}", setting)
        for key, setting in container.engine.items()
        if key.startswith("extra_args.")
    }
    for variable, setting in container.env.items():
        named = _option(engine, names, variable)
        value = _value(engine, options, named, str(setting.value)) if named is not None else ""
        if named is not None and value:
            name, written = extra.get(_mark(subject, setting), (variable, setting))
            yield named.option, Use(name, value, written)


def _names(options: KnownOptions) -> dict[str, Named]:
    """The option for the end of each variable's name."""
    return {
        variable_name(name): Named(row.name, name not in (row.name, *row.aliases))
        for row in options.options.values()
        for name in names_of(row)
    }


def _option(engine: Engine, names: dict[str, Named], variable: str) -> Named | None:
    prefix = max((p for p in engine.prefixes if variable.startswith(p)), key=len, default="")
    return names.get(variable.removeprefix(prefix)) if prefix else None


def _value(engine: Engine, options: KnownOptions, named: Named, text: str) -> str:
    """A variable's value for the comparison; empty where it sets nothing."""
    kind = options.options[named.option].type
    if kind not in ("flag", "switch", "boolean"):
        return text.strip()
    is_off = text.strip().lower() in spelling.OFF
    if is_off and (named.negated or engine.drops_false or kind == "flag"):
        return ""
    return "off" if is_off or named.negated else "on"


def _shown(use: Use) -> str:
    """A use for a message; a secret is not quoted."""
    return f"{use.name} is {shown_value(use.name, short_text(use.setting.value), 60)}"


def _mark(subject: Subject, setting: Setting) -> Mark:
    return subject.resolved.values[setting.path].mark
