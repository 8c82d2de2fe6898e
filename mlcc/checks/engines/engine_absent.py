"""MLCC133: an engine key that this engine has no option for."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.checks.containers import places
from mlcc.checks.subject import Subject
from mlcc.core.findings import Finding, Severity
from mlcc.core.values import Source
from mlcc.resolve.engine import spelling

CODE = "MLCC133"
# Keys outside `engine:` that an engine is told, and under which of them its row names the variable.
NAMED = {
    "model.name": "model.name",
    "model.revision": "model.revision",
    "model.chat_template": "model.chat_template",
    "model.chat_template_file": "model.chat_template",
}


def check(subject: Subject) -> Iterator[Finding]:
    """Only what somebody wrote: a registry's default for another engine says nothing about this one."""
    engine = subject.rows.engine
    if engine is None:
        return
    seen = set()
    for place in places(subject):
        for key, found in place.engine.items():
            value = subject.resolved.values[found.path]
            if key.startswith("extra_args.") or found.path in seen or value.source >= Source.MODEL_PROFILE:
                continue
            if spelling.spelled(engine, key) is None:
                seen.add(found.path)
                message = f"{engine.title} has no option for engine.{key}: it would be ignored"
                hint = "remove it, or pass the engine's own option in engine.extra_args"
                yield subject.finding(CODE, found.path, message, hint, Severity.WARNING)
    for path, dotted in NAMED.items():
        named = subject.resolved.value(path)
        if named is None or named.source >= Source.MODEL_PROFILE or dotted in engine.names:
            continue
        if path == "model.name" and ("://" in str(named.value) or str(named.value).startswith("./")):
            continue  # its files are put where the engine looks
        message = f"{engine.title} cannot be told {path}: it would be ignored"
        hint = "put a model with what it needs into S3 (model.name: s3://bucket/prefix/), or choose another engine"
        # without its model an engine starts nothing
        severity = Severity.ERROR if path == "model.name" else Severity.WARNING
        yield subject.finding(CODE, tuple(path.split(".")), message, hint, severity)
