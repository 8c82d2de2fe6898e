"""Which registry rows a configuration selects.  Law: pure; a name that no row has is a finding, never an exception.

Each selected row adds what it knows, as a layer of level 8, to the table of candidates.
"""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.core.findings import Finding, Severity, allowed, nearest, quoted
from mlcc.core.nodes import Node
from mlcc.core.paths import EMPTY, dotted_path
from mlcc.core.values import Source
from mlcc.load.document import check_tree
from mlcc.load.layers import Layer
from mlcc.registries.engine_rows import Engine
from mlcc.registries.loader import Registries
from mlcc.registries.rows import (
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
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.engine import model_variables
from mlcc.resolve.hardware.defaults import place, possible, split
from mlcc.resolve.hardware.hosts import put_host_image
from mlcc.resolve.result import TRITON, Rows


def select(table: Table, registries: Registries, findings: list[Finding]) -> Rows:
    """Chooses the rows and adds their defaults to `table`; what is wrong is added to `findings`."""
    config = _config(table, registries, findings)
    target = _target(table, registries, findings)
    architecture = _architecture(config, registries, findings, table)
    if config is not None:
        _add(table, Source.DEPLOYMENT_CONFIG, config.defaults, findings)
    if target is not None:
        _add(table, Source.DEPLOYMENT_CONFIG, target.defaults, findings)
    backends = registries.triton_backends if architecture is not None and TRITON in architecture.uses else EMPTY
    own = backends.get(config.backend) if config is not None else None
    framework, version = _framework(table, registries, config, findings, own.image if own is not None else "")
    engine = _engine(config, framework, registries)
    if engine is not None:
        model_variables.model_from_variable(table, engine)
    model = _model(table, registries, findings)
    if engine is not None and engine.payload and table.winner("test.payload") is None:
        table.put(("test", "payload"), engine.payload, Source.FRAMEWORK, engine.origin)
    sized = possible(table, model, engine)
    whole = place(table, registries, model, target, version, sized)
    instance = _instance(table, registries)
    split(table, registries, model, instance, sized, whole)
    put_host_image(table, registries, target, version, instance)
    options = registries.options(engine.options) if engine is not None else None
    return Rows(config, architecture, target, framework, version, model, instance, engine, options, backends)


def _add(table: Table, source: Source, defaults: Node, findings: list[Finding]) -> None:
    """A row's own partial mlcc.yaml as a layer; it obeys the schema like any document, or does not take part."""
    found = check_tree(defaults, defaults.mark.file, partial=True, overlays=False)
    findings.extend(found.findings)
    if found.ok:
        table.add(Layer(source, defaults))


def _about(candidate: Candidate, code: str, path: str, message: str, hint: str, severity: Severity) -> Finding:
    mark = candidate.mark
    return Finding(code, severity, message, path, mark.file or candidate.origin, mark.line, mark.column, hint)


def _named_row(
    table: Table, registries: Registries, findings: list[Finding], path: str, kind: str, words: str, code: str
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
        table.candidates[dotted_path(path)].remove(found)
        table.put(dotted_path(path), name, found.source, found.origin, found.mark)
    return rows[name]


def _config(table: Table, registries: Registries, findings: list[Finding]) -> DeploymentConfig | None:
    named = registries.config(table.chosen("deployment.config"))
    if named is not None:
        return named
    row = _named_row(
        table, registries, findings, "deployment.config", "deployment_configs", "deployment config", "MLCC102"
    )
    return row if isinstance(row, DeploymentConfig) else None


def _target(table: Table, registries: Registries, findings: list[Finding]) -> Target | None:
    row = _named_row(table, registries, findings, "deployment.target", "targets", "deployment target", "MLCC103")
    return row if isinstance(row, Target) else None


def _architecture(
    config: DeploymentConfig | None, registries: Registries, findings: list[Finding], table: Table
) -> Architecture | None:
    if config is None:
        return None
    found = registries.architecture(config.architecture)
    if found is None:
        winner = table.winner("deployment.config")
        assert winner is not None
        message = f"{config.name} is of the architecture {quoted(config.architecture)}, which no registry has"
        findings.append(_about(winner, "MLCC102", "deployment.config", message, config.origin, Severity.ERROR))
    return found


def _framework(
    table: Table, registries: Registries, config: DeploymentConfig | None, findings: list[Finding], variant: str = ""
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
    return framework, _framework_version(table, framework, findings, variant)


def _infer_framework(table: Table, registries: Registries, config: DeploymentConfig) -> None:
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


def _framework_version(
    table: Table, framework: Framework, findings: list[Finding], variant: str
) -> FrameworkVersion | None:
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
    if variant in version.images:  # before the version's own default, which it stands over
        table.put(("framework", "base_image"), version.images[variant], Source.FRAMEWORK, version.origin)
    _add(table, Source.FRAMEWORK, version.defaults, findings)
    _profile(table, "framework.profile", version.profiles, version.name, Source.FRAMEWORK_PROFILE, findings)
    return version


def _profile(
    table: Table,
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
    _add(table, source, profile.defaults, findings)


def _model(table: Table, registries: Registries, findings: list[Finding]) -> Model | None:
    name = table.chosen("model.name")
    model = registries.model(name) if name else None
    if model is not None:
        _add(table, Source.MODEL, model.defaults, findings)
        _profile(table, "model.profile", model.profiles, model.name, Source.MODEL_PROFILE, findings)
    return model


def _engine(config: DeploymentConfig | None, framework: Framework | None, registries: Registries) -> Engine | None:
    """What starts the model: the config's own engine, else its framework's; None for servers of our own."""
    name = (config.engine if config is not None else "") or (framework.engine if framework is not None else "")
    return registries.engines.get(name) if name else None


def _instance(table: Table, registries: Registries) -> Instance | None:
    wanted = table.winner("deployment.instance_type")
    instance = registries.instance(str(wanted.value)) if wanted is not None else None
    if instance is not None and instance.platform:
        table.put(("build", "platform"), instance.platform, Source.DEFAULT, f"platform of {instance.name}")
    return instance
