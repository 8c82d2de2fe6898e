"""MLCC133: an engine key for which this engine has no option."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import serving_containers
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.values import Source
from mlcc.registries.engine_rows import Engine
from mlcc.resolve.engine import spelling
from mlcc.resolve.engine.model_variables import is_hub_id

CODE = "MLCC133"
# Keys outside `engine:` that an engine gets as a variable, and the key under which its row names the variable.
MODEL_KEYS = {
    "model.name": "model.name",
    "model.revision": "model.revision",
    "model.chat_template": "model.chat_template",
    "model.chat_template_file": "model.chat_template",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Only what a person wrote: a registry's default for another engine is no mistake in this one."""
    engine = subject.rows.engine
    if engine is not None:
        yield from _engine_keys(subject, engine)
        yield from _model_keys(subject, engine)


def _engine_keys(subject: Subject, engine: Engine) -> Iterator[Finding]:
    seen = set()
    for container in serving_containers(subject):
        for key, setting in container.engine.items():
            source = subject.resolved.values[setting.path].source
            if key.startswith("extra_args.") or setting.path in seen or source >= Source.MODEL_PROFILE:
                continue
            if spelling.spelled(engine, key) is None:
                seen.add(setting.path)
                message = f"{engine.title} has no option for engine.{key}: it would be ignored"
                hint = "remove it, or pass the engine's own option in engine.extra_args"
                yield subject.finding(CODE, setting.path, message, hint, Severity.WARNING)


def _model_keys(subject: Subject, engine: Engine) -> Iterator[Finding]:
    for path, row_key in MODEL_KEYS.items():
        named = subject.resolved.value(path)
        if named is None or named.source >= Source.MODEL_PROFILE or row_key in engine.model_variables:
            continue
        is_name = path == "model.name"
        if is_name and not is_hub_id(str(named.value)):
            continue  # its files are put where the engine looks
        message = f"{engine.title} has no variable for {path}: it would be ignored"
        hint = "put a model with what it needs into S3 (model.name: s3://bucket/prefix/), or choose another engine"
        # without its model an engine starts nothing
        severity = Severity.ERROR if is_name else Severity.WARNING
        yield subject.finding(CODE, tuple(path.split(".")), message, hint, severity)
