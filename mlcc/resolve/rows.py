"""The registry rows that a configuration selects.

Law: pure; a name that no row has is a finding, never an exception.  Each function is a step of the resolver: it puts a
row into the draft, adds what the row knows to the table of candidates, and returns its findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mlcc.core.findings import SET, Finding, Fix, Severity
from mlcc.core.nodes import Node
from mlcc.core.paths import Path, dotted_path
from mlcc.core.spelling import only_match
from mlcc.core.text import allowed, nearest, quoted
from mlcc.core.values import Scalar, Source
from mlcc.load.document import check_tree
from mlcc.load.layers import Layer
from mlcc.registries.loader import Registries
from mlcc.registries.rows import (
    VALIDATION_LEVELS,
    DeploymentConfig,
    Framework,
    FrameworkVersion,
    Profile,
    Row,
    Target,
)
from mlcc.registries.versions import of_minor, why_left_out
from mlcc.resolve.candidates import Candidate, Table
from mlcc.resolve.choices import HELD, Choices
from mlcc.resolve.engine.model_variables import offer_model_name
from mlcc.resolve.engine.typed_keys import offer_typed_keys
from mlcc.resolve.hardware.defaults import can_serve, can_size, offer_instance_type, offer_split
from mlcc.resolve.hardware.hosts import offer_host_image
from mlcc.resolve.hardware.timeouts import offer_startup_timeout
from mlcc.resolve.model_format import infer_format, infer_framework
from mlcc.resolve.result import TRITON, Rows

Findings = list[Finding]
VERSION, BASE_IMAGE = dotted_path("framework.version"), dotted_path("framework.base_image")
INSTANCE_TYPE = dotted_path("deployment.instance_type")


@dataclass
class Draft:
    """A configuration on the way: its candidates, and the rows that are selected so far."""

    table: Table
    registries: Registries
    choices: Choices = field(default_factory=Choices)
    rows: Rows = field(default_factory=Rows)

    def select(self, **rows: object) -> None:
        """Puts rows into the draft, by the names of the fields of `Rows`."""
        self.rows = self.rows._replace(**rows)  # type: ignore[arg-type]


def _add(table: Table, source: Source, defaults: Node) -> Findings:
    """A row's own partial mlcc.yaml as a layer; it obeys the schema like any document, or does not take part."""
    document = check_tree(defaults, defaults.mark.file, partial=True, overlays=False)
    if document.ok:
        table.add(Layer(source, defaults))
    return list(document.findings)


def _about(
    candidate: Candidate, code: str, path: str, message: str, hint: str, severity: Severity = Severity.ERROR
) -> Finding:
    mark = candidate.mark
    return Finding(code, severity, message, path, mark.file or candidate.origin, mark.line, mark.column, hint)


# ---------------------------------------------------------------- config, target, architecture
def select_config(draft: Draft) -> Findings:
    """The deployment config that is named."""
    config = draft.registries.config(draft.table.text("deployment.config"))
    if config is not None:
        draft.select(config=config)
        return []
    row, findings = _named_row(draft, "deployment.config", "deployment_configs", "deployment config", "MLCC102")
    draft.select(config=row if isinstance(row, DeploymentConfig) else None)
    return findings


def select_target(draft: Draft) -> Findings:
    """The deployment target that is named."""
    row, findings = _named_row(draft, "deployment.target", "targets", "deployment target", "MLCC103")
    draft.select(target=row if isinstance(row, Target) else None)
    return findings


def _named_row(draft: Draft, path: str, kind: str, words: str, code: str) -> tuple[Row | None, Findings]:
    """The row that a path names in a table with aliases; a finding when there is none or the name is deprecated."""
    named = draft.table.best(path)
    if named is None:
        return None, []
    rows: Mapping[str, Row] = getattr(draft.registries, kind)
    written = str(named.value)
    name, is_alias = draft.registries.canonical(kind, written)
    if name not in rows:
        near = nearest(written, [*rows, *(a for r in rows.values() for a in r.aliases)])
        hint = (f"did you mean {near}? " if near else "") + f"known: {allowed(rows, 24)}"
        meant = only_match(written, rows) if near else ""
        fix = Fix(SET, written, meant) if meant else None
        return None, [_about(named, code, path, f"no {words} is called {quoted(written, 60)}", hint)._replace(fix=fix)]
    if not is_alias:
        return rows[name], []
    draft.table.drop(dotted_path(path), lambda candidate: candidate is named)
    draft.table.put(dotted_path(path), name, named.source, named.origin, named.mark)
    message = f"{quoted(written, 60)} is an old name of {name}"
    old = _about(named, "MLCC110", path, message, f"write {name}", Severity.WARNING)
    return rows[name], [old._replace(fix=Fix(SET, written, name))]


def select_architecture(draft: Draft) -> Findings:
    """The architecture of the deployment config, and its backends where it serves a Triton repository."""
    config, named = draft.rows.config, draft.table.best("deployment.config")
    if config is None or named is None:
        return []
    architecture = draft.registries.architecture(config.architecture)
    if architecture is None:
        message = f"{config.name} is of the architecture {quoted(config.architecture)}, which no registry has"
        return [_about(named, "MLCC102", "deployment.config", message, config.origin)]
    draft.select(architecture=architecture)
    if TRITON in architecture.uses:
        draft.select(backends=draft.registries.triton_backends)
    return []


def add_defaults(draft: Draft) -> Findings:
    """The defaults of the deployment config and of the target."""
    rows = [row for row in (draft.rows.config, draft.rows.target) if row is not None]
    return [f for row in rows for f in _add(draft.table, Source.DEPLOYMENT_CONFIG, row.defaults)]


def offer_payload_limit(draft: Draft) -> Findings:
    """The largest request of the target, in the variable from which the architecture's server reads its limit."""
    architecture, target = draft.rows.architecture, draft.rows.target
    name = str(architecture.container.get("payload_variable", "")) if architecture is not None else ""
    if name and target is not None and target.max_payload_mb:
        origin = f"{target.origin} max_payload_mb"
        draft.table.put(("env", name), str(target.max_payload_mb), Source.DEPLOYMENT_CONFIG, origin)
    return []


# ---------------------------------------------------------------- framework
def select_framework(draft: Draft) -> Findings:
    """The framework: the one that is named, or the only one of the config that loads the chosen format."""
    config, table = draft.rows.config, draft.table
    if config is None:
        return []
    infer_format(table, draft.registries, config)
    infer_framework(table, draft.registries, config)
    named = table.best("framework.name")
    if named is None:
        return _no_framework(table, config)
    framework = draft.registries.framework(str(named.value)) if named.value in config.frameworks else None
    if framework is None:
        hint = f"{config.name} serves: {allowed(config.frameworks)}"
        message = f"{config.name} does not serve {quoted(str(named.value), 60)}"
        return [_about(named, "MLCC105", "framework.name", message, hint)]
    draft.select(framework=framework)
    if framework.default_format and not table.text("model.format"):
        origin = f"{framework.origin} default_format"
        table.put(("model", "format"), framework.default_format, Source.FRAMEWORK, origin)
    return []


def _no_framework(table: Table, config: DeploymentConfig) -> Findings:
    named = table.best("deployment.config")
    if named is None or not config.frameworks:
        return []
    message = f"{config.name} serves several frameworks, and none is named"
    hint = f"framework: {{name: one of {allowed(config.frameworks)}}}, or a model.format that only one loads"
    return [_about(named, "MLCC105", "framework.name", message, hint)]


def select_version(draft: Draft) -> Findings:
    """The framework's version, with its defaults and its tuning profile."""
    framework, table = draft.rows.framework, draft.table
    if framework is None:
        return []
    named = _chosen_version(draft, framework)
    version = framework.versions.get(str(named.value)) if named is not None else None
    if version is None:
        return [] if named is None else [_unknown_version(framework, named)]
    draft.select(version=version)
    image = version.images.get(draft.rows.backend.image) if draft.rows.backend is not None else None
    if image is not None:  # of two candidates of one source the first wins: so this precedes the version's own default
        table.put(BASE_IMAGE, image, Source.FRAMEWORK, version.origin)
    findings = _add(table, Source.FRAMEWORK, version.defaults)
    _keep_choice(draft, BASE_IMAGE, f"{framework.name} {version.name}", lambda held: held in version.superseded_images)
    profiles = version.profiles
    return findings + _add_profile(table, "framework.profile", profiles, version.name, Source.FRAMEWORK_PROFILE)


def _chosen_version(draft: Draft, framework: Framework) -> Candidate | None:
    """The version that is named, else the one that a registry chooses."""
    best = newest(framework)
    if draft.table.best(VERSION) is None and best is not None:
        draft.table.put(VERSION, best.name, Source.FRAMEWORK, best.origin)
    _keep_choice(draft, VERSION, framework.name, lambda held: held in framework.versions)
    return draft.table.best(VERSION)


def _keep_choice(draft: Draft, path: Path, context: str, offered: Callable[[Scalar], bool]) -> bool:
    """Settles what a registry chose for a path, which the lock may hold otherwise; True where the lock decides."""
    best = draft.table.best(path)
    if best is None or best.source.by_hand:
        return False
    value = draft.choices.choose(path, best.value, context, offered)
    if value == best.value:
        return False
    draft.table.prefer(path, Candidate(value, best.source, HELD))
    return True


def _unknown_version(framework: Framework, named: Candidate) -> Finding:
    text = str(named.value)
    message = f"no row for {framework.name} {quoted(text, 40)}{why_left_out(framework, text)}"
    same, known = (
        of_minor(framework, text),
        ", ".join(f"{v.name} ({v.validation_level})" for v in framework.versions.values()),
    )
    near = f"of the same minor version: {same.name}; " if same is not None else ""
    hint = f"{near}known: {known}; or add a row in a registry of yours (registries: [./registries])"
    return _about(named, "MLCC106", "framework.version", message, hint)


def newest(framework: Framework) -> FrameworkVersion | None:
    """The version that is taken when none is named: the best validation level, and among those the newest."""
    ranked = sorted(framework.versions.values(), key=lambda v: _rank(v.validation_level))
    return ranked[0] if ranked else None


def _rank(level: str) -> int:
    return VALIDATION_LEVELS.index(level) if level in VALIDATION_LEVELS else len(VALIDATION_LEVELS)


def _add_profile(table: Table, path: str, profiles: Mapping[str, Profile], owner: str, source: Source) -> Findings:
    """The defaults of the tuning profile that a path names."""
    named = table.best(path)
    if named is None or named.value == "default":
        return []
    profile = profiles.get(str(named.value))
    if profile is None:
        message = f"{owner} has no profile {quoted(str(named.value), 40)}"
        return [_about(named, "MLCC107", path, message, f"known: {allowed(['default', *profiles])}")]
    return _add(table, source, profile.defaults)


# ---------------------------------------------------------------- engine, model, instance
def select_engine(draft: Draft) -> Findings:
    """The engine that loads the model: the config's own, else its framework's; none for servers of mlcc's own."""
    config, framework = draft.rows.config, draft.rows.framework
    name = (config.engine if config is not None else "") or (framework.engine if framework is not None else "")
    engine = draft.registries.engines.get(name) if name else None
    if engine is not None:
        draft.select(engine=engine, options=draft.registries.options(engine.options_name))
        offer_model_name(draft.table, engine)
    return []


def select_model(draft: Draft) -> Findings:
    """The model's row, with its defaults and its tuning profile."""
    name = draft.table.text("model.name")
    model = draft.registries.model(name) if name else None
    if model is None:
        return []
    draft.select(model=model)
    findings = _add(draft.table, Source.MODEL, model.defaults)
    return findings + _add_profile(draft.table, "model.profile", model.profiles, model.name, Source.MODEL_PROFILE)


def add_test_request(draft: Draft) -> Findings:
    """The request that every model of the engine answers."""
    engine = draft.rows.engine
    if engine is not None and engine.payload and draft.table.best("test.payload") is None:
        draft.table.put(("test", "payload"), engine.payload, Source.FRAMEWORK, engine.origin)
    return []


def read_engine_variables(draft: Draft) -> Findings:
    """The project's variables of the engine as typed keys, because sizes are computed from typed keys.

    Contradictions among them are found when every section is spelled.
    """
    engine = draft.rows.engine
    if engine is not None and can_size(engine, draft.rows.model):
        offer_typed_keys(draft.table, engine, ())
    return []


def select_instance(draft: Draft) -> Findings:
    """The instance type, with the split, the length and the host image that follow from it."""
    table, registries = draft.table, draft.registries
    needs_all_devices = offer_instance_type(table, registries, draft.rows)
    if _keep_choice(
        draft, INSTANCE_TYPE, _served(draft), lambda held: can_serve(table, registries, draft.rows, str(held))
    ):
        needs_all_devices = False
    name = table.text("deployment.instance_type")
    instance = registries.instance(name) if name else None
    if instance is not None:
        draft.select(instance=instance)
        if instance.platform:
            table.put(("build", "platform"), instance.platform, Source.DEFAULT, f"platform of {instance.name}")
    offer_split(table, registries, draft.rows, needs_all_devices, draft.choices)
    offer_startup_timeout(table, registries, draft.rows)
    offer_host_image(table, registries, draft.rows, draft.choices)
    return []


def _served(draft: Draft) -> str:
    """What an instance type is chosen for: the model where its row is known, else the architecture."""
    architecture = draft.rows.architecture.name if draft.rows.architecture is not None else ""
    return draft.table.text("model.name") if draft.rows.model is not None else architecture
