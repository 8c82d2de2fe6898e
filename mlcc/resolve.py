"""Config and registries to one flat set of values.  Law: pure; every value knows its source, origin and what it beat.

Sources are only ever compared by `values.Source`.  Registry rows take part as partial documents at level 8 and the
schema's defaults at level 9, so that a row, a file and an option obey the same merge: mappings key by key, lists of
named elements by name, other lists as a whole.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlcc import schema
from mlcc.config import SCHEMA, Layer, leaves, value_of
from mlcc.diagnostics import Finding, Severity, allowed, nearest, quoted
from mlcc.registries.load import Registries
from mlcc.registries.types import (
    VALIDATION_LEVELS,
    Architecture,
    DeploymentConfig,
    Framework,
    FrameworkVersion,
    Instance,
    Model,
    Profile,
    Row,
    Target,
)
from mlcc.values import Beaten, Item, Mark, Node, Path, Source, Value, format_path, parse_path, sections

DEFAULT_COMPONENT = "default"
BUILT_IN = "built-in default"


@dataclass(frozen=True, slots=True)
class Rows:
    """The registry rows that a configuration selects; None for what it does not name or no row has."""

    config: DeploymentConfig | None = None
    architecture: Architecture | None = None
    target: Target | None = None
    framework: Framework | None = None
    version: FrameworkVersion | None = None
    model: Model | None = None
    instance: Instance | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolved configuration for one environment.

    values: every leaf, in path order; rows: what it selects; findings: what went wrong on the way; env: the overlay's
    name, or None for the default.
    """

    values: Mapping[Path, Value]
    rows: Rows
    findings: tuple[Finding, ...] = ()
    env: str | None = None

    def value(self, dotted: str) -> Value | None:
        """The leaf at a dotted path, with its provenance."""
        return self.values.get(_path(dotted))

    def get(self, dotted: str, default: Any = None) -> Any:
        """The plain value at a dotted path."""
        found = self.value(dotted)
        return default if found is None else found.value

    def below(self, dotted: str) -> dict[str, Any]:
        """Plain values of the direct keys of a mapping (`env`, `tags`)."""
        prefix = _path(dotted)
        size = len(prefix)
        return {str(p[size]): v.value for p, v in self.values.items() if len(p) == size + 1 and p[:size] == prefix}

    def names(self, dotted: str) -> tuple[str, ...]:
        """Names of the elements of a named list, in order."""
        return names(self.values, _path(dotted))

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source that contributed a value, strongest first."""
        return tuple(sorted({v.source for v in self.values.values()}))

    @property
    def uncommitted(self) -> tuple[Path, ...]:
        """Leaves that only this run knows (options, variables, --config, picker answers)."""
        return tuple(p for p, v in self.values.items() if not v.source.committed)


@functools.cache
def _path(dotted: str) -> Path:
    return parse_path(dotted) or ()


def names(values: Iterable[Path], prefix: Path) -> tuple[str, ...]:
    """Names of the elements below a named list, in order of first appearance."""
    size = len(prefix)
    segments = [p[size] for p in values if len(p) > size and p[:size] == prefix]
    return tuple(dict.fromkeys(s.name for s in segments if isinstance(s, Item)))


# ---------------------------------------------------------------- merging
@dataclass(frozen=True, slots=True)
class _Candidate:
    value: Any
    source: Source
    origin: str
    mark: Mark


@dataclass
class _Table:
    """Candidates per path, and the order in which named elements appeared."""

    candidates: dict[Path, list[_Candidate]] = field(default_factory=dict)

    def add(self, layer: Layer) -> None:
        """Takes every leaf of a layer."""
        for path, node in leaves(layer.root):
            origin = layer.origin or str(node.mark)
            self.put(path, value_of(path, node), layer.source, origin, node.mark)

    def put(self, path: Path, value: Any, source: Source, origin: str, mark: Mark = Mark("")) -> None:
        """Takes one leaf."""
        self.candidates.setdefault(path, []).append(_Candidate(value, source, origin, mark))

    def winner(self, dotted: str) -> _Candidate | None:
        """The strongest candidate of a path."""
        found = self.candidates.get(_path(dotted))
        return min(found, key=lambda c: c.source) if found else None

    def chosen(self, dotted: str) -> str:
        """The strongest candidate's value as text, or an empty string."""
        found = self.winner(dotted)
        return str(found.value) if found is not None else ""

    def settle(self) -> dict[Path, Value]:
        """Winners with what they beat; a leaf hides every weaker leaf below or above it."""
        values: dict[Path, Value] = {}
        strongest: dict[Path, Source] = {}
        for path, found in self.candidates.items():
            best = min(c.source for c in found)
            for prefix in sections(path):
                strongest[prefix] = min(best, strongest.get(prefix, Source.DEFAULT))
        for path, found in self.candidates.items():
            first, *rest = sorted(found, key=lambda c: c.source)
            above = [p for p in sections(path) if p in self.candidates]
            if any(min(c.source for c in self.candidates[p]) < first.source for p in above):
                continue
            if path in strongest and strongest[path] < first.source:
                continue
            beaten = tuple(Beaten(c.value, c.source, c.origin) for c in rest)
            values[path] = Value(first.value, first.source, first.origin, beaten, first.mark)
        return dict(sorted(values.items(), key=lambda item: _order(item[0])))


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Sorts paths by key; named elements by name."""
    return tuple((1, s.name) if isinstance(s, Item) else (0, str(s)) for s in path)


# ---------------------------------------------------------------- the whole
def resolve(layers: Sequence[Layer], registries: Registries, env: str | None = None) -> Resolved:
    """Merges all sources into one value per leaf.

    layers: documents, options and variables with their sources, in any order; registries: rows for level 8;
    env: the chosen environment's name, kept for the record.
    """
    table, findings = _Table(), list[Finding]()
    for layer in layers:
        table.add(layer)
    _schema_defaults(table)
    rows = _select(table, registries, findings)
    _elements(table, rows)
    _unset(table)
    values = table.settle()
    findings.extend(_missing(values, layers))
    return Resolved(values, rows, tuple(findings), env)


def _schema_defaults(table: _Table) -> None:
    for pattern, prop in schema.index(SCHEMA).items():
        if "default" in prop.schema and "*" not in pattern and "[]" not in pattern:
            value = prop.schema["default"]
            table.put(pattern, tuple(value) if isinstance(value, list) else value, Source.DEFAULT, BUILT_IN)


def _elements(table: _Table, rows: Rows) -> None:
    """Per-element defaults, the implied component, and an adapter's base."""
    components = names(table.candidates, ("inference_components",))
    if not components and rows.target is not None and rows.target.components:
        path: Path = ("inference_components", Item(DEFAULT_COMPONENT), "name")
        table.put(path, DEFAULT_COMPONENT, Source.DEFAULT, f"target {rows.target.name} serves components")
        components = (DEFAULT_COMPONENT,)
    for adapter in names(table.candidates, ("adapters",)):
        base: Path = ("adapters", Item(adapter), "base")
        if base not in table.candidates and len(components) == 1:
            table.put(base, components[0], Source.DEFAULT, "the only inference component")
    for pattern, prop in schema.index(SCHEMA).items():
        if "default" in prop.schema and "[]" in pattern and pattern.count("[]") == 1 and "*" not in pattern:
            at = pattern.index("[]")
            for name in names(table.candidates, pattern[:at]):
                path = (*pattern[:at], Item(name), *pattern[at + 1 :])
                table.put(path, prop.schema["default"], Source.DEFAULT, BUILT_IN)


def _unset(table: _Table) -> None:
    """Takes registry defaults of the variables in `env_unset` away; a value that the user gave stays."""
    found = table.winner("env_unset")
    for name in found.value if found is not None else ():
        path = ("env", str(name))
        kept = [c for c in table.candidates.pop(path, []) if c.source.level < Source.MODEL.level]
        if kept:
            table.candidates[path] = kept


REQUIRED = {
    "project.name": "name the project: project: {name: iris}",
    "deployment.config": "choose one with `mlcc catalog configs`: deployment: {config: http-fastapi}",
}


def _missing(values: Mapping[Path, Value], layers: Sequence[Layer]) -> Iterable[Finding]:
    file = next((la.root.mark for la in layers if la.source is Source.FILE), Mark("mlcc.yaml", 1, 1))
    for dotted, hint in REQUIRED.items():
        if _path(dotted) not in values:
            yield Finding("MLCC027", Severity.ERROR, f"{dotted} is missing", dotted, file.file, 1, 1, hint)


# ---------------------------------------------------------------- rows
def _select(table: _Table, registries: Registries, findings: list[Finding]) -> Rows:
    config = _config(table, registries, findings)
    target = _target(table, registries, findings)
    architecture = _architecture(config, registries, findings, table)
    if config is not None:
        table.add(Layer(Source.DEPLOYMENT_CONFIG, config.defaults))
    if target is not None:
        table.add(Layer(Source.DEPLOYMENT_CONFIG, target.defaults))
    framework, version = _framework(table, registries, config, findings)
    model = _model(table, registries, findings)
    instance = _instance(table, registries)
    return Rows(config, architecture, target, framework, version, model, instance)


def _about(candidate: _Candidate, code: str, path: str, message: str, hint: str, severity: Severity) -> Finding:
    mark = candidate.mark
    return Finding(code, severity, message, path, mark.file or candidate.origin, mark.line, mark.column, hint)


def _named_row(
    table: _Table, registries: Registries, findings: list[Finding], path: str, kind: str, words: str, code: str
) -> Row | None:
    """The row that a path names in a table with aliases; a finding when there is none or the name is deprecated."""
    found = table.winner(path)
    if found is None:
        return None
    rows: Mapping[str, Row] = getattr(registries, kind)
    name, alias = registries.canonical(kind, str(found.value))
    if name not in rows:
        near = nearest(str(found.value), [*rows, *(a for r in rows.values() for a in r.aliases)])
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(rows, 24)}"
        message = f"no {words} is called {quoted(str(found.value), 60)}"
        findings.append(_about(found, code, path, message, hint, Severity.ERROR))
        return None
    if alias:
        message = f"{quoted(str(found.value), 60)} is an old name of {name}"
        findings.append(_about(found, "MLCC110", path, message, f"write {name}", Severity.WARNING))
        table.candidates[_path(path)].remove(found)
        table.put(_path(path), name, found.source, found.origin, found.mark)
    return rows[name]


def _config(table: _Table, registries: Registries, findings: list[Finding]) -> DeploymentConfig | None:
    row = _named_row(
        table, registries, findings, "deployment.config", "deployment_configs", "deployment config", "MLCC102"
    )
    return row if isinstance(row, DeploymentConfig) else None


def _target(table: _Table, registries: Registries, findings: list[Finding]) -> Target | None:
    row = _named_row(table, registries, findings, "deployment.target", "targets", "deployment target", "MLCC103")
    return row if isinstance(row, Target) else None


def _architecture(
    config: DeploymentConfig | None, registries: Registries, findings: list[Finding], table: _Table
) -> Architecture | None:
    if config is None:
        return None
    found = registries.architectures.get(config.architecture)
    if found is None:
        winner = table.winner("deployment.config")
        assert winner is not None
        message = f"{config.name} is of the architecture {quoted(config.architecture)}, which no registry has"
        findings.append(_about(winner, "MLCC102", "deployment.config", message, config.origin, Severity.ERROR))
    return found


def _framework(
    table: _Table, registries: Registries, config: DeploymentConfig | None, findings: list[Finding]
) -> tuple[Framework | None, FrameworkVersion | None]:
    if config is None:
        return None, None
    _infer_framework(table, registries, config)
    chosen = table.winner("framework.name")
    if chosen is None:
        if config.frameworks:
            about = table.winner("deployment.config")
            assert about is not None
            message = f"{config.name} serves several frameworks, and none is named"
            hint = f"framework: {{name: one of {allowed(config.frameworks)}}}, or a model.format that only one loads"
            findings.append(_about(about, "MLCC105", "framework.name", message, hint, Severity.ERROR))
        return None, None
    framework = registries.framework(str(chosen.value)) if chosen.value in config.frameworks else None
    if framework is None:
        hint = f"{config.name} serves: {allowed(config.frameworks)}"
        message = f"{config.name} does not serve {quoted(str(chosen.value), 60)}"
        findings.append(_about(chosen, "MLCC105", "framework.name", message, hint, Severity.ERROR))
        return None, None
    if framework.default_format and not table.chosen("model.format"):
        origin = f"{framework.origin} default_format"
        table.put(("model", "format"), framework.default_format, Source.FRAMEWORK, origin)
    return framework, _framework_version(table, framework, findings)


def _infer_framework(table: _Table, registries: Registries, config: DeploymentConfig) -> None:
    """The only framework of the config that loads the chosen format, unless the user named one."""
    named, form = table.winner("framework.name"), table.winner("model.format")
    if form is None or (named is not None and named.source.level < Source.MODEL.level):
        return
    fits = [n for n in config.frameworks if (f := registries.framework(n)) is not None and form.value in f.formats]
    if len(fits) == 1:
        origin = f"{form.origin} (the framework that loads {form.value})"
        table.put(("framework", "name"), fits[0], form.source, origin, form.mark)


def newest(framework: Framework) -> FrameworkVersion | None:
    """The version taken when none is named: the best validation level, and among those the newest."""
    ranked = sorted(framework.versions.values(), key=lambda v: _rank(v.validation_level))
    return ranked[0] if ranked else None


def _rank(level: str) -> int:
    return VALIDATION_LEVELS.index(level) if level in VALIDATION_LEVELS else len(VALIDATION_LEVELS)


def _framework_version(table: _Table, framework: Framework, findings: list[Finding]) -> FrameworkVersion | None:
    wanted = table.winner("framework.version")
    version = newest(framework) if wanted is None else framework.versions.get(str(wanted.value))
    if version is None:
        if wanted is not None:
            known = ", ".join(f"{v.name} ({v.validation_level})" for v in framework.versions.values())
            message = f"no row for {framework.name} {quoted(str(wanted.value), 40)}"
            hint = f"known: {known}; or add a row in a registry of yours (registries: [./registries])"
            findings.append(_about(wanted, "MLCC106", "framework.version", message, hint, Severity.ERROR))
        return None
    if wanted is None:
        table.put(("framework", "version"), version.name, Source.FRAMEWORK, version.origin)
    table.add(Layer(Source.FRAMEWORK, version.defaults))
    _profile(table, "framework.profile", version.profiles, version.name, Source.FRAMEWORK_PROFILE, findings)
    return version


def _profile(
    table: _Table,
    path: str,
    profiles: Mapping[str, Profile],
    owner: str,
    source: Source,
    findings: list[Finding],
) -> None:
    wanted = table.winner(path)
    if wanted is None or wanted.value == "default":
        return
    profile = profiles.get(str(wanted.value))
    if profile is None:
        message = f"{owner} has no profile {quoted(str(wanted.value), 40)}"
        hint = f"known: {allowed(['default', *profiles])}"
        findings.append(_about(wanted, "MLCC107", path, message, hint, Severity.ERROR))
        return
    table.add(Layer(source, profile.defaults))


def _model(table: _Table, registries: Registries, findings: list[Finding]) -> Model | None:
    name = table.chosen("model.name")
    model = registries.model(name) if name else None
    if model is not None:
        table.add(Layer(Source.MODEL, model.defaults))
        _profile(table, "model.profile", model.profiles, model.name, Source.MODEL_PROFILE, findings)
    return model


def _instance(table: _Table, registries: Registries) -> Instance | None:
    wanted = table.winner("deployment.instance_type")
    instance = registries.instance(str(wanted.value)) if wanted is not None else None
    if instance is not None and instance.platform:
        table.put(("build", "platform"), instance.platform, Source.DEFAULT, f"platform of {instance.name}")
    return instance


def tree(values: Mapping[Path, Any]) -> dict[str, Any]:
    """Plain values by path as a document in mlcc.yaml's shape; named elements become list items again."""
    root: dict[str, Any] = {}
    for path, value in values.items():
        here: Any = root
        for segment, following in itertools.pairwise(path):
            if isinstance(segment, Item):
                here = _element(here, segment.name)
            else:
                here = here.setdefault(segment, [] if isinstance(following, Item) else {})
        here[path[-1]] = list(value) if isinstance(value, tuple) else value
    return root


def _element(items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for item in items:
        if item.get("name") == name:
            return item
    items.append({"name": name})
    return items[-1]


def show_path(path: Path) -> str:
    """A path as it is written in output."""
    return format_path(path)


def node_layer(source: Source, plain: Mapping[str, Any], origin: str) -> Layer:
    """A layer from plain data that has no lines."""
    from mlcc.values import node_of

    node: Node = node_of(plain, Mark(origin))
    return Layer(source, node, origin)
